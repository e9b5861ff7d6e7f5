"""Every error that mxtrials raises on purpose. A message says what is wrong, with the value, and what to do.

MxtrialsError
├── InputError             what the user gave cannot be used                 exit code 2
│   ├── SpecError            the study spec
│   ├── DataError            an IDX file or folder
│   ├── ImageError           an image file to classify
│   ├── CheckpointError      a saved model or training state
│   ├── AddressError         the address of a Ray cluster
│   └── RunDirError          a run directory: missing, already there, in use, damaged, without such a trial
├── EnvironmentProblem       this machine or cluster cannot do it              exit code 3
│   ├── MissingLibrary       a Python package or a system library
│   ├── DeviceUnavailable    the requested CPU or GPU context
│   ├── NotWritable          a file or folder cannot be written
│   └── ClusterUnavailable   Ray cannot be started or reached
│       └── ClusterLost         Ray stopped answering while a study ran
├── NoCompleteTrial        the study ended without a complete trial          exit code 1
├── FallsShort             the best trial does not reach what was required   exit code 4
└── NotReproduced          a retrained trial gives different results         exit code 1

Expected bad outcomes of a trial (a diverged loss, a crash, a lost worker) are values: see cluster/workers/events.py.
"""

from typing import ClassVar


class MxtrialsError(Exception):
    """Base of all errors that mxtrials raises on purpose; `str(error)` is one clear sentence."""

    exit_code: ClassVar[int] = 1


class InputError(MxtrialsError):
    """What the user gave cannot be used."""

    exit_code: ClassVar[int] = 2


class SpecError(InputError):
    """The study spec is malformed; the message names the key and, where known, the line."""


class DataError(InputError):
    """An IDX file or folder is missing or malformed; the message names file, offset and expectation."""


class ImageError(InputError):
    """A file given to `predict` is not an image that can be read."""


class CheckpointError(InputError):
    """A saved model or training state is missing or damaged."""


class AddressError(InputError):
    """The address of a Ray cluster is malformed, or is that of another service."""


class RunDirError(InputError):
    """A run directory is missing, already there, in use or damaged, or has no such trial."""


class EnvironmentProblem(MxtrialsError):
    """This machine or cluster is missing something; `mxtrials doctor` says what."""

    exit_code: ClassVar[int] = 3


class MissingLibrary(EnvironmentProblem):
    """A Python package or a system library that is needed is not installed."""


class DeviceUnavailable(EnvironmentProblem):
    """The requested CPU or GPU context is not available here."""


class NotWritable(EnvironmentProblem):
    """A file or folder cannot be written."""


class ClusterUnavailable(EnvironmentProblem):
    """Ray cannot be started or reached, or has no room for a worker."""


class ClusterLost(ClusterUnavailable):
    """Ray stopped answering while a study ran: its threads in this process would crash or hang an orderly exit."""


class NoCompleteTrial(MxtrialsError):
    """The study ended without a complete trial."""


class FallsShort(MxtrialsError):
    """The best trial of a study does not reach what `--require` asks for."""

    exit_code: ClassVar[int] = 4


class NotReproduced(MxtrialsError):
    """A recorded trial, retrained, gives different metrics or weights."""


def first_line(text: str, default: str = "no message") -> str:
    """Returns the first non-blank line of a message, stripped; `default` if there is none."""
    return next(filter(None, map(str.strip, text.splitlines())), default)


def last_line(text: str, default: str = "no message") -> str:
    """Returns the last non-blank line of a message, stripped; `default` if there is none."""
    return next(filter(None, map(str.strip, reversed(text.splitlines()))), default)
