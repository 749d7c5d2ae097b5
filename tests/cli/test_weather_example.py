"""The weather example, run as a person runs it, against sums of this file's own."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Cli

SVG = "{http://www.w3.org/2000/svg}"
ROUNDED = 0.0500001
"""The tables hold one decimal."""


@dataclass(frozen=True)
class Day:
    date: date
    rain: float
    high: float
    low: float
    wind: float
    weather: str

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Run:
    """A finished run: its outputs and the days that went into it."""

    cli: Cli
    outputs: dict[str, Any]
    days: list[Day]

    def chart(self) -> ET.Element:
        return ET.parse(self.cli.folder / self.outputs["chart"]).getroot()


def run_outputs(cli: Cli, *arguments: str) -> dict[str, Any]:
    """What `pipeline run weather` prints as JSON."""
    ran = cli.run("pipeline", "run", "weather", "--json", *arguments, code=0)
    outputs: dict[str, Any] = ran.json["outputs"]
    return outputs


def read_days(file: Path) -> list[Day]:
    """The data, read with nothing but the standard library."""
    with file.open(newline="") as stream:
        return [
            Day(
                date(*map(int, row["date"].split("/"))),
                float(row["precipitation"]),
                float(row["temp_max"]),
                float(row["temp_min"]),
                float(row["wind"]),
                row["weather"],
            )
            for row in csv.DictReader(stream)
        ]


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean."""
    listed = list(values)
    return sum(listed) / len(listed)


def summary(days: list[Day], period: Callable[[Day], Any]) -> dict[Any, dict[str, Any]]:
    """The columns of the two summaries by period; one decimal is to be compared."""
    monthly = {}
    for key, group in groupby(days, period):
        members = list(group)
        monthly[key] = {
            "mean_low": pytest.approx(mean(day.low for day in members), abs=ROUNDED),
            "mean": pytest.approx(mean(day.mean for day in members), abs=ROUNDED),
            "mean_high": pytest.approx(mean(day.high for day in members), abs=ROUNDED),
            "rain_mm": pytest.approx(sum(day.rain for day in members), abs=ROUNDED),
            "wet_days": sum(day.rain >= 1 for day in members),
        }
    return monthly


def rows_by(table: dict[str, Any], key: str) -> dict[Any, dict[str, Any]]:
    """The rows that the JSON shows of a table, each under its `key`."""
    return {row[key]: {k: v for k, v in row.items() if k != key} for row in table["rows"]}


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line in a new project made from the example."""
    folder, home = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("home")
    Cli(folder, home).run("init", "my_weather", "--example", "weather", code=0)
    return Cli(folder / "my_weather", home)


@pytest.fixture(scope="module")
def run(weather: Cli) -> Run:
    """The example run once, as it comes."""
    days = read_days(weather.folder / "data" / "seattle-weather.csv")
    return Run(weather, run_outputs(weather), days)


def test_example_is_valid_and_planned(weather: Cli) -> None:
    """The example passes `validate`, and a dry run finds all of its inputs."""
    weather.run("pipeline", "validate", code=0)
    planned = weather.run("pipeline", "run", "weather", "--dry-run", "--json", code=0)
    assert planned.json["missing_inputs"] == []


def test_example_runs_from_any_folder(run: Run, cli: Cli) -> None:
    """A run from elsewhere reads and writes in the project all the same."""
    chart = run.cli.folder / run.outputs["chart"]
    chart.unlink()
    cli.run("pipeline", "run", "weather", "--base-dir", str(run.cli.folder), code=0)
    assert chart.is_file()
    assert list(cli.folder.iterdir()) == []


def test_a_page_follows_the_weather(run: Run) -> None:
    """Each job of weather is followed by one of weather_page, which shows the chart and names its parent."""
    run.cli.run("job-queue", "add-job", "weather", "--job-id", "all", code=0)
    run.cli.run("job-queue", "start-worker", "--burst", code=0)
    run.cli.run("job-queue", "wait", "weather_page-after-all", code=0)
    page = (run.cli.folder / "output" / "index.html").read_text("utf-8")
    assert "<svg" in page
    assert "Drawn by the job all." in page


def test_example_runs_on_threads(run: Run) -> None:
    """The threadpool executor gives the same outputs."""
    assert run_outputs(run.cli, "--executor", "threadpool") == run.outputs


def test_cache_keeps_no_file_that_changed(weather: Cli) -> None:
    """With `--cache`, an edit of the data counts in the next run, and the chart is written anew."""
    source, drawn = weather.folder / "data" / "edited.csv", weather.folder / "output" / "edited.svg"
    rows = (weather.folder / "data" / "seattle-weather.csv").read_text()
    arguments = [
        "--cache",
        "-i",
        "source_file=data/edited.csv",
        "-i",
        "chart_file=output/edited.svg",
    ]
    wettest = []
    for text in (rows, rows.replace("2013/08/02,2.0,", "2013/08/02,900.0,")):
        source.write_text(text)
        drawn.unlink(missing_ok=True)
        wettest.append(run_outputs(weather, *arguments)["wettest_month"])
        assert drawn.is_file()
    assert wettest == ["2015-12", "2013-08"]


def test_monthly_summary(run: Run) -> None:
    """The first ten of the 48 months, as the JSON shows them, are those summed up here."""
    expected = summary(run.days, lambda day: f"{day.date:%Y-%m}")
    table = run.outputs["monthly_summary"]
    assert table["shape"] == [len(expected), 6] == [48, 6]
    assert rows_by(table, "month") == dict(list(expected.items())[: len(table["rows"])])


def test_yearly_summary(run: Run) -> None:
    """Every year's means, rain and wet days are those summed up here."""
    expected = summary(run.days, lambda day: day.date.year)
    assert rows_by(run.outputs["yearly_summary"], "year") == expected


