"""Decides what happens next to each trial, and tells observers."""
