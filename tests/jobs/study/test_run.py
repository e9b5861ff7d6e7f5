"""When an interrupted study keeps its run directory, and when it removes it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from cluster.driver.observer import StudyObserver
from cluster.results.summary import summarize
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from jobs.study.backend import Backend
from jobs.study.run import RunSession, StudyResult, start_study
from jobs.study.session import StudySession


@pytest.fixture
def spec(small_idx_folder: Path) -> StudySpec:
    return load_spec("name: run", [f"data.source={small_idx_folder}", "data.holdout=56"])


@pytest.fixture(autouse=True)
def private_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run_study(spec: StudySpec, out: Path, run: RunSession) -> None:
    start_study(spec, out, Backend(local=True), StudyObserver(), run)


def interrupt(*arguments: object) -> NoReturn:
    raise KeyboardInterrupt


def interrupt_in(function: Callable[..., object]) -> None:
    """Interrupts this process in its next call of a function, as a Ctrl-C at that instant would."""

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is function.__code__:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(profile)


@pytest.fixture(autouse=True)
def no_interruption_is_left() -> Iterator[None]:
    yield
    left = sys.getprofile()
    sys.setprofile(None)
    assert left is None, "the function that was to be interrupted was not called"


def test_study_that_is_interrupted_before_its_first_trial_is_removed(spec: StudySpec, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_study(spec, tmp_path / "run", interrupt)
    assert not (tmp_path / "run").exists()


def test_study_that_is_interrupted_after_its_first_trial_is_kept(spec: StudySpec, tmp_path: Path) -> None:
    def add_trial(session: StudySession, backend: Backend, view: StudyObserver) -> NoReturn:
        session.store.add_trial(0, "mlp", {}, seed=0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(spec, tmp_path / "run", add_trial)
    assert RunDir.open(tmp_path / "run").store.exists()


def test_study_is_kept_if_it_is_interrupted_again_while_its_trials_are_read(spec: StudySpec, tmp_path: Path) -> None:
    def interrupt_twice(session: StudySession, backend: Backend, view: StudyObserver) -> NoReturn:
        interrupt_in(Store.trials)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(spec, tmp_path / "run", interrupt_twice)
    assert RunDir.open(tmp_path / "run").store.exists()


def test_study_whose_store_cannot_be_read_after_the_interruption_is_kept(spec: StudySpec, tmp_path: Path) -> None:
    def damage(session: StudySession, backend: Backend, view: StudyObserver) -> NoReturn:
        session.store.connection.execute("DROP TABLE trials")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(spec, tmp_path / "run", damage)
    assert RunDir.open(tmp_path / "run").store.exists()


def test_study_that_is_interrupted_after_its_end_is_kept(spec: StudySpec, tmp_path: Path) -> None:
    def end(session: StudySession, backend: Backend, view: StudyObserver) -> StudyResult:
        interrupt_in(Store.close)
        return StudyResult(summarize(session.spec, session.store))

    with pytest.raises(KeyboardInterrupt):
        run_study(spec, tmp_path / "run", end)
    assert RunDir.open(tmp_path / "run").store.exists()
