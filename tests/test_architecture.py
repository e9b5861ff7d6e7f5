"""Every architecture rule catches an offence that is added to a copy of the packages, as the real tool reports.

import-linter checks imports, ruff other single owners. What neither can express is checked here on the syntax tree.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest
import tomli

ROOT = Path(__file__).parents[1]
PACKAGES = ("mnist_core", "cluster", "jobs")
BIN = Path(sys.executable).parent
MAX_LINES = 300
MAX_FILES = 10
RUN_DIR = ROOT / "cluster" / "run_dir" / "paths.py"
FILE_NAME = re.compile(r"[\w.-]*\w\.[a-z]+")


class ForbiddenImport(NamedTuple):
    """One import that breaks one contract. The statement is `import <imported>` unless another is given."""

    contract: str
    importer: str
    imported: str
    statement: str = ""

    @property
    def file(self) -> str:
        """The path of the importing file, below the root."""
        return self.importer.replace(".", "/") + ".py"

    @property
    def code(self) -> str:
        """The statement that breaks the contract."""
        return self.statement or f"import {self.imported}"


class BannedName(NamedTuple):
    """One use of a name that ruff bans. file: its path below the root."""

    name: str
    file: str
    code: str


LAYERS = "Layers: jobs above cluster above mnist_core"
ROOMS_OF_CORE = "Rooms of mnist_core: tutorial and training above model above data"
ROOMS_OF_CLUSTER = "Rooms of cluster: what shows and runs a study above what decides, records and describes it"
ROOMS_OF_JOBS = "Rooms of jobs: the command line above the terminal above what the commands do"
MXNET = "MXNet is imported in mnist_core.context only"
RAY = "Ray is imported where clusters are reached only"
TENSORBOARDX = "tensorboardX is imported in cluster.tensorboard only"
SQL = "SQLite is imported in cluster.store only"
OPTUNA = "Optuna is imported in cluster.search only"
CORE = "mnist_core knows no cluster, search, dashboard or command line"
DRIVER = "The driver decides and leaves the doing to others"

IMPORTS = [
    ForbiddenImport(LAYERS, "mnist_core.offence_cluster", "cluster"),
    ForbiddenImport(LAYERS, "cluster.offence_jobs", "jobs"),
    ForbiddenImport(ROOMS_OF_CORE, "mnist_core.data.offence_model", "mnist_core.model.networks"),
    ForbiddenImport(ROOMS_OF_CORE, "mnist_core.training.offence_tutorial", "mnist_core.tutorial.iterators"),
    ForbiddenImport(ROOMS_OF_CLUSTER, "cluster.spec.offence_store", "cluster.store.rows"),
    ForbiddenImport(ROOMS_OF_CLUSTER, "cluster.driver.offence_ray_backend", "cluster.ray_backend.session"),
    ForbiddenImport(ROOMS_OF_JOBS, "jobs.study.offence_terminal", "jobs.terminal.output"),
    ForbiddenImport(ROOMS_OF_JOBS, "jobs.terminal.offence_cli", "jobs.cli.options"),
    ForbiddenImport(MXNET, "mnist_core.offence_mxnet", "mxnet", "import mxnet as mx"),
    ForbiddenImport(MXNET, "jobs.offence_mxnet", "mxnet", "from mxnet import nd"),
    ForbiddenImport(RAY, "cluster.offence_ray", "ray", "import ray.util"),
    ForbiddenImport(RAY, "jobs.offence_ray", "ray", "def late() -> None:\n    from ray import get"),
    ForbiddenImport(TENSORBOARDX, "jobs.offence_tensorboardx", "tensorboardX"),
    ForbiddenImport(SQL, "cluster.offence_sqlite3", "sqlite3"),
    ForbiddenImport(SQL, "jobs.offence_sqlalchemy", "sqlalchemy"),
    ForbiddenImport(OPTUNA, "cluster.offence_optuna", "optuna"),
    ForbiddenImport(CORE, "mnist_core.offence_click", "click"),
    ForbiddenImport(CORE, "mnist_core.offence_optuna", "optuna"),
    ForbiddenImport(CORE, "mnist_core.offence_ray", "ray"),
    ForbiddenImport(CORE, "mnist_core.offence_rich", "rich", "import rich.table"),
    ForbiddenImport(CORE, "mnist_core.offence_tensorboardx", "tensorboardX", "from tensorboardX import SummaryWriter"),
    *(
        ForbiddenImport(DRIVER, "cluster.driver.retries", name)
        for name in ("mxnet", "optuna", "ray", "sqlite3", "tensorboardX")
    ),
]
CONTEXT = "from mnist_core.context import mx\n\nhere = "
NAMES = [
    BannedName("mnist_core.context.mx.Context", "cluster/offence_context.py", f"{CONTEXT}mx.Context('cpu', 0)"),
    BannedName("mnist_core.context.mx.context", "cluster/offence_current.py", f"{CONTEXT}mx.context.current_context()"),
    BannedName("mnist_core.context.mx.cpu", "mnist_core/offence_cpu.py", f"{CONTEXT}mx.cpu()"),
    BannedName("mnist_core.context.mx.gpu", "jobs/offence_gpu.py", f"{CONTEXT}mx.gpu(0)"),
    BannedName("numpy.bool", "mnist_core/offence_numpy.py", "import numpy as np\n\nnp.bool = np.bool_"),
    BannedName("os.environ", "mnist_core/offence_environ.py", "import os\n\nos.environ['OMP_NUM_THREADS'] = '2'"),
    BannedName("os.getenv", "cluster/offence_getenv.py", "from os import getenv"),
    BannedName("os.putenv", "cluster/offence_putenv.py", "import os\n\nos.putenv('RAY_AUTH_MODE', 'token')"),
]


class Finding(NamedTuple):
    """One finding of ruff. file: relative to the folder that ruff ran in."""

    file: str
    message: str


@pytest.fixture(scope="module")
def offending_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with every offence from the tables above."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("bundled", "__pycache__"))
    offences: list[ForbiddenImport | BannedName] = [*IMPORTS, *NAMES]
    for offence in offences:
        with (tree / offence.file).open("a") as file:
            file.write(f"\n{offence.code}\n")
    return tree


@pytest.fixture(scope="module")
def broken_contracts(offending_tree: Path) -> dict[str, str]:
    """The contracts that import-linter finds broken there: name to the imports that break it."""
    report = lint_imports(offending_tree)
    assert report.returncode == 1, report.stderr
    lines = report.stdout.partition("Broken contracts")[2].splitlines()
    starts = [at for at, line in enumerate(lines) if set(line) == {"-"} and at and lines[at - 1]]
    ends = [*starts[1:], len(lines) + 1]
    return {lines[start - 1]: "\n".join(lines[start + 1 : end - 1]) for start, end in zip(starts, ends, strict=True)}


@pytest.fixture(scope="module")
def banned_names(offending_tree: Path) -> list[Finding]:
    """The banned names that ruff finds there."""
    report = run_tool("ruff", "check", "--no-cache", "--select=TID251", "--output-format=json", cwd=offending_tree)
    assert report.returncode == 1, report.stderr
    return [
        Finding(str(Path(found["filename"]).relative_to(offending_tree)), found["message"])
        for found in json.loads(report.stdout)
    ]


@pytest.mark.parametrize("offence", IMPORTS, ids=lambda offence: f"{offence.importer}-{offence.imported}")
def test_forbidden_import_breaks_its_contract(offence: ForbiddenImport, broken_contracts: dict[str, str]) -> None:
    assert f"{offence.importer} -> {offence.imported} (l." in broken_contracts[offence.contract]


@pytest.mark.parametrize("offence", NAMES, ids=lambda offence: offence.name)
def test_banned_name_is_found_by_ruff(offence: BannedName, banned_names: list[Finding]) -> None:
    messages = [found.message for found in banned_names if found.file == offence.file]

    assert any(f"`{offence.name}` is banned" in message for message in messages)


def test_every_contract_and_every_banned_name_has_an_offence() -> None:
    tools = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]
    contracts = {contract["name"] for contract in tools["importlinter"]["contracts"]}
    names = set(tools["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])

    assert {offence.contract for offence in IMPORTS} == contracts
    assert {offence.name for offence in NAMES} == names


def test_project_keeps_every_contract() -> None:
    report = lint_imports(ROOT)

    assert report.returncode == 0, report.stdout


def test_project_uses_no_banned_name() -> None:
    report = run_tool("ruff", "check", "--no-cache", "--select=TID251", *PACKAGES, cwd=ROOT)

    assert report.returncode == 0, report.stdout


@pytest.mark.parametrize("line", ["path = run / 'study.db'", "path = f'{run}/results.parquet'", "open('a/spec.yaml')"])
def test_run_file_name_is_found_in_any_spelling(line: str) -> None:
    assert list(run_file_names(line, {"study.db", "spec.yaml", "results.parquet"}))


def test_run_file_name_in_a_sentence_is_allowed() -> None:
    assert not list(run_file_names("'''The study store, study.db, is the one truth.'''", {"study.db"}))


def test_run_file_names_are_spelled_only_in_run_dir() -> None:
    names = {text for _, text in strings(RUN_DIR.read_text()) if FILE_NAME.fullmatch(text)}
    offences = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sources(*PACKAGES)
        if path != RUN_DIR
        for line, name in run_file_names(path.read_text(), names)
    ]

    assert "study.db" in names
    assert not offences


def test_no_file_is_longer_than_allowed() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in sources(*PACKAGES)}

    assert not {str(path): length for path, length in lengths.items() if length > MAX_LINES}


def test_no_folder_has_more_files_than_allowed() -> None:
    folders = Counter(path.parent.relative_to(ROOT) for path in sources(*PACKAGES) if path.name != "__init__.py")

    assert not {str(folder): files for folder, files in folders.items() if files > MAX_FILES}


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    assert list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the circle


def test_package_init_files_hold_a_docstring_only() -> None:
    inits = [path for path in sources(*PACKAGES) if path.name == "__init__.py"]
    code = {str(path.relative_to(ROOT)): ast.parse(path.read_text()).body for path in inits}
    longer = {name for name, body in code.items() if len(body) != 1}

    assert longer == {"jobs/cli/__init__.py"}  # which names the entry point


def run_file_names(source: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Yields line and name for every string that is one of the names, or a path with one of them as a part."""
    for line, text in strings(source):
        yield from ((line, part) for part in text.split("/") if part in names)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yields line and content of every string in the source, including the fixed parts of f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def sources(*folders: str) -> Iterator[Path]:
    """Yields the Python files below these folders of the project."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Checks a tree's packages against the contracts in its pyproject.toml."""
    return run_tool("lint-imports", "--no-cache", "--no-logo", cwd=tree)


def run_tool(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program from this Python environment with wide, uncoloured output."""
    environment = {**os.environ, "COLUMNS": "240", "NO_COLOR": "1"}
    return subprocess.run(
        [BIN / name, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
