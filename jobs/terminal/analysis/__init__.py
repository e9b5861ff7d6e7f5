"""Draws what is computed from recorded studies: checks and comparisons. Imports nothing but rich and values."""
