"""Event patterns: compiled once per rule, matched against events. Pure."""
