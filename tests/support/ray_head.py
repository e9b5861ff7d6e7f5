"""A head of `ray start` in a home of its own, with its own token: another cluster than that of this process."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.processes import free_port, wait_until

RAY = str(Path(sys.executable).with_name("ray"))
TIMEOUT_S = 120


@dataclass(frozen=True)
class RayHead:
    """A running head.

    Attributes:
        address: the address of its GCS.
        environment: the environment of a client that has its token.
        sessions: the folder of its sessions, which its processes name in their command lines.
    """

    address: str
    environment: dict[str, str]
    sessions: str

    def gcs_server(self) -> psutil.Process:
        """Returns the process of its GCS."""
        (gcs,) = (process for process in processes_of(self.sessions) if process.name() == "gcs_server")
        return gcs


@contextmanager
def ray_head(folder: Path, **variables: str) -> Iterator[RayHead]:
    """Starts a head with one CPU, whose processes do not watch each other.

    Args:
        folder: its home.
        variables: added to the environment of the head and of its clients.
    """
    environment = {**client_environment(folder), **variables}
    sessions = tempfile.mkdtemp(prefix="ray-")  # under pytest's own folder, the paths of Ray's sockets are too long
    address = f"127.0.0.1:{(port := free_port())}"
    command = [RAY, "start", "--head", "--num-cpus=1", "--node-ip-address=127.0.0.1", f"--port={port}"]
    command += ["--include-dashboard=false", f"--ray-client-server-port={free_port()}"]
    command += [f"--dashboard-agent-listen-port={free_port()}", f"--temp-dir={sessions}"]
    try:
        with (folder / "ray-start.log").open("w") as log:
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=TIMEOUT_S,
                check=True,
            )
        yield RayHead(address, environment, sessions)
    finally:
        for process in processes_of(sessions):
            process.kill()
        wait_until(lambda: not processes_of(sessions), "the end of Ray's processes")
        shutil.rmtree(sessions)


def processes_of(sessions: str) -> list[psutil.Process]:
    """Returns the processes whose command line names this folder of Ray's sessions."""
    found = psutil.process_iter(["cmdline", "status"])
    return [
        process
        for process in found
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(sessions in word for word in process.info["cmdline"] or ())
    ]


def client_environment(folder: Path) -> dict[str, str]:
    """This process's environment without its Ray cluster, but with a separate home and token."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    separate = {"HOME": str(folder), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    return {**inherited, **separate, "RAY_USAGE_STATS_ENABLED": "0", "PATH": f"{Path(RAY).parent}:{os.environ['PATH']}"}
