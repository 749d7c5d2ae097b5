"""Every pipeline of the project beside this file, and what it must put out and write."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tests.terminal import Cli

PROJECT = Path(__file__).parent / "project"
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "hamilton-features.md"
FAILING = "check_output_fails"


def table(name: str) -> list[dict[str, str]]:
    """The rows of a file of the project, all of them text."""
    with (PROJECT / "data" / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def frame(*rows: dict[str, Any]) -> dict[str, Any]:
    """What is told of a data frame of these rows."""
    columns = list(rows[0])
    return {
        "summary_of": "pandas.DataFrame",
        "shape": [len(rows), len(columns)],
        "columns": columns,
        "rows": list(rows),
    }


SALES = table("sales.csv")
VISITS = [int(row["visits"]) for row in table("visits.csv")]
DAYS = [row["day"] for row in table("visits.csv")]


def total(rows: list[dict[str, str]]) -> float:
    return sum(int(row["units"]) * float(row["price"]) for row in rows)


def sold(column: str, value: str) -> list[dict[str, str]]:
    return [row for row in SALES if row[column] == value]


def units(rows: list[dict[str, str]]) -> int:
    return sum(int(row["units"]) for row in rows)


def bars() -> str:
    """The chart of the visits."""
    rectangles = "".join(
        f'<rect x="{10 * day}" y="{28 - count}" width="10" height="{count}"/>\n'
        for day, count in enumerate(VISITS)
    )
    begin = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="28">\n'
    return begin + rectangles + "</svg>\n"


def rent_error(model: str) -> float:
    """How far off a model of rents is at worst, by the textbook."""
    flats = [(float(row["metres"]), float(row["rent"])) for row in table("flats.csv")]
    order = np.random.default_rng(7).permutation(len(flats)).tolist()
    test, train = [flats[n] for n in order[:2]], [flats[n] for n in order[2:]]
    rents = sorted(rent for _, rent in train)
    slope, level = 0.0, (rents[2] + rents[3]) / 2
    if model == "linear":
        x_mean = sum(x for x, _ in train) / len(train)
        y_mean = sum(y for _, y in train) / len(train)
        slope = sum((x - x_mean) * (y - y_mean) for x, y in train)
        slope /= sum((x - x_mean) ** 2 for x, _ in train)
        level = y_mean - slope * x_mean
    return float(round(max(abs(slope * x + level - y) for x, y in test)))


@dataclass(frozen=True)
class Case:
    """A run of a pipeline: `outputs` are all it puts out, `files` what it has written."""

    pipeline: str
    feature: str
    outputs: dict[str, Any]
    arguments: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """A name for it, in tests and as a job."""
        same = [each for each in CASES if each.pipeline == self.pipeline]
        return self.pipeline if len(same) == 1 else f"{self.pipeline}-{same.index(self) + 1}"


CASES = [
    Case(
        "hello_world", "plain functions",
        {"average_spend": 150.0, "best_week": 4, "total_sign_ups": [10, 30, 60, 110]},
    ),
    Case(
        "data_frame", "data frames and series",
        {"revenue_by_region": frame(
            *({"region": each, "revenue": total(sold("region", each))}
              for each in ("north", "south", "west")))},
    ),
    Case("extract_columns", "extract_columns", {"best_seller": "apple", "total_revenue": total(SALES)}),
    Case("extract_fields", "extract_fields", {"amount": 37.5, "reference": "A-17/20260316"}),
    Case(
        "extract_fields", "extract_fields, another input",
        {"amount": 20.0, "reference": "B-2/20280301"},
        ("-i", "order=B-2;2028-02-15;2;10", "-i", "days_to_pay=15"),
    ),
    Case("unpack_fields", "unpack_fields", {"scaled": [(each - 1) / 8 for each in (7, 1, 9, 4, 6)]}),
    Case(
        "parameterize", "parameterize",
        {"standard_delivery": 4 + 0.5 * 6, "express_delivery": 9 + 1.5 * 6, "surcharge": 11.0},
    ),
    Case(
        "parameterize", "parameterize, another source",
        {"standard_delivery": 8.0, "express_delivery": 17.0, "surcharge": 9.0},
        ("-i", "weight=8", "-i", "express_rate=1"),
    ),
    Case("parameterize_values", "parameterize_values", {"member_price": 60.0, "sale_price": 40.0}),
    Case("parameterize_sources", "parameterize_sources", {"better_region": "south"}),
    Case(
        "parameterize_sources", "parameterize_sources, one of them",
        {"north_margin": 0.25}, ("--final-vars", "north_margin"),
    ),
    Case(
        "parameterize_extract_columns", "parameterize_extract_columns",
        {"short_summary": {"mean": sum(VISITS[-2:]) / 2, "peak": 16.0},
         "long_summary": {"mean": sum(VISITS[-4:]) / 4, "peak": 28.0}},
    ),
    Case("config_when", "config.when, when_in", {"total": 204.0, "currency": "EUR"}),
    Case(
        "config_when", "config.when, when_not", {"total": 200.25, "currency": "GBP", "customs": True},
        ("--config", "method=transfer", "--config", "country=GB"),
    ),
    Case(
        "config_when", "config.when_not_in", {"total": 210.0, "currency": "EUR", "customs": True},
        ("--config", "method=cash", "--config", "country=FR"),
    ),
    Case("does", "does", {"expenses": 900.0 + 80.0 + 320.0, "savings": 1300.0}),
    Case(
        "inject", "inject, group",
        {"average": (7 + 4 + 9) / 3, "weighted": 0.25 * 7 + 0.75 * 9, "recommended": True},
    ),
    Case(
        "resolve", "resolve", {"whole": 8.0, "north_share": 0.375, "south_share": 0.625},
    ),
    Case(
        "resolve", "resolve, another configuration", {"whole": 16.0, "west_share": 11 / 16},
        ("--config", 'regions=["south", "west"]', "--final-vars", "whole,west_share"),
    ),
    Case(
        "resolve_from_config", "resolve_from_config",
        {"means": {"units": units(SALES) / 6, "price": sum(float(row["price"]) for row in SALES) / 6}},
    ),
    Case(
        "resolve_from_config", "resolve_from_config, another configuration",
        {"means": {"visits": sum(VISITS) / 8}},
        ("--config", 'columns=["visits"]', "-i", "file=data/visits.csv"),
    ),
    Case(
        "subdag", "subdag",
        {"north": total(sold("region", "north")) / units(sold("region", "north")),
         "south_units": units(sold("region", "south"))},
    ),
    Case(
        "parameterized_subdag", "parameterized_subdag",
        {"north_report": {"units": 26, "good": True}, "south_report": {"units": 14, "good": True},
         "north_report.revenue": total(sold("region", "north"))},
    ),
    Case(
        "parameterized_subdag", "parameterized_subdag, a node inside one",
        {"south_report": {"units": 14, "good": False}, "south_report.price_per_unit": 5 / 14},
        ("-i", "threshold=14", "--final-vars", "south_report,south_report.price_per_unit"),
    ),
    Case("nested_subdags", "subdags in subdags", {"better": "complete"}),
    Case(
        "nested_subdags", "subdags in subdags, another configuration",
        {"precise": 5.5, "complete": 5.75},
        ("--config", "chosen_scale=unit", "--final-vars", "precise,complete"),
    ),
    Case("pipe_input", "pipe_input, step", {"slug": "spring-sale-all-teas"}),
    Case(
        "pipe_input", "pipe_input, step.when", {"slug": "Spring-SALE"},
        ("--config", "style=loud", "-i", "limit=2"),
    ),
    Case("pipe_output", "pipe_output", {"measurements": [6.0, 0.0, 6.0, 6.0], "mean": 4.5}),
    Case(
        "mutate", "mutate, apply_to",
        {"customers": ["Dear ADA", "Dear BEN", "Dear EVE"], "places": ["ROME", "OSLO"]},
    ),
    Case(
        "parallel", "Parallelizable, Collect",
        {"units_by_store": {"berlin": 8, "lisbon": 7, "oslo": 11}, "best_store": "oslo"},
    ),
    Case(
        "parallel", "Parallelizable on threads",
        {"units_by_store": {"berlin": 8, "lisbon": 7, "oslo": 11}, "best_store": "oslo"},
        ("--executor", "threadpool", "--max-workers", "2"),
    ),
    Case(
        "parallel_twice", "two stretches of Parallelizable",
        {"squares": [n * n for n in range(1, 13)],
         "total": sum(n * n for n in range(1, 13, 2)) / 2},
    ),
    Case(
        "parallel_twice", "Parallelizable of nothing", {"squares": [], "total": 0},
        ("-i", "limit=0"),
    ),
    Case(
        "dataloader_datasaver", "dataloader, datasaver",
        {"daily_revenue": {day: total(sold("day", day))
                           for day in ("2026-03-02", "2026-03-03", "2026-03-04")},
         "best_days": {"file": "output/best_days.csv", "rows": 3}},
        files={"output/best_days.csv": "2026-03-02,11.0\n2026-03-04,6.0\n2026-03-03,3.5\n"},
    ),
    Case(
        "load_from_save_to", "load_from, save_to",
        {"saved_columns": ["day", "region", "product", "units", "price"],
         "saved_bytes": len('{"plum": 8}')},
        files={
            "cheap.json": '{"plum": 8}',
            "pears.csv": "day,region,product,units,price\n"
                         "2026-03-02,north,pear,4,0.75\n2026-03-03,west,pear,2,0.75\n",
        },
    ),
    Case("own_loader", "a loader known by name", {"weekly_hours": 6 * (17 - 9 - 1)}),
    Case("check_output", "check_output", {"mean_celsius": 22.25, "weather": "mild"}),
    Case("check_output_custom", "check_output_custom", {"steps": [11, 1, 77]}),
    Case(
        "pydantic_model", "check_output of pydantic models",
        {"oldest": "ada",
         "as_data": {"persons": [{"name": "ada", "age": 36}, {"name": "cem", "age": 24}]}},
    ),
    Case(
        "tags", "tag, tag_outputs, schema.output",
        {"visits": frame(*({"day": DAYS[n], "visits": VISITS[n]} for n in (6, 7))),
         "tagged": ["2026-03-07", "2026-03-06"]},
    ),
    Case("cache", "cache", {"quote": {"amount": 20 / 2 * 1.5}}),
    Case(
        "with_columns", "with_columns",
        {"enriched": frame(
            {"customer": "ada", "age": 36, "is_valued": True},
            {"customer": "ben", "age": 51, "is_valued": False},
            {"customer": "cem", "age": 25, "is_valued": False},
            {"customer": "dora", "age": 43, "is_valued": False})},
    ),
    Case("async_functions", "coroutines", {"total": 12.0, "greeting": "Ada (basic): 12.00"}),
    Case("several_modules", "several modules", {"report": "mean 0.54, at most 0.75"}),
    Case(
        "module_overrides", "functions in place of others",
        {"mean_price": total(SALES) / units(SALES), "below_highest": 0.75 - total(SALES) / units(SALES)},
    ),
    Case("node_overrides", "values in place of nodes", {"price_in_dollars": 100.0}),
    Case(
        "materializers", "materializers",
        {"summary": {"apple": 56.0, "pear": 12.0, "plum": 16.0}},
        files={"summary.json": '{"apple": 56.0, "pear": 12.0, "plum": 16.0}'},
    ),
    Case("own_decorators", "decorators of one's own", {"tax": 0.75, "gross": 10.7}),
    Case("default_values", "default values, params", {"capital": 1000 * 1.5**2}),
    Case(
        "default_values", "default values, given", {"capital": 2000.0},
        ("-i", "years=1", "-i", "bonus=0.5"),
    ),
    Case("optional_inputs", "optional inputs", {"address": "Dear Ada Lovelace"}),
    Case(
        "optional_inputs", "optional inputs, given and null", {"address": "Dear Dr Ada Lovelace"},
        ("-i", "title=Dr", "-i", "middle=null"),
    ),
    Case(
        "typed_nodes", "Literal, TypedDict, dataclass, NewType, Enum, NamedTuple",
        {"load": {"parcels": 2, "grams": 10_000}, "size": "large", "extremes": [2500, 7500],
         "label": "2 parcels, large, 10.0 kg"},
    ),
    Case("annotated_columns", "Annotated, column", {"total": 2 * sum(VISITS)}),
    Case(
        "hidden_functions", "hamilton_exclude, private functions",
        {"counts": {"b": 2, "a": 1}, "most_common": "b"},
    ),
    Case(
        "rolling_windows", "time series",
        {"change": [after - before for before, after in pairwise(VISITS)],
         "weekly": {"2026-03-01": 8, "2026-03-08": sum(VISITS[1:])},
         "peak_days": [DAYS[n] for n in range(3, 8) if VISITS[n] > sum(VISITS[n - 3:n + 1]) / 4 * 1.25]},
    ),
    Case(
        "feature_engineering", "feature engineering",
        {"features": frame(
            {"customer": "ada", "orders": 4, "premium": 0, "spent": 100 / 500},
            {"customer": "ben", "orders": 10, "premium": 1, "spent": 1.0},
            {"customer": "cem", "orders": 0, "premium": 0, "spent": 0.0},
            {"customer": "dora", "orders": 5, "premium": 0, "spent": 75 / 500})},
    ),
    Case(
        "feature_engineering", "feature engineering, another scale",
        {"features": frame(
            {"customer": "ada", "orders": 4, "premium": 0, "spent": 3.0},
            {"customer": "ben", "orders": 10, "premium": 1, "spent": 4.0},
            {"customer": "cem", "orders": 0, "premium": 0, "spent": 1.0},
            {"customer": "dora", "orders": 5, "premium": 0, "spent": 2.0})},
        ("--config", "scaling=rank"),
    ),
    Case(
        "batch_or_online", "features for a batch",
        {"spending_level": ["high", "high", "low", "low"],
         "has_ordered": [True, True, False, True]},
    ),
    Case(
        "batch_or_online", "features for one who is here now",
        {"spending_level": ["high"], "has_ordered": [False]},
        ("--config", "mode=online", "-i", "spent_now=100"),
    ),
    Case(
        "model_training", "machine learning",
        {"largest_error": rent_error("linear"), "model_is_good": True},
    ),
    Case(
        "model_training", "machine learning, another model",
        {"largest_error": rent_error("constant"), "model_is_good": False},
        ("--config", "model=constant"),
    ),
    Case(
        "numpy_arrays", "arrays",
        {"energy": 91.0, "smoothed": [1.5, 2.5, 3.5, 4.5, 5.5],
         "matrix": {"summary_of": "numpy.ndarray", "shape": [2, 3], "dtype": "float64",
                    "rows": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}},
    ),
    Case(
        "prompt", "a prompt for a language model",
        {"answer": {"question": "When are invoices sent?",
                    "answer": "Invoices are sent by mail on the first day of a month."}},
    ),
    Case(
        "prompt", "a prompt, another question",
        {"answer": {"question": "May I send returns after twenty days?",
                    "answer": "Returns are free within thirty days of delivery."}},
        ("-i", "question=May I send returns after twenty days?"),
    ),
    Case(
        "reverse_etl", "reverse ETL", {"export": {"file": "mailing.csv", "recipients": 3}},
        files={"mailing.csv": "name,spent\nAda,100\nBen,500\nDora,75\n"},
    ),
    Case(
        "chart", "a chart", {"chart": {"file": "chart.svg", "characters": len(bars())}},
        files={"chart.svg": bars()},
    ),
    Case(
        "data_quality", "data quality",
        {"report": {"missing": {"plan": 1}, "duplicates": 0, "outliers": ["ben"], "clean": False}},
    ),
    Case(
        "many_outputs", "several outputs",
        {"fahrenheit": [c * 1.8 + 32 for c in (12.0, 18.0, 15.0)], "warmest": 18.0,
         "summary": {"days": 3, "warmest": 18.0, "from": "2026-03-01"}},
    ),
]  # fmt: skip


def project_copy(parent: Path) -> Cli:
    """The command line in a copy of the project, with an empty home."""
    home, folder = parent / "home", parent / "work"
    home.mkdir()
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__", ".flowerpower"))
    return Cli(folder, home)