def test_extremes(run: Run) -> None:
    """Hottest, coldest, wettest and windiest are the first days to hold those records."""
    days = run.days
    hottest, coldest = max(days, key=lambda d: d.high), min(days, key=lambda d: d.low)
    wettest, windiest = max(days, key=lambda d: d.rain), max(days, key=lambda d: d.wind)
    assert rows_by(run.outputs["extremes"], "day") == {
        "hottest": {"date": hottest.date.isoformat(), "value": hottest.high, "unit": "°C"},
        "coldest": {"date": coldest.date.isoformat(), "value": coldest.low, "unit": "°C"},
        "wettest": {"date": wettest.date.isoformat(), "value": wettest.rain, "unit": "mm"},
        "windiest": {"date": windiest.date.isoformat(), "value": windiest.wind, "unit": "m/s"},
    }


def test_weather_shares(run: Run) -> None:
    """The types of weather come with their days, commonest first, in percent of all days."""
    counted = Counter(day.weather for day in run.days).most_common()
    rows = run.outputs["weather_shares"]["rows"]
    assert [(row["weather"], row["days"]) for row in rows] == counted
    percent = [100 * count / len(run.days) for _, count in counted]
    assert [row["percent"] for row in rows] == pytest.approx(percent, abs=ROUNDED)


def test_single_values(run: Run) -> None:
    """Warmest year, wettest month, trend and dry spell follow from the days."""
    days, outputs = run.days, run.outputs
    years = {
        year: mean(day.mean for day in group)
        for year, group in groupby(days, lambda day: day.date.year)
    }
    assert outputs["warmest_year"] == max(years, key=lambda year: years[year])

    rain: Counter[str] = Counter()
    for day in days:
        rain[f"{day.date:%Y-%m}"] += day.rain  # type: ignore[assignment]
    assert outputs["wettest_month"] == max(rain, key=lambda month: rain[month])

    middle, level = mean(years), mean(years.values())
    slope = sum((year - middle) * (value - level) for year, value in years.items())
    slope /= sum((year - middle) ** 2 for year in years)
    assert outputs["temperature_trend"] == pytest.approx(slope, abs=0.0005001)

    spells = [len(list(group)) for dry, group in groupby(days, lambda day: day.rain < 1) if dry]
    assert outputs["longest_dry_spell"] == max(spells)


