"""When a study that was interrupted leaves its run directory behind, and when nothing."""

from pathlib import Path

import pytest

import jobs.study.run
from cluster.driver.observer import StudyObserver
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from jobs.study.backend import Backend
from jobs.study.run import start_study


def interrupted(*arguments: object) -> bool:
    raise KeyboardInterrupt


@pytest.fixture
def spec(small_idx_folder: Path) -> StudySpec:
    return load_spec("name: run", [f"data.source={small_idx_folder}", "data.holdout=56"])


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_study_that_is_interrupted_before_its_first_trial_leaves_nothing(
    spec: StudySpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs.study.run, "_run_driver", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_study(spec, tmp_path / "run", Backend(local=True), StudyObserver())
    assert not (tmp_path / "run").exists()


def test_study_is_kept_where_a_second_interruption_comes_while_its_trials_are_looked_for(
    spec: StudySpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs.study.run, "_run_driver", interrupted)
    monkeypatch.setattr(Store, "trials", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_study(spec, tmp_path / "run", Backend(local=True), StudyObserver())
    assert RunDir.open(tmp_path / "run").store.exists()


def test_study_is_kept_where_the_interruption_comes_after_its_end(
    spec: StudySpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ended(*arguments: object) -> None:
        monkeypatch.setattr(Store, "close", interrupted)

    monkeypatch.setattr(jobs.study.run, "_run_driver", ended)
    with pytest.raises(KeyboardInterrupt):
        start_study(spec, tmp_path / "run", Backend(local=True), StudyObserver())
    assert RunDir.open(tmp_path / "run").store.exists()
