"""Workers as Ray actors. The only package below `jobs` that imports Ray."""
