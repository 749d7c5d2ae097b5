"""JSON as the command line prints it, against Python's own encoder."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowerpower import text
from flowerpower.jobs.job import JobStatus
from flowerpower.text import json_may_hold_secret, mask_values
from flowerpower_cli.views.indented_json import indented_json
from flowerpower_cli.views.output import dump_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=30,
)


@given(VALUES)
@settings(deadline=None)
def test_it_is_what_python_writes(data: Any) -> None:
    """To the byte, whatever is in it."""
    assert indented_json(data) == json.dumps(data, indent=2, allow_nan=False)


@pytest.mark.parametrize(
    "data",
    [{}, [], {"a": {}}, [[]], {"a": [], "b": {"c": {}}}, {"status": JobStatus.QUEUED}, [JobStatus.FAILED, {"x": 1}],
     {None: 1, True: [2], 1.5: {"a": "\u2028\ud800"}}],
)  # fmt: skip
def test_what_is_empty_and_what_is_an_enum(data: Any) -> None:
    """Brackets of what is empty stay on their line; a status is its text."""
    assert indented_json(data) == json.dumps(data, indent=2, allow_nan=False)


@pytest.mark.parametrize("data", [float("nan"), {"a": [float("inf")]}, {"a": {"b": float("nan")}}])
def test_what_is_no_json_is_refused(data: Any) -> None:
    """NaN and infinity are none."""
    with pytest.raises(ValueError, match="Out of range"):
        indented_json(data)


@given(VALUES, st.text(min_size=4))
@settings(deadline=None)
def test_no_secret_is_overlooked_in_the_text(data: Any, secret: str) -> None:
    """If a value holds a secret, the text says so; without a secret nothing is masked."""
    known, ordered = set(text._known_secrets), list(text._longest_first)
    try:
        text.remember_secret(secret)
        for value in (data, [data, f"before {secret} after"]):
            masked = mask_values(value)
            assert masked == value or json_may_hold_secret(json.dumps(value))
            assert dump_json(value) == json.dumps(masked, indent=2)
    finally:
        text._known_secrets.clear()
        text._known_secrets.update(known)
        text._longest_first[:] = ordered


def test_a_password_in_a_url_is_masked() -> None:
    """Also where no secret is known."""
    shown = json.loads(
        dump_json({"error": {"message": "cannot reach redis://me:hunter22@there/0"}})
    )
    assert shown == {"error": {"message": "cannot reach redis://me:***@there/0"}}
