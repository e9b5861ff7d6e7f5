"""The programs that a person runs or submits: command line, terminal, studies, benchmarks, shipped specs."""
