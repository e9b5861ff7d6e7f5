"""The study spec: reads YAML, validates it once, and explains in one sentence what is wrong with it."""
