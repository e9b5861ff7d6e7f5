"""What a user would run instead of mxtrials, and floors that nothing can beat."""
