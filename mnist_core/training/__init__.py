"""How a network learns: the training loop, its optimizers and schedules, and the state it resumes from."""
