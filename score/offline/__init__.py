"""Producer, analyzer and score in one process, without a broker: the same cores as the services run."""
