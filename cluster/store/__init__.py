"""The study store: the SQLite file that is the source of truth for a study. All SQL is here."""
