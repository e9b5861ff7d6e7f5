"""`mxtrials doctor`: finds what is missing on this machine, and says how to fix it."""
