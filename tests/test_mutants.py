"""What a mutant changes, and the reasons in explained.toml."""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest
import tomli

from tests.mutants.explained import Change, change_of, function_of, is_same_sql, read_explained
from tests.support.command_line import ROOT

DIFF = """--- cluster/a.py
+++ cluster/a.py
@@ -1,3 +1,3 @@
 def run(self):
-    self.start(
-        1,
+    self.start(
+        2,
     )
"""


def functions_of(file: Path) -> set[str]:
    """Returns the dotted names of a module's functions and of its classes' methods."""
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
    tree = ast.parse(file.read_text()).body
    owners = [("", tree), *((f".{each.name}", each.body) for each in tree if isinstance(each, ast.ClassDef))]
    return {
        f"{module}{owner}.{each.name}" for owner, body in owners for each in body if isinstance(each, ast.FunctionDef)
    }


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("cluster.a.x_run__mutmut_1", "cluster.a.run"),
        ("cluster.a.x__run__mutmut_12", "cluster.a._run"),
        ("cluster.a.xǁDriverǁrun__mutmut_3", "cluster.a.Driver.run"),
        ("cluster.a.xǁ_Driverǁ__init____mutmut_3", "cluster.a._Driver.__init__"),
    ],
)
def test_function_of_a_mutant_is_read_from_its_name(mutant: str, function: str) -> None:
    assert function_of(mutant) == function


def test_change_is_named_by_the_lines_that_it_adds_or_else_removes() -> None:
    assert change_of("cluster.a.x_run__mutmut_1", DIFF) == Change("cluster.a.run", "self.start( 2,")
    assert change_of("cluster.a.x_run__mutmut_1", "-    self.start(\n") == Change("cluster.a.run", "- self.start(")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("UPDATE study SET state = ?", "update study set state = ?", True),
        ("UPDATE study SET state = ?", "XXUPDATE study SET state = ?XX", False),
        ("no space is left", "NO SPACE IS LEFT", False),
    ],
)
def test_case_matters_except_in_sql(before: str, after: str, same: bool) -> None:
    assert is_same_sql(f'-    self.run("{before}")\n+    self.run("{after}")\n') == same


def test_change_with_two_reasons_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "explained.toml"
    group = '[[explained]]\nreason = "none"\n[explained.mutants]\n"cluster.a.run" = ["return 1"]\n'
    file.write_text(group)
    assert read_explained(file) == {Change("cluster.a.run", "return 1"): "none"}
    file.write_text(group * 2)
    with pytest.raises(ValueError, match=r"explained.toml: cluster.a.run: 'return 1' has two reasons"):
        read_explained(file)


def test_every_explained_function_is_in_a_module_that_is_mutated() -> None:
    patterns = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"]
    files = [file for package in ("cluster", "mnist_core") for file in (ROOT / package).rglob("*.py")]
    mutated = [file for file in files if any(fnmatch(str(file.relative_to(ROOT)), pattern) for pattern in patterns)]
    assert len(mutated) >= len(patterns)
    assert {change.function for change in read_explained()} <= {name for file in mutated for name in functions_of(file)}
