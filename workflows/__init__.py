"""Deterministic shells: the clock and courier of each process."""
