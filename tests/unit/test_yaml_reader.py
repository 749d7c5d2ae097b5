"""YAML with places: what is read, and what is refused where."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from flowerpower.config.yaml_reader import parse_yaml
from flowerpower.errors import ConfigError
from tests.conditions import slowed


def _read(text: str | bytes, **environ: str) -> object:
    content = text.encode() if isinstance(text, str) else text
    return parse_yaml(content, "f.yml", environ).root.plain()


def _refused(text: str | bytes, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _read(text, **environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("a: yes\nb: no\nc: on\nd: off\n", {"a": "yes", "b": "no", "c": "on", "d": "off"}),
        ("a: true\nb: False\n", {"a": True, "b": False}),
        ("a: 010\nb: 0x1f\nc: 0o17\nd: -7\n", {"a": 10, "b": 31, "c": 15, "d": -7}),
        ("a: 1e3\nb: .5\nc: 1.\n", {"a": 1000.0, "b": 0.5, "c": 1.0}),
        ("a: 1:30\nb: 2026-01-01\nc: 1_000\n", {"a": "1:30", "b": "2026-01-01", "c": "1_000"}),
        ("a:\nb: ~\nc: null\nd: ''\n", {"a": None, "b": None, "c": None, "d": ""}),
        ("a: '1'\nb: \"true\"\n", {"a": "1", "b": "true"}),
        ("a: &x {b: [1]}\nc: *x\n", {"a": {"b": [1]}, "c": {"b": [1]}}),
        ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
    ],
)  # fmt: skip
def test_yaml_is_read_by_the_core_schema(text: str, data: object) -> None:
    """Plain scalars follow YAML 1.2; anchors and merge keys work."""
    assert _read(text) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: ${X}\n", "7"),
        ("a: ${X:-9}\n", "7"),
        ("a: x${X}y\n", "x7y"),
        ("a: '${X}'\n", "7"),
        ("a: ${NONE:-d:e}\n", "d:e"),
        ("a: ${NONE:-}\n", ""),
        ("a: ${EMPTY:-full}\n", "full"),
        ("a: $${X}\n", "${X}"),
        ("a: $X\n", "$X"),
    ],
)
def test_placeholders_come_from_the_environment(text: str, data: str) -> None:
    """`${NAME}` and `${NAME:-default}` are replaced, `$${` is a plain `${`."""
    body = _read(text, X="7", EMPTY="")
    assert isinstance(body, dict)
    value = body["a"]
    assert ("" if value is None else str(value)) == data


def test_a_plain_placeholder_has_the_type_of_its_text() -> None:
    """Unquoted it is read again as a scalar, quoted it stays text."""
    assert _read("a: ${X}\nb: '${X}'\n", X="7") == {"a": 7, "b": "7"}


def test_a_value_from_the_environment_adds_no_structure() -> None:
    """What stands in a variable is one scalar, whatever it looks like."""
    assert _read("a: ${X}\n", X="{b: 1}\nc: 2") == {"a": "{b: 1}\nc: 2"}


@pytest.mark.fault("hostile-yaml")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "f.yml, line 2: a: the key is given twice (first in line 1)"),
        ("a:\n  b: 1\n  b: 2\n", "line 3: a.b: the key is given twice"),
        ("- x\n", "line 1: holds a list; expected a mapping"),
        ("text\n", "holds text; expected a mapping"),
        ("a: 1\n---\nb: 2\n", "line 2: holds more than one document"),
        ("a: !!python/name:os.system x\n", "line 1: a: has the tag"),
        ("a: !x 1\n", "tags are not allowed"),
        ("1: x\n", "a key must be text"),
        ("? [a]\n: b\n", "a key must be text"),
        ("a: &x [*x]\n", "*x refers to itself"),
        ("a: *nope\n", "an anchor that does not exist"),
        ("a: x\n b: y\n", "line 2: is not valid YAML: mapping values"),
        ("a: 'x\n", "found unexpected end of stream"),
        ("a: {zip: ${ZIP}}\n", 'Inside {…} and […] a placeholder needs quotes: "${ZIP}".'),
        ("a:\n  [x, ${ZIP:-1}]\n", "line 2: is not valid YAML: while parsing a flow sequence"),
        ("a: {\n  zip: ${ZIP:-1}\n}\n", 'needs quotes: "${ZIP:-1}".'),
        ("cron: */5 * * * *\n", "A value that begins with one of * & ! @ ` % needs quotes."),
        ("cron: @daily\n", "A value that begins with one of * & ! @ ` % needs quotes."),
        ("a: \x00\n", "control characters are not allowed"),
        (b"a: 1\nb: \xff\n", "line 2: is not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "is not UTF-8 text"),
        ("a:\n  - ${NOPE}\n", "line 2: a[0]: the environment variable NOPE is not set"),
        ("a: ${SEED\n", "is not a placeholder"),
        ("a: ${1x}\n", "'${1x}' is not a placeholder"),
        ("a: {<<: 1}\n", "<< takes a mapping"),
        ("[" * 70 + "]" * 70, "nested more than 60 levels"),
        ("[" * 100_000, "nest"),
        ("a: " + "x" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_is_no_good_is_refused_with_its_place(text: str | bytes, message: str) -> None:
    """Each error names file, line and key."""
    assert message in _refused(text, SEEDS="x")


@pytest.mark.fault("hostile-yaml")
def test_exploding_aliases_are_refused_at_once() -> None:
    """Nine levels of nine aliases each are an error within a second."""
    names = "abcdefghij"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in itertools.pairwise(names):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    begun = time.monotonic()
    assert "more than 50000 values" in _refused("\n".join(lines))
    assert time.monotonic() - begun < slowed(1)


def test_all_unset_variables_are_told_at_once() -> None:
    """Two variables that are not set make one error with two faults."""
    with pytest.raises(ConfigError) as caught:
        _read("a: ${ONE}\nb: ${TWO}\n")
    assert [fault.line for fault in caught.value.faults] == [1, 2]


@pytest.mark.fault("hostile-yaml")
def test_random_bytes_raise_nothing_but_the_documented_error() -> None:
    """20,000 mangled files are read, or refused with a ConfigError."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    pieces = ["a: ", "b", "\n", "  ", "- ", "[", "]", "{", "}", "&x ", "*x", "<<: ", "!!str ", "'", '"', "|\n",
              "${", "}", ":-", "? ", "---\n", "...\n", "#", "%YAML 1.1\n", "\t", "é", "\x85", "1e999", ".nan"]  # fmt: skip
    for _ in range(20_000):
        text = "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 14)))
        content = bytearray(text.encode())
        if dice.random() < 0.2:
            content.insert(dice.randrange(len(content) + 1), dice.randrange(256))
        try:
            parse_yaml(bytes(content), "f.yml", {"b": "1"})
        except ConfigError:
            continue


def test_an_unset_variable_is_no_fault_where_its_value_is_not_used() -> None:
    """What the caller replaces is left out; everything else is still resolved, or a fault."""
    text = "a: {b: '${NOPE}', c: '${X}'}\nd: {e: [{f: '${NOPE}'}]}\ng: '${NOPE}'\n"
    replaced = [("a", "b"), ("a", "c"), ("d", "e"), ("g",)]
    assert parse_yaml(text.encode(), "f.yml", {"X": "1"}, replaced).root.plain() == {
        "a": {"c": "1"}, "d": {},
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text.encode(), "f.yml", {"X": "1"}, replaced[:1])
    assert [fault.key for fault in caught.value.faults] == ["d.e[0].f", "g"]
    # Another value may be the same one.
    shared = b"a: {b: &x '${NOPE}'}\nc: *x\n"
    with pytest.raises(ConfigError, match="NOPE is not set"):
        parse_yaml(shared, "f.yml", {}, [("a", "b")])
