"""Where and when trials run: study spec, search, store, workers, pools, driver, TensorBoard recorder."""
