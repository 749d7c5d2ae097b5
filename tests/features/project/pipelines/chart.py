"""A chart, drawn as SVG without a library."""

import csv
from pathlib import Path

from hamilton.function_modifiers import datasaver


def visits(visits_file: str) -> list[int]:
    """Visits, day by day."""
    with Path(visits_file).open(encoding="utf-8") as lines:
        return [int(row["visits"]) for row in csv.DictReader(lines)]


def bars(visits: list[int], width: int = 10) -> list[str]:
    """One rectangle for each day."""
    return [
        f'<rect x="{number * width}" y="{max(visits) - count}" width="{width}" height="{count}"/>'
        for number, count in enumerate(visits)
    ]


def svg(bars: list[str], visits: list[int], width: int = 10) -> str:
    """The whole picture."""
    size = f'width="{len(visits) * width}" height="{max(visits)}"'
    body = "\n".join(bars)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{body}\n</svg>\n'


@datasaver()
def chart(svg: str, chart_file: str) -> dict:
    """The picture as a file."""
    Path(chart_file).write_text(svg, encoding="utf-8")
    return {"file": chart_file, "characters": len(svg)}
