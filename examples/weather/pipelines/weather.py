"""Four years of daily weather as tables, single values and a chart.

Temperatures are in degrees Celsius, rain in millimetres, wind in metres per second.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from hamilton.function_modifiers import cache

PROJECT = Path(__file__).parents[1]
COLUMNS = ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"]


# Computed even with --cache: the file may have changed under the same name.
@cache(behavior="recompute")
def observations(source_file: str) -> pd.DataFrame:
    """The CSV file as it is, one row per day."""
    return pd.read_csv(PROJECT / source_file)


def checked_observations(observations: pd.DataFrame) -> pd.DataFrame:
    """The same rows with real dates, after a check for missing and impossible values."""
    missing = [column for column in COLUMNS if column not in observations]
    if missing:
        raise ValueError(f"columns missing: {', '.join(missing)}")
    checked = observations[COLUMNS].assign(
        date=pd.to_datetime(observations["date"], format="%Y/%m/%d")
    )
    days_apart = checked["date"].diff().dt.days.fillna(1)
    faults = {
        "an empty field": checked.isna().any(axis="columns"),
        "a date that is not the next day": days_apart != 1,
        "a low above the high": checked["temp_min"] > checked["temp_max"],
        "negative rain or wind": (checked["precipitation"] < 0) | (checked["wind"] < 0),
    }
    for fault, rows in faults.items():
        if rows.any():
            raise ValueError(f"line {rows.idxmax() + 2} of the file has {fault}")
    return checked


def daily_weather(
    checked_observations: pd.DataFrame, first_year: int, last_year: int, rainy_day_mm: float
) -> pd.DataFrame:
    """The days of the selected years, with their mean temperature and whether they were wet."""
    years = checked_observations["date"].dt.year
    selected = checked_observations[years.between(first_year, last_year)]
    if selected.empty:
        raise ValueError(f"no day lies between {first_year} and {last_year}")
    return selected.assign(
        temp_mean=(selected["temp_min"] + selected["temp_max"]) / 2,
        is_wet=selected["precipitation"] >= rainy_day_mm,
    )


def monthly_summary(daily_weather: pd.DataFrame) -> pd.DataFrame:
    """Mean temperatures, rain and wet days of each month."""
    return _summary(daily_weather, "month", daily_weather["date"].dt.strftime("%Y-%m"))


def yearly_summary(daily_weather: pd.DataFrame) -> pd.DataFrame:
    """Mean temperatures, rain and wet days of each year."""
    return _summary(daily_weather, "year", daily_weather["date"].dt.year)


def extremes(daily_weather: pd.DataFrame) -> pd.DataFrame:
    """The hottest, coldest, wettest and windiest day."""
    records = {
        "hottest": (daily_weather["temp_max"].idxmax(), "temp_max", "°C"),
        "coldest": (daily_weather["temp_min"].idxmin(), "temp_min", "°C"),
        "wettest": (daily_weather["precipitation"].idxmax(), "precipitation", "mm"),
        "windiest": (daily_weather["wind"].idxmax(), "wind", "m/s"),
    }
    return pd.DataFrame(
        [
            (name, f"{daily_weather.at[row, 'date']:%Y-%m-%d}", daily_weather.at[row, column], unit)
            for name, (row, column, unit) in records.items()
        ],
        columns=["day", "date", "value", "unit"],
    )


def weather_shares(daily_weather: pd.DataFrame) -> pd.DataFrame:
    """The number of days with each type of weather, the most frequent first."""
    days = daily_weather["weather"].value_counts()
    return pd.DataFrame(
        {"weather": days.index, "days": days.values, "percent": 100 * days.values / days.sum()}
    ).round(1)


def warmest_year(yearly_summary: pd.DataFrame) -> int:
    """The year with the highest mean temperature."""
    return int(yearly_summary.at[yearly_summary["mean"].idxmax(), "year"])


def temperature_trend(daily_weather: pd.DataFrame) -> float:
    """Degrees per year: the slope of a line through the yearly means; NaN for a single year."""
    means = daily_weather["temp_mean"].groupby(daily_weather["date"].dt.year).mean()
    if len(means) < 2:
        return math.nan
    years = means.index.to_series()
    return round(float(means.cov(years) / years.var()), 3)


def wettest_month(monthly_summary: pd.DataFrame) -> str:
    """The month with the most rain."""
    return str(monthly_summary.at[monthly_summary["rain_mm"].idxmax(), "month"])


def longest_dry_spell(daily_weather: pd.DataFrame) -> int:
    """The longest run of days that were not wet."""
    is_wet = daily_weather["is_wet"]
    return int((~is_wet).groupby(is_wet.cumsum()).sum().max())


def chart_svg(monthly_summary: pd.DataFrame, place: str) -> str:
    """The months as a chart in SVG: temperatures above, rain below."""
    return _Chart(monthly_summary, place).svg()


@cache(behavior="recompute")
def chart(chart_svg: str, chart_file: str) -> str:
    """Write the chart to a file; its path, relative to the project."""
    path = PROJECT / chart_file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart_svg, encoding="utf-8")
    return chart_file


def _summary(days: pd.DataFrame, name: str, periods: pd.Series) -> pd.DataFrame:
    table = days.groupby(periods.rename(name)).agg(
        mean_low=("temp_min", "mean"),
        mean=("temp_mean", "mean"),
        mean_high=("temp_max", "mean"),
        rain_mm=("precipitation", "sum"),
        wet_days=("is_wet", "sum"),
    )
    return table.round(1).reset_index()


class _Chart:
    """Two panels over one axis of months; sizes are in pixels."""

    WIDTH, HEIGHT, MARGIN = 1000, 620, 25
    LEFT, RIGHT = 70, 975
    TEMPERATURE = (112, 352)
    RAIN = (405, 530)
    STYLE = """
        text { font: 13px 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; }
        text { fill: #4a5560; }
        .title { font-size: 24px; font-weight: bold; fill: #1f2a33; }
        .panel { font-weight: bold; fill: #1f2a33; }
        .year { font-size: 14px; font-weight: bold; fill: #1f2a33; }
        .source { font-size: 11px; fill: #7b8791; }
        .grid { stroke: #e3e7ea; }
        .axis { stroke: #8a949c; }
        .between { stroke: #b4bcc3; stroke-dasharray: 2 4; }
        .band { fill: #f2b48c; fill-opacity: 0.55; }
        .mean { fill: none; stroke: #b6402a; stroke-width: 2.5; stroke-linejoin: round; }
        .point { fill: #ffffff; stroke: #b6402a; stroke-width: 1.5; }
        .warmest { fill: #b6402a; }
        .bar { fill: #5b9bc8; }
        .wettest { fill: #1d5788; }
    """

    def __init__(self, months: pd.DataFrame, place: str) -> None:
        self._months = months
        self._periods = pd.PeriodIndex(months["month"], freq="M")
        self._place = place
        self._slot = (self.RIGHT - self.LEFT) / len(months)
        box = f"0 0 {self.WIDTH} {self.HEIGHT}"
        self._root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=box)

    def svg(self) -> str:
        self._add("style", self.STYLE)
        self._add("rect", width=self.WIDTH, height=self.HEIGHT, fill="#ffffff")
        self._title_and_source()
        self._legend()
        self._axis_of_months()
        self._temperatures()
        self._rain()
        ET.indent(self._root)
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _title_and_source(self) -> None:
        first, last = self._periods.year.min(), self._periods.year.max()
        years = first if first == last else f"{first}\N{EN DASH}{last}"
        self._text(f"Weather in {self._place}, {years}", self.MARGIN, 45, "title")
        source = "Source: NOAA daily observations, as distributed in vega-datasets"
        self._text(source, self.MARGIN, self.HEIGHT - 16, "source")

    def _legend(self) -> None:
        self._add("rect", kind="band", x=665, y=34, width=24, height=12)
        self._text("mean low to high", 696, 45)
        self._add("line", kind="mean", x1=832, x2=856, y1=40, y2=40)
        self._add("circle", kind="point", cx=844, cy=40, r=2.5)
        self._text("mean", 863, 45)
        self._add("rect", kind="bar", x=928, y=34, width=12, height=12)
        self._text("rain", self.RIGHT, 45, anchor="end")

    def _axis_of_months(self) -> None:
        bottom = self.RAIN[1]
        step = next((n for n in (1, 3, 6) if n * self._slot >= 36), 12)
        for i, month in enumerate(self._periods):
            x = self._x(i)
            if (month.month - 1) % step == 0:
                self._line("axis", x, bottom, x, bottom + 5)
                self._text(f"{month:%b}", x, bottom + 20, anchor="middle")
            if month.month == 1 and i > 0:
                edge = x - self._slot / 2
                for top, floor in (self.TEMPERATURE, self.RAIN):
                    self._line("between", edge, top, edge, floor)
        for year in self._periods.year.unique():
            places = [self._x(i) for i, month in enumerate(self._periods) if month.year == year]
            self._text(str(year), sum(places) / len(places), bottom + 42, "year", "middle")

    def _temperatures(self) -> None:
        lows, means, highs = (self._months[name] for name in ("mean_low", "mean", "mean_high"))
        warmest = means.idxmax()
        record = f"Warmest: {self._periods[warmest]:%B %Y}, {means[warmest]:.1f} °C"
        y = self._panel("Temperature, °C", record, self.TEMPERATURE, lows.min(), highs.max())
        line = [(self._x(i), y(value)) for i, value in means.items()]
        upper = [(self._x(i), y(value)) for i, value in highs.items()]
        lower = [(self._x(i), y(value)) for i, value in lows.items()]
        self._add("polygon", kind="band", points=_points(upper + lower[::-1]))
        self._add("polyline", kind="mean", points=_points(line))
        for i, (at_x, at_y) in enumerate(line):
            kind = "point warmest" if i == warmest else "point"
            point = self._add("circle", kind=kind, cx=at_x, cy=at_y, r=2.5)
            hint = f"{self._periods[i]:%B %Y}: {lows[i]:.1f} to {highs[i]:.1f} °C"
            self._add("title", hint, within=point)

    def _rain(self) -> None:
        rain = self._months["rain_mm"]
        wettest = rain.idxmax()
        record = f"Wettest: {self._periods[wettest]:%B %Y}, {rain[wettest]:.0f} mm"
        y = self._panel("Rain, mm a month", record, self.RAIN, 0, rain.max())
        width = self._slot * 0.7
        for i, amount in rain.items():
            kind = "bar wettest" if i == wettest else "bar"
            place = {"x": self._x(i) - width / 2, "y": y(amount)}
            bar = self._add("rect", kind=kind, **place, width=width, height=y(0) - y(amount))
            self._add("title", f"{self._periods[i]:%B %Y}: {amount:.1f} mm", within=bar)

    def _panel(
        self, title: str, record: str, span: tuple[int, int], low: float, high: float
    ) -> Callable[[float], float]:
        """Draw the grid with its labels; return a function from a value to its height."""
        top, bottom = span
        step = _step(high - low)
        first = math.floor(low / step)
        last = max(math.ceil(high / step), first + 1)

        def height(value: float) -> float:
            return bottom - (value / step - first) / (last - first) * (bottom - top)

        for tick in range(first, last + 1):
            y = height(tick * step)
            self._line("axis" if tick == first else "grid", self.LEFT, y, self.RIGHT, y)
            self._text(f"{tick * step:g}", self.LEFT - 10, y + 4, anchor="end")
        self._text(title, self.MARGIN, top - 17, "panel")
        self._text(record, self.RIGHT, top - 17, anchor="end")
        return height

    def _x(self, month: int) -> float:
        return self.LEFT + (month + 0.5) * self._slot

    def _text(self, text: str, x: float, y: float, kind: str = "", anchor: str = "start") -> None:
        self._add("text", text, kind=kind, x=x, y=y, **{"text-anchor": anchor})

    def _line(self, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self._add("line", kind=kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def _add(
        self,
        tag: str,
        text: str | None = None,
        *,
        kind: str = "",
        within: ET.Element | None = None,
        **attributes: str | float,
    ) -> ET.Element:
        named = {"class": kind, **attributes} if kind else attributes
        plain = {k: v if isinstance(v, str) else f"{v:.5g}" for k, v in named.items()}
        element = ET.SubElement(self._root if within is None else within, tag, plain)
        element.text = text
        return element


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _step(span: float) -> float:
    """A round distance between ticks, so that about four of them cover the span."""
    rough = max(span, 1) / 4
    unit = 10 ** math.floor(math.log10(rough))
    return next(n * unit for n in (1, 2, 5, 10) if n * unit >= rough)
