"""Studies side by side: which is better, by how much, and whether chance may have done it."""
