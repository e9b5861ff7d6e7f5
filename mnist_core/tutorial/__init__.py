"""MXNet's own fit, score and predict on our data: the iterators and metrics of the tutorials."""
