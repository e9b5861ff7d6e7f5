"""A network on one context: its layers, its weights, what it predicts, and its saved form."""
