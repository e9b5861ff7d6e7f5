"""Specs in the words of other tools (W&B, NNI, Ray Tune, Ax, Optuna, Hydra), and how to write them here."""
