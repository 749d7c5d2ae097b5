"""How the outputs of a run look: numbers to the right, in every table."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from flowerpower.jobs.encoding import encode_outputs
from flowerpower_cli.views.pipelines import outputs_view


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([1, 22], ["value", "    1", "   22"]),
        ([1.5, None], ["value", "  1.5", "    -"]),
        ([Decimal("1.50"), Decimal("22.25")], ["value", " 1.50", "22.25"]),
        ([Decimal("-1.50"), None], ["value", "-1.50", "    -"]),
        (["90210", "1"], ["value", "90210", "1"]),
        ([True, False], ["value", "true", "false"]),
    ],
    ids=["int", "float", "Decimal", "Decimal and None", "text", "bool"],
)
def test_numbers_are_aligned_to_the_right(values: list[object], lines: list[str]) -> None:
    """Integers, floats and Decimals alike; text that has digits only is not a number."""
    column = pd.Series(values, dtype=object, name=None)
    outputs, _ = encode_outputs({"shown": column})
    _title, table = outputs_view(outputs)
    assert list(table.plain_lines()) == lines
