"""The programs that a person runs: command line, terminal, studies, doctor, benchmarks, shipped specs."""
