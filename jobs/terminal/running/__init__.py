"""What is shown and logged while a study runs."""
