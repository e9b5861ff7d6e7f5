"""What Ray starts on a node: an actor, and a function, that first make their process import the installed packages.

Ray receives this module by value. It imports the standard library and Ray only, and the rest when it is called, because
until then a user's own `cluster.py` could be imported instead of our package.
"""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import ray
from ray import cloudpickle

from mnist_core import installed


@ray.remote(max_restarts=0, max_task_retries=0)
class WorkerActor:
    """A process with a worker: see cluster.ray_backend.actor.ActorWorker, whose methods it calls."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        """Prepares the process; arguments of later calls are unpickled after that."""
        prepare()

    def open(self, *arguments: Any) -> Any:
        """Creates the worker: in a call, because of exceptions in a constructor Ray passes on only the text."""
        self._worker = import_module("cluster.ray_backend.actor").ActorWorker(*arguments)
        return self._worker.ready()

    def start(self, trial: Any) -> Any:
        """Calls ActorWorker.start."""
        return self._worker.start(trial)

    def advance(self) -> Any:
        """Calls ActorWorker.advance."""
        return self._worker.advance()

    def suspend(self) -> Any:
        """Calls ActorWorker.suspend."""
        return self._worker.suspend()


def call(prepare: Callable[[], None], module: str, function: str, *arguments: Any) -> Any:
    """Prepares the process, then calls a function of an installed module."""
    prepare()
    return getattr(import_module(module), function)(*arguments)


def preparation() -> Callable[[], None]:
    """Returns what makes a process of Ray import the packages that this process imports."""
    return partial(installed.prefer_installed, installed.root_folder(), installed.user_folders())


for _module in (installed, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(_module)
