"""The notifier beside the loop that the connector documents, into a bus that costs nothing and into eventbus/."""
