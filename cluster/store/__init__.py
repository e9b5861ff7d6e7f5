"""The study store: the SQLite file that holds the truth about a study. The only SQL."""
