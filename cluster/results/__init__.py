"""A study read back: summary, tables, pictures. Draws nothing on a terminal."""
