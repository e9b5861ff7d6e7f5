"""Learning on one context in one process: data cache, networks, training, metrics, checkpoints, prediction."""
