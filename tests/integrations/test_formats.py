"""Every loader and saver that Hamilton registers for an installed package, and ours for Arrow.

The cases are made from Hamilton's registry: a class that a new version or package brings is tried
too, or has to be named in UNTRIED.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import plotly.graph_objects
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from hamilton import registry

from flowerpower.errors import ConfigError, RunFailed
from flowerpower.jobs.encoding import summary
from flowerpower.pipeline import PipelineManager
from flowerpower.pipeline.overrides import make_overrides
from flowerpower.run import arrow_files
from flowerpower.run.file_adapters import path_field
from flowerpower.run.files import FORMATS, NOT_FILES, file_classes
from tests.conftest import MakeProject

registry.initialize()
ROWS: dict[str, list[Any]] = {"number": [1, 2], "name": ["x", "y"], "part": [1.5, 2.5]}
VALUES: dict[Any, Callable[[], Any]] = {
    pd.DataFrame: lambda: pd.DataFrame(ROWS),
    pl.DataFrame: lambda: pl.DataFrame(ROWS),
    pl.LazyFrame: lambda: pl.LazyFrame(ROWS),
    pa.Table: lambda: pa.table(ROWS),
    np.ndarray: lambda: np.arange(6).reshape(2, 3),
    matplotlib.figure.Figure: lambda: _figure(),
    plotly.graph_objects.Figure: lambda: plotly.graph_objects.Figure(),
    dict: lambda: {"a": [1]},
    list: lambda: [1, {"a": 2}],
    str: lambda: "text",
    bytes: lambda: b"\0bytes",
    BytesIO: lambda: BytesIO(b"stream"),
    int: lambda: 3,
    float: lambda: 1.5,
    bool: lambda: True,
}
"""By type of a node: a value of it."""
ONE, TWO = np.array([0.0, 1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
DISPLAYS: dict[str, dict[str, Any]] = {
    "ConfusionMatrixDisplay": {"confusion_matrix": TWO},
    "DetCurveDisplay": {"fpr": ONE / 2 + 0.1, "fnr": ONE / 2 + 0.1},
    "PrecisionRecallDisplay": {"precision": ONE, "recall": ONE},
    "PredictionErrorDisplay": {"y_true": ONE, "y_pred": ONE},
    "RocCurveDisplay": {"fpr": ONE, "tpr": ONE},
    "DecisionBoundaryDisplay": {"xx0": TWO, "xx1": TWO.T, "response": TWO, "n_classes": 2},
    "LearningCurveDisplay": {"train_sizes": ONE, "train_scores": TWO, "test_scores": TWO},
    "ValidationCurveDisplay": {
        "param_name": "p", "param_range": ONE, "train_scores": TWO, "test_scores": TWO,
    },
}  # fmt: skip
"""By class of scikit-learn's plots: what one is made of."""
SUFFIXES = {"excel": ".xlsx", "spreadsheet": ".xlsx", "plt": ".png", "png": ".png"}
"""By format, where the suffix is not its name."""
OTHER_WRITERS: dict[tuple[Any, str], Callable[[str], None]] = {
    (pd.DataFrame, "fwf"): lambda path: pd.DataFrame(ROWS).to_string(path, index=False),
    (pd.DataFrame, "table"): lambda path: pd.DataFrame(ROWS).to_csv(path, sep="\t", index=False),
    (pd.DataFrame, "spss"): lambda path: _write_spss(path),
}
"""What writes the files that Hamilton only reads."""
UNTRIED = {
    "database": "no file", "sql": "no file", "environment": "no file", "literal": "no file",
    "memory": "no file", "mlflow": "a model of a tracker", "kedro": "a catalog",
    "pickle": "written and read by flowerpower.run.pickles",
    "plotly": "a picture needs a browser",
}  # fmt: skip


def _figure() -> Any:
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([1, 2])
    return figure


def make_value(type_: Any) -> Any:
    """A value of a type."""
    if type_.__name__ == "PartialDependenceDisplay":
        from sklearn.linear_model import LinearRegression

        return type_.from_estimator(LinearRegression().fit(TWO, ONE), TWO, [0])
    if type_.__name__ in DISPLAYS:
        return type_(**DISPLAYS[type_.__name__])
    return VALUES[type_]()


def _write_spss(path: str) -> None:
    import pyreadstat

    pyreadstat.write_sav(pd.DataFrame(ROWS), path)


def _cases(classes: Any, own: tuple[Any, ...]) -> Iterator[Any]:
    formats = dict.fromkeys((*classes, *(kind.name() for kind in own)))
    for format_ in formats:
        if format_ in UNTRIED:
            continue
        for kind in [*classes.get(format_, ()), *(k for k in own if k.name() == format_)]:
            for type_ in kind.applicable_types():
                yield pytest.param(type_, format_, id=f"{format_}-{kind.__name__}-{type_.__name__}")


