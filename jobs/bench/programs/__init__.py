"""The programs that benchmarks measure: mxtrials, and its limits; some run and time a peer. One process each."""
