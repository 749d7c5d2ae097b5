"""Hamilton's internals that flowerpower/run/import_patches.py relies on, and its stand-ins.

A test that fails here after an upgrade means: read Hamilton's change, then adapt the patch.
"""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hamilton
import pytest

from flowerpower.run.import_patches import STAND_INS
from flowerpower.run.light_imports import HookedImports, StandIn

HAMILTON = Path(hamilton.__path__[0])
HEAVY = ("numpy", "pandas", "pandera")


def in_new_process(program: str, **environ: str) -> str:
    """What a Python program prints that begins with our import of Hamilton."""
    begin = "import flowerpower.run.runner, sys\nfrom hamilton import registry, base, driver\n"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::PendingDeprecationWarning", "-c", begin + program],
        env={**os.environ, **environ}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_every_module_that_imports_numpy_or_pandas_is_known() -> None:
    """Of those that a run imports; with the names that they give them."""
    shown = in_new_process("print(*(m for m in sys.modules if m.startswith('hamilton.')))")
    imports: dict[str, dict[str, str | None]] = {}
    for module in shown.split():
        file = HAMILTON.parent / (module.replace(".", "/") + ".py")
        for node in ast.parse(file.read_text()).body if file.exists() else ():
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                if (prefix + alias.name).partition(".")[0] in HEAVY:
                    imports.setdefault(module, {})[prefix + alias.name] = alias.asname
    known = {
        module: {name: alias for name, alias in names.items() if alias is not None}
        for module, names in STAND_INS.items()
        if module in shown.split()
    }
    assert imports == known


def test_stand_ins_do_in_all_of_them() -> None:
    """No module needs more of these packages while it is imported."""
    program = f"""
from flowerpower.run.light_imports import StandIn
names = {[(m, alias) for m, names in STAND_INS.items() for alias in names.values() if alias]}
print([n for n in names if n[0] in sys.modules and type(vars(sys.modules[n[0]])[n[1]]) != StandIn])
"""
    assert in_new_process(program) == "[]"


def test_what_is_used_is_the_real_package() -> None:
    """Results that need it are built, annotations name its types, and the stand-in is gone."""
    program = """
import typing
print(base.PandasDataFrameResult.build_result(a=[1, 2], b=[3, 4]).to_dict("list"))
import numpy, pandas
print(typing.get_type_hints(base.PandasDataFrameResult.build_result)["return"] is pandas.DataFrame)
from hamilton.io import utils
print(typing.get_type_hints(utils.get_sql_metadata)["results"] == int | pandas.DataFrame)
print(base.pd is pandas, base.NumpyMatrixResult.build_result(a=[1, 2]).tolist(), base.np is numpy)
"""
    assert in_new_process(program).splitlines() == [
        "{'a': [1, 2], 'b': [3, 4]}", "True", "True", "True [[1], [2]] True",
    ]  # fmt: skip


def test_who_turns_extensions_off_gets_none() -> None:
    """HAMILTON_AUTOLOAD_EXTENSIONS=0 leaves it to `load_extension`, as in Hamilton."""
    program = """
print("npy" in registry.LOADER_REGISTRY, "json" in registry.LOADER_REGISTRY)
registry.load_extension("numpy")
print("npy" in registry.LOADER_REGISTRY)
"""
    assert in_new_process(program, HAMILTON_AUTOLOAD_EXTENSIONS="0") == "False True\nTrue"


def test_columns_are_taken_from_a_table_that_was_never_asked_for() -> None:
    """`registry.get_column` itself loads what has a variant for the table."""
    program = """
import pandas
print(registry.get_column(pandas.DataFrame({"a": [1]}), "a").tolist())
try:
    registry.get_column(3, "a")
except NotImplementedError as error:
    print("refused")
"""
    assert in_new_process(program) == "[1]\nrefused"


def test_an_extension_that_is_imported_by_hand_registers_once() -> None:
    """It looks itself up while it registers; its classes are in Hamilton's order all the same."""
    program = """
import hamilton.plugins.pandas_extensions, hamilton.plugins.numpy_extensions
for role in (registry.LOADER_REGISTRY, registry.SAVER_REGISTRY):
    assert all(len({*classes}) == len(classes) for classes in role.values())
print([one.__name__ for one in registry.LOADER_REGISTRY["json"]])
"""
    assert in_new_process(program) == "['JSONDataLoader', 'PandasJsonReader']"


