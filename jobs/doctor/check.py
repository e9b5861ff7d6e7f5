"""The result of one check of `mxtrials doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class CheckResult:
    """One line of the doctor's report.

    Attributes:
        what: what was checked, e.g. "memory".
        state: "missing" if mxtrials cannot run, "warning" if it can run but not as well as it could.
        found: what this machine has.
        remedy: what to do; empty if nothing needs to be done.
    """

    what: str
    state: State
    found: str
    remedy: str = ""
