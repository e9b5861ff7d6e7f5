"""Proposes the trials of a study and stops them early. Only this package imports Optuna."""
