"""Our side of each benchmark: one program, one process."""
