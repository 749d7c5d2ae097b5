"""Lines of JSON between processes, whatever pieces they are read in."""

import json

import pytest

from flowerpower.job_queue.worker import json_lines
from flowerpower.job_queue.worker.json_lines import (
    DAMAGED,
    LineReader,
    number_of,
    numbered,
    parse_lines,
    prefix_of,
    to_line,
)

TEXT = b'{"n": 1}\n\n{"n": 2}\nnot JSON\n{"n": 3}\n'
LINES = [b'{"n": 1}', b"", b'{"n": 2}', b"not JSON", b'{"n": 3}']


def test_lines_are_the_same_however_they_are_cut() -> None:
    """Read at once, byte by byte, or in two parts that are cut anywhere."""
    assert LineReader().lines(TEXT) == LINES
    reader = LineReader()
    assert [line for byte in TEXT for line in reader.lines(bytes([byte]))] == LINES
    for cut in range(len(TEXT)):
        reader = LineReader()
        assert reader.lines(TEXT[:cut]) + reader.lines(TEXT[cut:]) == LINES
        assert reader.lines(b'{"n": 4}\n') == [b'{"n": 4}']


def test_a_line_that_is_too_long_is_damage_in_one_piece_and_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lines after it are read."""
    monkeypatch.setattr(json_lines, "LINE_LIMIT", 100)
    long = b'{"n": "' + b"x" * 100 + b'"}\n'
    for pieces in ([long + b"[]\n"], [long[:60], long[60:], b"[]\n"]):
        reader = LineReader()
        damage, last = [line for piece in pieces for line in reader.lines(piece)]
        assert parse_lines([damage])[0]["type"] == DAMAGED
        assert last == b"[]"


@pytest.mark.parametrize("number", [1, 9, 10, 123456789])
def test_the_prefix_of_a_number_is_how_its_lines_begin(number: int) -> None:
    """And no line of another number begins so."""
    line = to_line(numbered({"type": "node"}, number))
    assert line.startswith(prefix_of(number))
    assert number_of(line) == number
    for other in (0, number + 1, number * 10, number // 10):
        assert not line.startswith(prefix_of(other))


def test_a_message_may_have_blanks_around_it_and_nothing_else() -> None:
    """A job may write such a line; what is no JSON object is damage."""
    assert parse_lines([b' {"n": 1}\t', b'{"n": 2}']) == [{"n": 1}, {"n": 2}]
    for line in (
        b"",
        b'{"n": 1} x',
        b'{"n": 1}{"n": 2}',
        b"[1]",
        b'{"n": NaN}',
        b"\xff",
        b"[" * 9**6,
    ):
        assert [message["type"] for message in parse_lines([line])] == [DAMAGED]


def test_a_message_is_the_same_line_without_the_encoder_in_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a Python that has none; what is no JSON is refused by both."""
    message = {"a": [1, 2.5, None, True, "é\n\x00"], "b": {"c": {}}}
    nested: list[object] = []
    nested.append(nested)
    plain = json_lines._encode
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    other = json_lines._make_encode()
    assert other is not plain
    assert plain(message) == other(message)
    for encode in (plain, other):
        monkeypatch.setattr(json_lines, "_encode", encode)
        for value in (float("nan"), float("inf"), object(), nested, {1j: 2}):
            with pytest.raises(ValueError, match="not JSON"):
                to_line({"value": value})
