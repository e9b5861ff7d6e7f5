"""`mxtrials doctor`: what is missing on this machine, and how to fix it."""
