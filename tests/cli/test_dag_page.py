"""`pipeline show --html`: a page of a pipeline that needs nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.cli.dags import HOSTILE, HOSTILE_TEXTS, NO_PROGRAMS
from tests.conftest import MakeProject
from tests.terminal import Cli


class Page(HTMLParser):
    """The elements, attributes and texts of a page; every element must be closed in its turn."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not (self.get_starttag_text() or "").endswith("/>") or self._open[-1:] == [tag]:
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_a_page(weather: Cli) -> None:
    """`show --html` tells configuration, schedule, nodes and inputs, and draws the DAG."""
    ran = weather.run("pipeline", "show", "weather", "--html", **NO_PROGRAMS, code=0)
    page = Page(ran.stdout)
    assert "weather" in page.texts
    assert "Scheduled at 08:00, Monday to Friday, Etc/UTC" in page.texts
    assert any("rainy_day_mm: 1.0" in text for text in page.texts)
    assert "The month with the most rain." in page.texts
    assert "'data/seattle-weather.csv'" in page.texts
    assert page.elements.count("circle") == 19
    assert "prefers-color-scheme: dark" in ran.stdout
    drawing = ET.fromstring(ran.stdout[ran.stdout.index("<svg") : ran.stdout.index("</figure>")])
    hints = [each.findtext("title") for each in drawing.iter("g")]
    assert "wettest_month: str\n\nThe month with the most rain." in hints


@pytest.mark.parametrize("pipeline", ["weather", "hostile"])
def test_a_page_needs_nothing_else(
    weather: Cli, cli: Cli, make_project: MakeProject, pipeline: str
) -> None:
    """No element of the page runs a script or refers to another file or host."""
    if pipeline == "hostile":
        make_project(hostile=("{}\n", HOSTILE))
    shown = (cli if pipeline == "hostile" else weather).run(
        "pipeline", "show", pipeline, "--html", code=0
    )
    page = Page(shown.stdout)
    assert not {"script", "link", "iframe", "img", "object", "embed", "use", "a", "b"} & set(
        page.elements
    )
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("href", "src", "action", "style", "xlink:href"), name
        assert "http:" not in value, value
        assert "https:" not in value, value
    style = re.search(r"<style>(.*?)</style>", shown.stdout, re.DOTALL)
    assert style is not None
    assert not re.search(r"url\(|@import|http", style[1])


def test_hostile_text_in_a_page(hostile: Cli) -> None:
    """Names, types and docstrings stand in the page as texts, with no control characters."""
    shown = hostile.run("pipeline", "show", "hostile", "--html", code=0).stdout
    texts = Page(shown).texts
    assert set(HOSTILE_TEXTS) <= set(texts)
    assert (
        """A \\x1b]0;doc\\x07 with "quotes", \\N, &amp; and <b onclick='x()'>HTML</b>.""" in texts
    )
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)


def test_a_page_goes_to_a_file(report: Cli) -> None:
    """With --output the page is in the file, and stdout is empty or has the JSON."""
    ran = report.run("pipeline", "show", "report", "--html", "-o", "report.html", code=0)
    assert ran.stdout == ""
    assert (report.folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    both = report.run("pipeline", "show", "report", "--html", "-o", "b.html", "--json", code=0)
    assert both.json["final_vars"] == ["chart"]
    assert (report.folder / "b.html").is_file()


def test_inputs_of_a_page_tell_what_is_known(report: Cli) -> None:
    """A page says which inputs are missing, have a default, or are not needed."""
    shown = report.run("pipeline", "show", "report", "--html", code=0).stdout
    rows = re.findall(r"<tr><td><strong>(\w+)</strong></td><td>.*?</td><td>(.*?)</td>", shown)
    cells = dict(rows)
    assert (cells["source_file"], cells["unit"], cells["scale"]) == (
        "missing",
        "its default",
        "not needed",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "a.html"), "--output goes with --html."),
        (("--html", "--json"), "--html and --json are both given"),
    ],
)
def test_options_of_a_page_go_together(report: Cli, arguments: Any, message: str) -> None:
    """`show` refuses --output without --html, and --html with --json on one stdout."""
    ran = report.run("pipeline", "show", "report", *arguments, code=2)
    assert message in ran.stderr
    assert ran.stdout == ""
