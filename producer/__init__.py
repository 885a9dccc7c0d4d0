"""Plays cardholders and fraudsters and writes their transactions, and late the truth about them, to Kafka."""
