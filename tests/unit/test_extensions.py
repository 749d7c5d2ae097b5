"""Hamilton's extensions are loaded when they are needed, and answers are the same as if all were.

tests/integrations/test_extensions.py does the same where many packages are installed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import hamilton.plugins
import pytest
from hamilton.htypes import Collect, Parallelizable
from hamilton.registry import HAMILTON_EXTENSIONS

from flowerpower.run.extensions import EXTENSIONS, may_be_of_any_package
from tests.hamilton_registries import answers

PLUGINS = Path(hamilton.plugins.__path__[0])


class AnyShape(Protocol):
    size: int


def test_every_lookup_answers_what_it_does_with_all_extensions() -> None:
    """Classes for types, types of tables, validators, arguments of `to` and `from_`.

    In a process that has looked up nothing before, each is as where everything was loaded.
    """
    expected, lazy = answers("hamilton"), answers("flowerpower")
    assert lazy.keys() == expected.keys()
    for name, answer in expected.items():
        assert lazy[name] == answer, name


def test_the_table_names_every_extension_in_hamiltons_order() -> None:
    """Of several classes that fit, the one that was registered last is taken."""
    assert tuple(EXTENSIONS) == tuple(HAMILTON_EXTENSIONS)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_table_says_what_an_extension_registers(name: str) -> None:
    """Also where its package is not installed: as its source says."""
    files = [PLUGINS / f"{name}_extensions.py"]
    if name == "polars":
        files = list(PLUGINS.glob("polars_p*_extension*.py"))
    found: dict[str, set[str]] = {"loads": set(), "saves": set()}
    for tree in (ast.parse(file.read_text()) for file in files):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and (format_ := _format_of(node)):
                methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                found["loads"] |= {format_} if "load_data" in methods else set()
                found["saves"] |= {format_} if "save_data" in methods else set()
    source = (PLUGINS / f"{name}_extensions.py").read_text()
    extension = EXTENSIONS[name]
    assert {*extension.loads} == found["loads"]
    assert {*extension.saves} == found["saves"]
    assert extension.has_tables == ("registry.register_types(" in source)
    assert extension.has_validators == ("AVAILABLE_DEFAULT_VALIDATORS" in source)


def _format_of(adapter: ast.ClassDef) -> str | None:
    for method in adapter.body:
        if isinstance(method, ast.FunctionDef) and method.name == "name":
            returned = method.body[-1]
            if isinstance(returned, ast.Return) and isinstance(returned.value, ast.Constant):
                return str(returned.value.value)
    return None


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, False), (dict[str, Any], False), (list, False), (type("Own", (), {}), False),
        (Any, True), (object, True), (Iterable[int], True), (AnyShape, True),
        (TypeVar("T"), True), ("text", True),
        (int | None, False), (object | None, True), (Parallelizable[int], False),
        (Collect[Any], True),
    ],
)  # fmt: skip
def test_a_type_may_be_served_by_any_package_unless_it_says_which(
    annotation: Any, expected: bool
) -> None:
    """Only for such types everything that has the format must be loaded."""
    assert may_be_of_any_package(annotation) is expected


HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "polars",
    "sklearn",
    "matplotlib",
    "plotly",
    "mlflow",
    "dask",
)
RUN = f"""
import sys
from pathlib import Path
from flowerpower.pipeline import PipelineManager
outputs = PipelineManager(base_dir=Path(sys.argv[1])).run("work")
print(outputs, sorted(m for m in {HEAVY} if m in sys.modules))
"""
PLAIN = """
from hamilton.function_modifiers import check_output, extract_fields, load_from, value

def number() -> int:
    return 20

@extract_fields({"half": int, "double": int})
def parts(number: int) -> dict:
    return {"half": number // 2, "double": number * 2}

@load_from.json(path=value("data.json"))
def loaded(data: dict) -> int:
    return data["a"]

def total(half: int, double: int, loaded: int) -> int:
    return half + double + loaded
"""
WITH_PANDAS = """
import pandas as pd
from hamilton.function_modifiers import extract_columns

@extract_columns("a", "b")
def table() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": [3, 4]})

def total(a: pd.Series, b: pd.Series) -> int:
    return int((a * b).sum())
"""


def _run(project: Path, module: str) -> str:
    (project / "conf" / "pipelines").mkdir(parents=True)
    (project / "pipelines").mkdir()
    (project / "conf" / "project.yml").write_text("name: small\n")
    (project / "conf" / "pipelines" / "work.yml").write_text("run: {final_vars: [total]}\n")
    (project / "pipelines" / "work.py").write_text(module)
    (project / "data.json").write_text('{"a": 7}')
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(project)],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout.strip()


def test_a_run_that_uses_no_pandas_imports_none(tmp_path: Path) -> None:
    """Nor NumPy, or any other package that is installed and not used."""
    assert _run(tmp_path, PLAIN) == "{'total': 57} []"


def test_a_run_imports_the_packages_that_it_uses(tmp_path: Path) -> None:
    """Columns of a table need the extension of its package, which is imported by then."""
    shown = _run(tmp_path, WITH_PANDAS)
    assert shown.startswith("{'total': 11} ['numpy', 'pandas'")
    assert "sklearn" not in shown
