"""`mxtrials bench`: measures mxtrials against the alternatives."""
