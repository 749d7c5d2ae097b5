"""A web page with the chart, which is made again after each job of the pipeline `weather`."""

from html import escape
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def chart(chart_file: str) -> str:
    """The chart as the pipeline `weather` has written it."""
    return (PROJECT / chart_file).read_text(encoding="utf-8")


def html(chart: str, parent_job_id: str) -> str:
    """The page; below the chart it says which job has drawn it."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Weather</title>\n'
        f"{chart}\n<p>Drawn by the job {escape(parent_job_id)}.</p>\n</html>\n"
    )


def page(html: str, page_file: str) -> str:
    """Write the page; the file's path from the project's folder."""
    file = PROJECT / page_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(html, encoding="utf-8")
    return page_file
