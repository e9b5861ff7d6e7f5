"""The study specs that come with mxtrials, and how one is found by its name."""
