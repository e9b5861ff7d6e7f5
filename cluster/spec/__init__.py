"""The study spec: reads YAML, validates it once, and says in one sentence what is wrong with it."""
