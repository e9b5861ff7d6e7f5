"""What a person sees in a terminal, drawn with rich: progress, leaderboards, tables."""
