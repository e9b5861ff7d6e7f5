"""Proposes the trials of a study and stops them early. Nothing else imports Optuna."""
