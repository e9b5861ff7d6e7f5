"""The programs a person runs or submits: command line, terminal view, shipped study specs."""
