"""Decides what happens next to each trial, and notifies observers."""
