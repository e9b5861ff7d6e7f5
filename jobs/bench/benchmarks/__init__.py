"""The benchmarks: what each compares, its figures and its targets."""