SAVED = list(_cases(registry.SAVER_REGISTRY, arrow_files.SAVERS))
LOADED = list(_cases(registry.LOADER_REGISTRY, arrow_files.LOADERS))


@pytest.fixture
def manager(make_project: MakeProject) -> Iterator[Callable[..., PipelineManager]]:
    """Makes a pipeline of a node `value` of a type, and `again`, which takes it."""
    before = set(sys.modules)

    def make(type_: Any, run: dict[str, Any]) -> PipelineManager:
        module = (
            f"import {type_.__module__}\n\n"
            "from tests.integrations.test_formats import make_value as _make\n\n"
            f"_type = {type_.__module__}.{type_.__qualname__}\n\n\n"
            "def value() -> _type:\n    return _make(_type)\n\n\n"
            "def again(value: _type) -> object:\n    return value\n"
        )
        root = make_project(a=(json.dumps({"run": run}), module))
        return PipelineManager(root, quiet=True)

    yield make
    for name in sys.modules.keys() - before:
        if name.startswith("pipelines"):
            del sys.modules[name]


def path_for(format_: str) -> str:
    return f"out/file{SUFFIXES.get(format_, '.' + format_)}"


def file_for(format_: str) -> dict[str, Any]:
    """The file of a node, as YAML has it."""
    return {"path": path_for(format_), "format": format_}


@pytest.mark.parametrize(("type_", "format_"), SAVED)
def test_every_saver_writes(
    manager: Callable[..., PipelineManager], tmp_path: Path, type_: Any, format_: str
) -> None:
    """A value of each type that Hamilton's class takes is written."""
    file = file_for(format_)
    manager(type_, {"save": {"value": file}}).run("a")
    assert (tmp_path / "work" / file["path"]).stat().st_size > 0


@pytest.mark.parametrize(("type_", "format_"), LOADED)
def test_every_loader_reads(
    manager: Callable[..., PipelineManager], tmp_path: Path, type_: Any, format_: str
) -> None:
    """What was written is read as it was, with the types of its columns."""
    if (type_, format_) in OTHER_WRITERS:
        (tmp_path / "work" / "out").mkdir(parents=True)
        OTHER_WRITERS[type_, format_](str(tmp_path / "work" / path_for(format_)))
    else:
        manager(type_, {"save": {"value": file_for(format_)}}).run("a")
    loading = manager(type_, {"load": {"value": file_for(format_)}})
    value, expected = loading.run("a")["again"], make_value(type_)
    if isinstance(expected, pl.LazyFrame):
        assert isinstance(value, pl.LazyFrame)
        value, expected = value.collect(), expected.collect()
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(value, expected, check_dtype=format_ not in ("stata", "spss"))
    elif isinstance(expected, pl.DataFrame):
        polars.testing.assert_frame_equal(value, expected)
    elif isinstance(expected, np.ndarray):
        assert np.array_equal(value, expected)
    else:
        assert value == expected


def test_every_class_is_tried_or_has_no_file() -> None:
    """What is not tried needs more than a path, or is named for another reason."""
    for classes in (registry.LOADER_REGISTRY, registry.SAVER_REGISTRY):
        for format_ in classes:
            if UNTRIED.get(format_) == "no file":
                assert not any(map(path_field, classes[format_]))
            elif format_ not in UNTRIED:
                assert len(file_classes(classes, format_)) >= len(classes[format_]), format_
    assert set(NOT_FILES) <= {*UNTRIED, "hf_dataset"}


def to_rows(table: Any) -> Any:
    """What a table holds, by column; anything else as it is."""
    if isinstance(table, pd.DataFrame):
        return {name: list(column) for name, column in table.items()}
    if isinstance(table, pl.DataFrame):
        return table.to_dict(as_series=False)
    return table.to_pydict() if isinstance(table, pa.Table) else table


SUFFIXED = [
    (type_, suffix)
    for type_ in (pd.DataFrame, pl.DataFrame, pa.Table)
    for suffix in FORMATS
    if any(
        any(
            issubclass(type_, known) for known in kind.applicable_types() if isinstance(known, type)
        )
        for format_ in FORMATS[suffix]
        for kind in file_classes(registry.SAVER_REGISTRY, format_)
    )
]


@pytest.mark.parametrize(("type_", "suffix"), SUFFIXED)
def test_a_suffix_is_enough(
    manager: Callable[..., PipelineManager], type_: Any, suffix: str
) -> None:
    """A table of each library is written and read by the suffix of its file alone."""
    path = f"file{suffix}"
    manager(type_, {"save": {"value": path}}).run("a")
    value = manager(type_, {"load": {"value": path}}).run("a")["again"]
    assert to_rows(value) == ROWS