def test_pandera_comes_with_the_first_check(tmp_path: Path) -> None:
    """Not at the import of Hamilton, where pandera is installed and nothing uses it."""
    (tmp_path / "pandera").mkdir()
    (tmp_path / "pandera" / "__init__.py").write_text(
        "class DataFrameSchema: pass\nclass SeriesSchema: pass\n"
    )
    program = """
from hamilton.data_quality import default_validators
known = default_validators.AVAILABLE_DEFAULT_VALIDATORS
print("pandera" in sys.modules, sum("andera" in one.__name__ for one in known))
import pandera
default_validators.resolve_default_validators(int, "warn", range=(0, 1))
print(sum("andera" in one.__name__ for one in known))
"""
    assert in_new_process(program, PYTHONPATH=str(tmp_path)) == "False 0\n2"


def test_decorated_functions_are_pickled() -> None:
    """Clusters get them by value: what a decorator looks its classes up in stays here."""
    program = """
import cloudpickle
from hamilton.function_modifiers import load_from, value
import types
module = types.ModuleType("one")
decorator = load_from.json(path=value("x"))
copy = cloudpickle.loads(cloudpickle.dumps(decorator))
print([one.__name__ for one in copy.loader_classes] == [one.__name__ for one in decorator.loader_classes])
"""
    assert in_new_process(program) == "True"


def own_module(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that is imported with a stand-in for the package `needed`."""
    (folder / "needed.py").write_text("class Table: pass\nSIZE = 3\n")
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    finder = HookedImports({name: {"needed": "needed_alias"}}, {})
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    for module in ("needed", name):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module(name)


class AsksAll:
    """A finder that asks all others, as that of a tracer (ddtrace) does."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        return next(filter(None, found), None)


@pytest.mark.parametrize("place", [0, 1])
def test_other_finders_may_ask_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Whichever is asked first, a module is executed with stand-ins once."""
    (tmp_path / "light_three.py").write_text("import needed as needed_alias\n")
    (tmp_path / "needed.py").write_text("SIZE = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders: list[Any] = [HookedImports({"light_three": {"needed": "needed_alias"}}, {})]
    finders.insert(place, AsksAll())
    monkeypatch.setattr(sys, "meta_path", [*finders, *sys.meta_path])
    for name in ("needed", "light_three"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module: Any = importlib.import_module("light_three")
    assert isinstance(module.needed_alias, StandIn)
    assert module.needed_alias.SIZE == 3


def test_a_package_is_imported_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Annotations do not use it, a function that is called does."""
    text = "import needed as needed_alias\ndef size(x: needed_alias.Table = None):\n    return needed_alias.SIZE\n"
    module = own_module(tmp_path, "light_one", text, monkeypatch)
    assert isinstance(module.needed_alias, StandIn)
    assert "needed" not in sys.modules
    assert module.size() == 3
    assert module.needed_alias is sys.modules["needed"]


@pytest.mark.parametrize(
    "use",
    [
        "TYPES = [needed_alias.Table]", "KIND = needed_alias.Table", "DOUBLE = 2 * needed_alias.SIZE",
        "class Mine(needed_alias.Table): pass", "def f(x=needed_alias.SIZE): pass",
        "class Mine:\n    table = needed_alias.Table",
    ],
)  # fmt: skip
def test_a_module_that_needs_more_gets_the_real_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    """A value, a base class or a default is no annotation: nothing of a stand-in is left."""
    module = own_module(
        tmp_path, "light_two", f"import needed as needed_alias\n{use}\n", monkeypatch
    )
    assert module.needed_alias is sys.modules["needed"]
    kept = vars(module)
    needed = sys.modules["needed"]
    assert kept.get("TYPES", [needed.Table]) == [needed.Table]
    assert kept.get("KIND", needed.Table) is needed.Table
    assert kept.get("DOUBLE", 6) == 6
