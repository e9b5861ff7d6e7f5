"""Settings that no machine can follow: the study refuses, or a trial of it fails with its cause."""

import json
from pathlib import Path

import pytest

from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine, assert_refused, run_with_ulimit

ADDRESSES_KB = 5_000_000


@fault(
    "Data, specs and settings",
    "a network, or batches, that do not fit into the memory",
    seen="the trial is FAIL with what it takes and what is free; the others are trained",
    lost="that trial",
)
def test_network_beyond_the_memory_fails_alone(environment: dict[str, str], small: list[str], tmp_path: Path) -> None:
    fields = (
        "search.space={model.hidden: {choices: [[8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192], [16]]}}",
        "search.sampler.kind=grid",
        "training.batch_size=10000",
        "limits.attempts=2",
    )
    options = [*small, *(f"--set={field}" for field in fields), "--json"]
    done = run_with_ulimit(f"-v {ADDRESSES_KB}", environment, "run", "smoke", *options, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    huge, modest = json.loads(done.stdout)["trials"]
    assert (huge["state"], huge["attempts"], modest["state"]) == ("FAIL", 2, "COMPLETE")
    assert "training takes about 13." in huge["error"]


@fault(
    "Data, specs and settings",
    "more workers, for as many trials, than the machine can hold (`workers.cpu: 100000`)",
    seen="one sentence with how many fit, exit code 3",
    lost="nothing: nothing had begun",
)
def test_crowd_of_workers_is_refused(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    on_ray = [option for option in small if option != "--local"]
    crowd = ("--workers", "cpu=100000", "--trials", "1000000")
    assert_refused(mxtrials("run", "smoke", *on_ray, *crowd), 3, "100000 workers take 12000.0 GB", "workers.cpu")
    assert not (tmp_path / "runs" / "smoke").exists()


@pytest.mark.slow
@fault(
    "Data, specs and settings",
    "a GPU is asked for and there is none",
    seen="one sentence with what was asked and what there is, exit code 3; no run directory",
    lost="nothing: nothing had begun",
)
def test_gpu_that_is_not_there_is_told(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    on_ray = [option for option in small if option != "--local"]
    done = mxtrials("run", "smoke", *on_ray, "--workers", "cpu=1,gpu=1", "--quiet", CUDA_VISIBLE_DEVICES="")
    assert_refused(done, 3, "workers.gpu is 1, but the cluster offers 0 GPUs")
    assert not (tmp_path / "runs" / "smoke").exists()
