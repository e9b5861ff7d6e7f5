"""MNIST as arrays: reads IDX files and pictures, and caches the dataset as one Arrow file."""
