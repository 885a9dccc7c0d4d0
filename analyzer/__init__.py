"""Judges each transaction against what its card did before, and tells of the suspicious ones."""

__version__ = "0.1.0"
