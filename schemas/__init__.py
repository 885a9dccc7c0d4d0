"""The contract: Avro schemas, topics, wire formats, and how every service is set up and run.

Services share this package and nothing else.
"""
