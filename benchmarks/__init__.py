"""What the hub achieves, measured beside what the machine could do: `python -m benchmarks`, or `make bench`."""