def test_chart_has_a_bar_and_a_point_for_each_month(run: Run) -> None:
    """The SVG is well-formed, and its points and bars tell the numbers of all 48 months."""
    root = run.chart()
    assert root.tag == f"{SVG}svg"
    expected = summary(run.days, lambda day: f"{day.date:%B %Y}")

    bars = _hints(root, "rect", "bar")
    points = _hints(root, "circle", "point")
    assert list(bars) == list(points) == list(expected)
    for month, numbers in expected.items():
        assert bars[month] == [numbers["rain_mm"]]
        assert points[month] == [numbers["mean_low"], numbers["mean_high"]]


def test_chart_is_drawn_to_scale(run: Run) -> None:
    """A bar's height is in proportion to its month's rain, and all bars stand on one line."""
    bars = [bar for bar in run.chart().iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    rain = [sum(d.rain for d in group) for _, group in groupby(run.days, lambda d: d.date.month)]
    heights = [float(bar.attrib["height"]) for bar in bars]
    feet = {round(float(bar.attrib["y"]) + float(bar.attrib["height"])) for bar in bars}
    pixels = max(heights) / max(rain)
    assert heights == pytest.approx([pixels * amount for amount in rain], abs=0.05)
    assert len(feet) == 1


def _hints(root: ET.Element, tag: str, kind: str) -> dict[str, list[float]]:
    """What pointing at the chart's marks shows: the month and its numbers."""
    numbers_of = {}
    for mark in root.iter(f"{SVG}{tag}"):
        hint = mark.findtext(f"{SVG}title")
        if hint is not None and kind in mark.attrib["class"].split():
            month, _, numbers = hint.partition(":")
            numbers_of[month] = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
    return numbers_of


def test_years_can_be_chosen(run: Run) -> None:
    """`-i last_year=2014` leaves 2015 out of the results and of the chart."""
    outputs = run_outputs(run.cli, "-i", "last_year=2014", "-i", "chart_file=output/until_2014.svg")
    assert outputs["monthly_summary"]["shape"][0] == 36
    assert outputs["warmest_year"] == 2014
    assert outputs["wettest_month"] != run.outputs["wettest_month"]
    root = Run(run.cli, outputs, []).chart()
    assert len(_hints(root, "rect", "bar")) == 36
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "Weather in Seattle, 2012\N{EN DASH}2014" in texts


def test_a_wet_day_can_be_defined(run: Run) -> None:
    """`rainy_day_mm` decides which days count as wet."""
    outputs = run_outputs(
        run.cli, "-i", "rainy_day_mm=10", "--final-vars", "yearly_summary,longest_dry_spell"
    )
    wet = Counter(day.date.year for day in run.days if day.rain >= 10)
    table = rows_by(outputs["yearly_summary"], "year")
    assert {year: row["wet_days"] for year, row in table.items()} == wet
    assert outputs["longest_dry_spell"] > run.outputs["longest_dry_spell"]


def test_a_single_year_has_no_trend(weather: Cli) -> None:
    """A trend over one year is null, not an error."""
    years = ("-i", "first_year=2013", "-i", "last_year=2013")
    outputs = run_outputs(weather, *years, "--final-vars", "temperature_trend")
    assert outputs == {"temperature_trend": None}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2012/01/02,10.9,10.6,,4.5,rain", "line 3 of the file has an empty field"),
        ("2012/01/02,10.9,1.6,2.8,4.5,rain", "line 3 of the file has a low above the high"),
        ("2012/01/03,10.9,10.6,2.8,4.5,rain", "line 3 of the file has a date that is not the next"),
        ("2012/01/02,-1,10.6,2.8,4.5,rain", "line 3 of the file has negative rain or wind"),
    ],
)
def test_unsound_data_stops_the_run(weather: Cli, line: str, message: str) -> None:
    """A line that cannot be right fails the run with its number and what is wrong with it."""
    data = weather.folder / "data"
    good = (data / "seattle-weather.csv").read_text().splitlines()
    (data / "unsound.csv").write_text("\n".join([*good[:2], line, ""]))
    ran = weather.run("pipeline", "run", "weather", "-i", "source_file=data/unsound.csv", code=6)
    assert "Error: Node checked_observations" in ran.stderr
    assert message in ran.stderr