@pytest.mark.filterwarnings("error")
def test_tables_are_summarised_with_the_names_of_their_columns() -> None:
    """Of a table of any library, also one that is not read yet, and without a warning."""
    for type_ in (pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.Table):
        description = summary(make_value(type_))
        assert description["columns"] == ["number", "name", "part"]
        assert ("rows" in description) == (type_ is not pl.LazyFrame)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".pkl", ".xlsx"])
@pytest.mark.parametrize("type_", [pd.DataFrame, pl.DataFrame, pa.Table, dict])
def test_a_url_is_written_and_read(
    manager: Callable[..., PipelineManager], type_: Any, suffix: str
) -> None:
    """Any format goes to any place that fsspec knows, whole, with the options of the place."""
    if (suffix not in (".json", ".pkl") and type_ is dict) or (type_, suffix) == (
        pa.Table,
        ".xlsx",
    ):
        return
    url = f"memory://bucket/{type_.__module__}/{type_.__name__}{suffix}"
    file = {"path": url, "options": {"storage_options": {"skip_instance_cache": True}}}
    (written,) = manager(type_, {"save": {"value": file}}).run_outcome("a").files
    assert written.path == url
    assert written.size > 0
    value = manager(type_, {"load": {"value": file}}).run("a")["again"]
    assert to_rows(value) == to_rows(make_value(type_))


@pytest.mark.parametrize(
    ("setting", "type_", "url", "message"),
    [
        ("save", pd.DataFrame, "oss://b/x.csv", "Install ossfs to access Alibaba"),
        ("load", pd.DataFrame, "oss://b/x.csv", "Install ossfs to access Alibaba"),
        (
            "save",
            pl.DataFrame,
            "memry://b/x.csv",
            "fsspec knows no memry://. Did you mean 'memory'?",
        ),
        ("save", pl.DataFrame, "https://b/x.csv", "can only be read"),
        ("load", pl.LazyFrame, "memory://b/x.csv", "polars scans no memory://, only s3"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_before(
    manager: Callable[..., PipelineManager], setting: str, type_: Any, url: str, message: str
) -> None:
    """A scheme that is unknown, or whose package is missing; nothing has run then."""
    with pytest.raises(ConfigError) as caught:
        manager(type_, {setting: {"value": url}}).plan("a")
    assert message in str(caught.value)


def test_polars_options_have_hamiltons_names_or_its_own(
    manager: Callable[..., PipelineManager], tmp_path: Path
) -> None:
    """An option that polars has renamed is passed by its name of today."""
    for name in ("row_count_name", "row_index_name"):
        file = {"path": "x.csv", "options": {name: "row"}}
        reading = manager(pl.DataFrame, {"load": {"value": file}})
        (tmp_path / "work" / "x.csv").write_text("a\n1\n")
        assert to_rows(reading.run("a")["again"]) == {"row": [0], "a": [1]}


def test_a_page_of_several_tables_asks_which(
    manager: Callable[..., PipelineManager], tmp_path: Path
) -> None:
    """Pandas reads all tables of a page, and a node takes one."""
    page = "".join(
        f"<table id='t{n}'><tr><th>a</th></tr><tr><td>{n}</td></tr></table>" for n in "12"
    )
    file: dict[str, Any] = {"path": "x.html"}
    reading = manager(pd.DataFrame, {"load": {"value": file}})
    (tmp_path / "work" / "x.html").write_text(page)
    with pytest.raises(RunFailed, match="there are 2 tables; choose one with `match` or `attrs`"):
        reading.run("a")
    file["options"] = {"attrs": {"id": "t2"}}
    assert to_rows(manager(pd.DataFrame, {"load": {"value": file}}).run("a")["again"]) == {"a": [2]}


def test_a_table_that_is_read_late_is_not_taken_as_unchanged(
    manager: Callable[..., PipelineManager], tmp_path: Path
) -> None:
    """A file that a lazy table reads is read again, though its recipe is the same."""
    running = manager(pl.LazyFrame, {"cache": True})
    root = tmp_path / "work"
    (root / "pipelines" / "a.py").write_text(
        "import polars as pl\n\ndef scan(source: str) -> pl.LazyFrame:\n"
        "    return pl.scan_csv(source)\n\n"
        "def total(scan: pl.LazyFrame) -> int:\n    return scan.collect()['a'].sum()\n"
    )
    inputs = {"source": str(root / "x.csv")}
    for text, total in (("a\n1\n", 1), ("a\n1\n", 1), ("a\n1\n2\n", 3)):
        (root / "x.csv").write_text(text)
        assert running.run("a", inputs=inputs) == {"total": total}
    overrides = make_overrides({"inputs": inputs})
    plan = running.plan("a", overrides, with_forecast=True)
    assert plan.forecast == {"scan": "no_fingerprint", "total": "no_fingerprint"}
