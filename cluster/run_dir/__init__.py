"""What a study leaves on disk: the run directory's paths and lock, checkpoints, environment.json."""
