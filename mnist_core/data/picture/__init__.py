"""Finds the digit in a picture that a person took: decoding, paper, ruled lines, shapes. Loaded by `predict` only."""
