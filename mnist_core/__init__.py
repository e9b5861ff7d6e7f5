"""Learning on one context in one process: data, networks, training and its states, prediction."""
