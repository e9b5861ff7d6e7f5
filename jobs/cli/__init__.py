"""The command line. Only this package imports click."""

from jobs.cli.main import main

__all__ = ["main"]
