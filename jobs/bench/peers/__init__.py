"""The alternatives to mxtrials, and floors that nothing can beat."""
