"""`mxtrials bench`: measures mxtrials beside what a user would pick instead."""
