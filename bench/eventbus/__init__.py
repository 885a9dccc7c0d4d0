"""The local event bus beside moto server and ministack."""
