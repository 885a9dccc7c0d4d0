"""Judges whole fetches with numpy: the same verdicts as the core, which defines them, many records at a time."""
