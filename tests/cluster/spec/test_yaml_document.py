"""The YAML that a study spec can use, and the line of each value."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cluster.spec.yaml_document import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_yaml, write_yaml
from mnist_core.errors import SpecError


def read(text: str) -> object:
    return read_yaml(text, "some.yaml").tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1.0e-5", 1e-5),
        (".5", 0.5),
        ("-3", -3),
        ("007", 7),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("true", True),
        ("null", None),
        ("~", None),
        ("no", "no"),
        ("12:30", "12:30"),
        ("0x1f", "0x1f"),
        ("2026-01-02", "2026-01-02"),
        ("'1e-5'", "1e-5"),
        ("!!str 5", "5"),
        ("<<", "<<"),
        ("", None),
    ],
)
def test_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


def test_document_has_the_line_of_each_key() -> None:
    document = read_yaml("a: 1\nb:\n  c:\n    - x\n    - y\n", "some.yaml")
    assert document.lines[("b", "c")] == 3
    assert document.lines[("b", "c", 1)] == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2", "some.yaml, line 2: not valid YAML"),
        ("a: 1\nb: 'x", "line 2: not valid YAML"),
        ("a: \t- b", "line 1: not valid YAML"),
        ("a: 1\n---\nb: 2", "line 2: not valid YAML"),
        ("a: 1\nb: 2\na: 3", "line 3: the key a appears twice"),
        ("a: {b: 1, b: 2}", "line 1: the key b appears twice"),
        ("1: x", "line 1: a key should be a string, not an integer"),
        ("[a]: x", "line 1: a key should be a string, not a list"),
        ("a: &x 1\nb: *x", "line 1: a study spec cannot use anchors"),
        ("a: *x", "cannot use anchors"),
        ("a: !!python/object/apply:os.system [ls]", "cannot use the tag"),
        ("a: !mine 3", "cannot use the tag !mine"),
        ("a: !!binary aGk=", "cannot use the tag"),
        ("a: !!int [1]", "cannot use the tag"),
        ("a: !!int x", "line 1: 'x' is not an integer from -9223372036854775807 to 9223372036854775807"),
        ("a: 99999999999999999999", "line 1: '99999999999999999999' is not an integer from -9223372036854775807 to 9"),
        (f"a: {'9' * 5000}", f"line 1: '{'9' * 60}' is not an integer from"),
        ('a: "\\ud800"', r"line 1: '\ud800' contains an unpaired surrogate"),
        ('a: "\\U99999999"', "some.yaml: not valid YAML"),
        ("a: \x00", "some.yaml: not valid YAML"),
    ],
)
def test_error_names_the_text_the_line_and_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=r"some\.yaml") as raised:
        read(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_alias_bomb_is_rejected_before_it_is_expanded() -> None:
    levels = "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True))
    bomb = f"a: &a [x, x]\n{levels}"
    with pytest.raises(SpecError, match="cannot use anchors and aliases"):
        read(bomb)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} levels"),
        ("[" * 60_000, f"more than {MAX_DEPTH} levels"),
        ("[" + "1," * MAX_NODES + "]", f"more than {MAX_NODES} values"),
        ("#" * (MAX_BYTES + 1), "larger than 64 KiB"),
        ("é" * (MAX_BYTES // 2 + 1), "larger than 64 KiB"),
    ],
)
def test_text_beyond_a_limit_is_rejected(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read(text)


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), children, max_size=4)
    ),
    max_leaves=20,
)


@given(trees)
def test_tree_reads_back_equal(tree: object) -> None:
    written = write_yaml(tree)  # type: ignore[arg-type]  # the strategy makes only values that YAML has
    assert read(written) == tree


@given(st.sampled_from(["1e-5", "1e5", "1.5", "-7", ".inf", "true", "no", "null", "~", "", "12:30", "0x1F", "<<", "="]))
def test_string_that_looks_like_another_type_stays_a_string(text: str) -> None:
    assert read(write_yaml({"name": text})) == {"name": text}


@given(st.text(max_size=200))
def test_any_text_is_read_or_raises_a_spec_error(text: str) -> None:
    try:
        read(text)
        message = "some.yaml"
    except SpecError as err:
        message = str(err)
    assert message.startswith("some.yaml")


def test_pyyaml_is_the_version_whose_internals_were_checked() -> None:
    """After an upgrade, check that yaml_document.py still fits the source of PyYAML, then change the version."""
    assert yaml.__version__ == "6.0.3"
    assert {"yaml_implicit_resolvers", "add_implicit_resolver"} <= set(dir(yaml.SafeLoader)) & set(dir(yaml.SafeDumper))
