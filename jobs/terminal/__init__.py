"""What a person sees in a terminal: progress, leaderboards, tables. The only rich."""
