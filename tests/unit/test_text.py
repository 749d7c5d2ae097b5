"""What names are valid, and what may be shown of texts from outside."""

from __future__ import annotations

import random

import pytest

from flowerpower import text
from flowerpower.errors import InvalidName
from flowerpower.text import mask, mask_values, one_line, visible


@pytest.mark.fault("hostile-names")
@pytest.mark.parametrize("name", ["a", "7", "_", "daily-report", "a-", "x" * 100])
def test_a_name_begins_with_a_letter_a_digit_or_an_underscore(name: str) -> None:
    """Names are of letters, digits, `_` and `-`; one that begins with `-` would be an option."""
    assert text.check_name("name of a queue", name) == name
    for refused in (f"-{name}"[:100], f"{name}\n", f" {name}", f"{name}é", ""):
        assert not text.is_name(refused)
        with pytest.raises(InvalidName, match=r"A-Z a-z 0-9 _ -, and not beginning with -\.$"):
            text.check_name("name of a queue", refused)


def test_a_schedules_id_is_a_longer_name_and_a_jobs_id_may_begin_with_a_hyphen() -> None:
    """Ids of schedules keep the rule for names, with room for more; those of jobs may be any."""
    assert text.is_name("s" * 180, text.SCHEDULE_ID_LIMIT)
    assert not text.is_name("-s", text.SCHEDULE_ID_LIMIT)
    assert text.check_job_id("-j") == "-j"
    assert text.is_job_id("j" * 200)
    for refused in ("j" * 201, "", "a/b", "j\n"):
        assert not text.is_job_id(refused)


@pytest.mark.fault("text-in-errors")
def test_control_characters_are_shown_as_escapes() -> None:
    """ESC, BEL, CR, C1, reordering marks and stray bytes cannot act; newlines stay or are escaped."""
    hostile = "a\x1b[31m\x07\r\x9b\u202e\u2066\udcff\x7f\ufeffb\tc\nd"
    assert visible(hostile) == (r"a\x1b[31m\x07\r\x9b\u202e\u2066\udcff\x7f\ufeffb" + "\tc\nd")
    assert one_line(hostile).endswith(r"b\tc\nd")


@pytest.mark.fault("text-in-errors")
def test_each_of_these_characters_is_escaped_where_it_stands_alone() -> None:
    """Texts that Python calls printable are shown as they are: none of these is."""
    ranges = [(0, 0x1F), (0x7F, 0x9F), (0x202A, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF)]
    marks = [0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF]
    hidden = [*marks, *(code for first, last in ranges for code in range(first, last + 1))]
    for character in map(chr, hidden):
        assert one_line(character) not in ("", character), ascii(character)
        assert visible(character) != character or character in "\t\n", ascii(character)


@pytest.mark.fault("text-in-errors")
def test_no_text_makes_an_unprintable_line() -> None:
    """Of 5,000 random texts each becomes one line that UTF-8 can carry."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(5000):
        text = "".join(chr(dice.randrange(0x11000)) for _ in range(8))
        shown = one_line(text)
        assert len(shown.encode().decode().splitlines() or [""]) == 1, ascii(text)
        assert not any(ord(character) < 32 for character in shown)


@pytest.mark.parametrize(
    "text",
    ["redis://:hunter2@host:6379/0", "postgresql://me:hunter2@host/db?x=1", "password=hunter2",
     'api_key: "hunter2"', "DB_PASSWORD=hunter2;x=1", "{'token': 'hunter2'}", "rediss://u:hunter2@h",
     "redis://:p@hunter2@host/0"],
)  # fmt: skip
def test_passwords_are_masked(text: str) -> None:
    """Passwords in URLs and after secret-sounding keys are hidden, the rest stays."""
    shown = mask(text)
    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text", ["sqlite:///a.db", "https://host:8080/x", "3 tokens found", "a@b.c", "${DB_PASSWORD}"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Addresses, paths and placeholders are shown as they are."""
    assert mask(text) == text


def test_known_secrets_are_hidden_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remembered text is hidden wherever it stands, also inside data."""
    monkeypatch.setattr(text, "_known_secrets", set())
    text.remember_secret("s3cr3t")
    text.remember_secret("abc")
    assert mask("x s3cr3t y abc") == "x *** y abc"
    assert mask_values({"a": ["s3cr3t!"], "token": "t0p"}) == {"a": ["***!"], "token": "t0p"}
    assert mask_values({"token": "t0p", "my_key": 1}, named=True) == {"token": "***", "my_key": 1}


def test_the_beginning_of_a_secret_is_seen_at_the_end_of_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that what is written piece by piece does not let a secret through in two pieces."""
    monkeypatch.setattr(text, "_known_secrets", set())
    text.remember_secret("windmill-öl")
    whole = "it is windmill-öl".encode()
    assert text.partial_secret_length(whole[:-1]) == len("windmill-öl".encode()) - 1
    assert text.partial_secret_length(b"it is windm") == 5
    assert text.partial_secret_length(b"windmill!") == 0
    assert text.partial_secret_length(whole) == 0


def test_what_is_said_of_a_password_is_no_password() -> None:
    """A sentence behind a key, and a placeholder with a default, are read as they are."""
    line = (
        "backend.password: the environment variable REDIS_PASSWORD is not set. "
        "Set it, or write ${REDIS_PASSWORD:-default}."
    )
    assert mask(line) == line
    assert mask("password: hunter2 and more") == "password: *** and more"
    for sentence in (
        "backend.password: expected text, got 52817.",
        "run.inputs.api_key: the key is given twice (first in line 3).",
        "token: there is no file /data/token.csv",
    ):
        assert mask(sentence) == sentence
