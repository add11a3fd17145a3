"""The rules of access: pure functions and frozen models, without a clock, randomness or I/O."""
