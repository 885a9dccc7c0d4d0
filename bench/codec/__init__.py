"""Avro in and out: a record at a time with fastavro, and a batch at a time with numpy, on the same bytes."""
