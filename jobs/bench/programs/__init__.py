"""The programs that benchmarks measure on the side of mxtrials, one process each; some also run a peer and time it."""
