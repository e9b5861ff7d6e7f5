"""The page that shows studies side by side."""
