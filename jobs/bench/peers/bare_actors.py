"""The floor of `bench start` and `bench memory`: bare Ray, and actors that import MXNet, without any mxtrials code.

Run as `python -m jobs.bench.peers.bare_actors ACTORS [CPUS]`: starts Ray with this many CPUs, by default one per core,
and the actors. Prints "imported" when all of them have imported MXNet, and ends when its standard input does.
"""

import logging
import sys

import ray


@ray.remote(num_cpus=1)
class Actor:
    """Does what any trial that uses MXNet on Ray must do first."""

    def import_mxnet(self) -> str:
        """Imports MXNet and returns its version."""
        import numpy

        numpy.bool = numpy.bool_  # type: ignore[attr-defined]
        import mxnet

        mxnet.nd.waitall()
        return str(mxnet.__version__)


def main(count: int, cpus: int | None = None) -> None:
    """Starts Ray, without its dashboard, as mxtrials does, and the actors; waits for the end of the input."""
    ray.init(
        address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL
    )
    actors = [Actor.remote() for _ in range(count)]  # type: ignore[attr-defined]
    ray.get([actor.import_mxnet.remote() for actor in actors])
    sys.stdout.write("imported\n")
    sys.stdout.flush()
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
