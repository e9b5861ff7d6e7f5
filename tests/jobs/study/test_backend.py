"""How many workers a study starts on machines and clusters with few CPUs."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, assert_one_line_error, command
from tests.support.small_cluster import small_cluster
from tests.support.small_quota import small_quota

pytestmark = pytest.mark.slow


@pytest.fixture
def on_ray(small: list[str]) -> list[str]:
    """Options for a study of one short trial on 200 images."""
    return [*(option for option in small if option != "--local"), "--trials=1", "--epochs=1", "--quiet"]


def test_machine_that_grants_half_a_core_starts_one_worker(
    environment: dict[str, str], on_ray: list[str], tmp_path: Path
) -> None:
    run = command("run", "smoke", *on_ray, "--out", tmp_path / "run")
    with small_quota(0.5) as processes:
        done = subprocess.run(
            ["sh", "-c", 'echo $$ > "$0" && exec "$@"', processes, *run],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("workers", ["cpu=2", "cpu=auto"])
def test_cluster_without_a_cpu_is_rejected_at_once(
    workers: str, mxtrials: CommandLine, on_ray: list[str], tmp_path: Path
) -> None:
    with small_cluster(num_cpus=0) as cluster:
        done = mxtrials("run", "smoke", *on_ray, "--workers", workers, "--quiet", "--address", cluster.address)
    assert_one_line_error(done, 3, "no worker can run", "the cluster offers 0 CPUs and 0 GPUs")
    assert not (tmp_path / "runs" / "smoke").exists()
