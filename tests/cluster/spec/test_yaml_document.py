"""Which YAML a study spec may use, and on which line each value stands."""

import math

import pytest
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
def test_a_word_means_what_yaml_1_2_says(text: str, value: object) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


def test_each_value_has_the_line_of_its_key() -> None:
    document = read_yaml("a: 1\nb:\n  c:\n    - x\n    - y\n", "some.yaml")
    assert document.lines[("b", "c")] == 3
    assert document.lines[("b", "c", 1)] == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2", "some.yaml, line 2: this is not YAML"),
        ("a: 1\nb: 'x", "line 2: this is not YAML"),
        ("a: \t- b", "line 1: this is not YAML"),
        ("a: 1\n---\nb: 2", "line 2: this is not YAML"),
        ("a: 1\nb: 2\na: 3", "line 3: the key a is given twice"),
        ("a: {b: 1, b: 2}", "line 1: the key b is given twice"),
        ("1: x", "line 1: a key should be a word"),
        ("[a]: x", "line 1: a key should be a word"),
        ("a: &x 1\nb: *x", "line 1: a study spec may not use anchors"),
        ("a: *x", "may not use anchors"),
        ("a: !!python/object/apply:os.system [ls]", "may not use the tag"),
        ("a: !mine 3", "may not use the tag !mine"),
        ("a: !!binary aGk=", "may not use the tag"),
        ("a: !!int [1]", "may not use the tag"),
        ("a: !!int x", "line 1: 'x' is no int"),
        ("a: 99999999999999999999", "should be at most 9223372036854775807"),
        (f"a: {'9' * 5000}", "is no int"),
        ('a: "\\ud800"', "half a character pair"),
        ('a: "\\U99999999"', "some.yaml is not YAML"),
        ("a: \x00", "some.yaml is not YAML"),
    ],
)
def test_yaml_that_a_spec_may_not_use_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=r"some\.yaml") as raised:
        read(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    levels = "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True))
    bomb = f"a: &a [x, x]\n{levels}"
    with pytest.raises(SpecError, match="may not use anchors and aliases"):
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
def test_a_text_beyond_the_bounds_is_refused(text: str, message: str) -> None:
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
def test_what_is_written_is_read_back_equal(tree: object) -> None:
    written = write_yaml(tree)  # type: ignore[arg-type]  # the strategy makes nothing but YAML's values
    assert read(written) == tree


@given(st.sampled_from(["1e-5", "1e5", "1.5", "-7", ".inf", "true", "no", "null", "~", "", "12:30", "0x1F", "<<", "="]))
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    assert read(write_yaml({"name": text})) == {"name": text}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
        message = "some.yaml"
    except SpecError as err:
        message = str(err)
    assert message.startswith("some.yaml")
