"""The analyzer on Kafka Streams, in Java: a peer of the benchmark."""
