"""The command line: click only."""

from jobs.cli.main import main

__all__ = ["main"]
