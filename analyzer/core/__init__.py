"""The pure core: values in, values out. No clock, randomness, environment, log or I/O."""
