"""The figures we promise, measured on this machine: `python -m benchmarks`."""
