"""Reads a study back: summary, tables, pictures. Prints nothing."""
