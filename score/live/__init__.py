"""The score on Kafka: reads truth and alerts as they come, and keeps what it has read where a crash can't take it."""
