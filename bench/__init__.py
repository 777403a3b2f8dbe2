"""Measurements. Each is a command; none is a test, since timings are noisy."""
