"""Where and when trials run: spec, search, store, workers, driver, TensorBoard."""
