"""The analyzer on Kafka Streams and on Flink, in Java: peers of the benchmark."""
