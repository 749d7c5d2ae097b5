"""How the doctor's checks look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowerpower.text import mask
from flowerpower_cli.views.tables import Block, Cell, Line, cell

if TYPE_CHECKING:
    from flowerpower.pipeline.doctor.diagnosis import CheckResult, Diagnosis

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red", "skipped": "dim"}
_INDENT = " " * 9


def diagnosis_view(diagnosis: Diagnosis) -> Iterator[Block]:
    """A line for each check that found nothing and for each problem, with its hint below."""
    width = max((len(check.name) for check in diagnosis.checks), default=0)
    for check in diagnosis.checks:
        if not check.problems:
            yield _line(check.status, check.name, width, _said_of(check))
        for problem in check.problems:
            yield _line(str(problem.level), check.name, width, problem.message)
            if problem.hint:
                hint = Cell(_INDENT + "Hint: ", "bold cyan")
                yield Line((hint, cell(problem.hint)), hangs=True)


def problem_lines(diagnosis: Diagnosis) -> list[str]:
    """A line for each problem, with its hint: what --quiet shows."""
    return [
        mask(f"{problem.level}: {check.name}: {problem.message} {problem.hint or ''}".rstrip())
        for check in diagnosis.checks
        for problem in check.problems
    ]


def _said_of(check: CheckResult) -> str:
    return check.skipped or check.fact or ""


def _line(status: str, name: str, width: int, text: str) -> Line:
    return Line(
        (cell(f"{status:<9}", _STYLES[status]), cell(f"{name:<{width}}  ", "bold"), cell(text)),
        hangs=True,
    )
