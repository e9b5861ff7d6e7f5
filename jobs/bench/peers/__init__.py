"""The other side: what a user would run instead of mxtrials."""
