"""Side-by-side benchmarks, each with its peer."""
