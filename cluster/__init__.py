"""Where and when trials run: spec, search, store, workers, driver, run directory, results, TensorBoard."""
