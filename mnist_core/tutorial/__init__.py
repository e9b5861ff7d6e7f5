"""The tutorials' iterators and metrics, for MXNet's own fit, score and predict on our data."""
