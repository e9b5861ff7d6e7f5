"""Pages and drawings of a study for a browser: the only room with templates."""
