"""What a command prints: pictures for a person, JSON for a machine, or nothing."""

from enum import Enum


class OutputMode(Enum):
    """How much of a running study is shown."""

    ALL = "all"
    JSON = "json"
    QUIET = "nothing"

    @classmethod
    def of(cls, as_json: bool, quiet: bool) -> "OutputMode":
        """From the command line's flags."""
        return cls.JSON if as_json else cls.QUIET if quiet else cls.ALL
