"""Workers as Ray actors. The only Ray below `jobs`."""
