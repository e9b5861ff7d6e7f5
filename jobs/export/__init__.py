"""`mxtrials export`: a study as files that other tools read."""
