"""Says who was caught: joins the truth with what was flagged, live on Kafka and offline in one process."""
