"""What the benchmarks compare: programs, each run in a process of its own, that print their numbers as JSON."""
