"""A network on one context: layers, weights, predictions, and the saved model."""
