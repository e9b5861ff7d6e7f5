"""Values that reports and comparisons show, computed from what a study has recorded. Pure: draws and writes nothing."""
