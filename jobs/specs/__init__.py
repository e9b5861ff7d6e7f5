"""The study specs that come with mxtrials, and the function that finds one by name."""
