"""What one check of `mxtrials doctor` found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class CheckResult:
    """One line of the doctor's report.

    Attributes:
        what: was looked at.
        state: "missing" where mxtrials cannot run, "warning" where it runs worse than it could.
        found: what there is.
        remedy: what to do; empty where nothing needs doing.
    """

    what: str
    state: State
    found: str
    remedy: str = ""
