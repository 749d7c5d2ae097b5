"""Which modules a run imports: those of its project, as they are on disk now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowerpower.errors import ConfigError, InvalidInputs
from flowerpower.pipeline import PipelineManager
from tests.conftest import MakeProject

KINDS = "class Order:\n    def __init__(self, price: int) -> None:\n        self.price = price\n"
ORDERS = """\
from pipelines.kinds import Order
from pipelines.prices import price

def order() -> Order:
    return Order(price())

def spent(order: Order) -> int:
    from pipelines.taxes import tax
    return order.price + tax()
"""
PRICES = "def price() -> int:\n    return 1\n"
TAXES = "def tax() -> int:\n    return 10\n"
CONFIG = "run: {modules: [pipelines.kinds, pipelines.orders]}\n"


@pytest.fixture(autouse=True)
def clean_modules() -> Iterator[None]:
    """Forgets what a test imports, of its project or of a package beside it."""
    before, path = dict(sys.modules), list(sys.path)
    yield
    for name in sys.modules.keys() - before.keys():
        if name.partition(".")[0] in ("pipelines", "statistics", "shop"):
            del sys.modules[name]
    sys.modules.update({name: before[name] for name in before if name == "statistics"})
    sys.path[:] = path


@pytest.fixture
def project(make_project: MakeProject) -> Path:
    """A project whose pipeline uses modules that import others."""
    root = make_project(orders=(CONFIG, ORDERS))
    for name, text in (("kinds", KINDS), ("prices", PRICES), ("taxes", TAXES)):
        (root / "pipelines" / f"{name}.py").write_text(text)
    return root


@pytest.mark.parametrize(
    ("module", "old", "new", "spent"),
    [
        ("kinds", "= price\n", "= 2 * price\n", 12),
        ("prices", "return 1", "return 1_000", 1010),
        ("taxes", "return 10", "return 1_000", 1001),
        ("orders", "Order(price())", "Order(price() + 3)", 14),
    ],
)
def test_an_edit_of_any_module_counts(
    project: Path, module: str, old: str, new: str, spent: int
) -> None:
    """Of one that a pipeline names, one that this imports, or one that a node imports."""
    manager = PipelineManager(project, quiet=True)
    assert manager.run("orders") == {"spent": 11}
    file = project / "pipelines" / f"{module}.py"
    file.write_text(file.read_text().replace(old, new))
    assert manager.run("orders") == {"spent": spent}


def test_modules_are_forgotten_only_for_an_edit(project: Path) -> None:
    """Without one, a value of a class of the project fits from run to run."""
    manager = PipelineManager(project, quiet=True)
    order = manager.run("orders", final_vars="order")["order"]
    assert manager.run("orders", overrides={"order": order}) == {"spent": 11}
    (project / "pipelines" / "prices.py").write_text(PRICES.replace("1", "5"))
    with pytest.raises(InvalidInputs, match="of a class that has been imported again since"):
        manager.run("orders", overrides={"order": order})


def test_an_installed_package_that_hides_the_project_is_named(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes a package with an __init__.py before the project's folder without one."""
    installed = tmp_path / "installed"
    (installed / "pipelines").mkdir(parents=True)
    (installed / "pipelines" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(installed)
    root = make_project(a=("", "def a() -> int:\n    return 1\n"))
    manager = PipelineManager(root, quiet=True)
    with pytest.raises(ConfigError) as caught:
        manager.run("a")
    hiding = installed / "pipelines" / "__init__.py"
    assert str(caught.value) == f"pipelines/a.py is hidden by another 'pipelines': {hiding}."
    assert caught.value.hint == "Write an empty file pipelines/__init__.py."
    (root / "pipelines" / "__init__.py").write_text("")
    del sys.modules["pipelines"]
    assert manager.run("a") == {"a": 1}


def test_a_module_that_was_imported_before_is_named(make_project: MakeProject) -> None:
    """A module of Python's own that is loaded already does not pass for the project's."""
    import statistics

    root = make_project(a=("run: {modules: [statistics]}\n", ""))
    (root / "statistics.py").write_text("def a() -> int:\n    return 1\n")
    with pytest.raises(ConfigError) as caught:
        PipelineManager(root, quiet=True).run("a")
    assert f"statistics.py is hidden by another 'statistics': {statistics.__file__}" in str(
        caught.value
    )
    assert "Rename statistics" in str(caught.value.hint)


def test_modules_under_src_are_named(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in src needs to be installed, or PYTHONPATH; then it is found."""
    root = make_project(a=("run: {modules: [shop.sales]}\n", ""))
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "sales.py").write_text("def a() -> int:\n    return 1\n")
    manager = PipelineManager(root, quiet=True)
    with pytest.raises(ConfigError, match=r"There is no module 'shop\.sales'") as caught:
        manager.run("a")
    assert "PYTHONPATH=src" in str(caught.value.hint)
    assert "pip install -e ." in str(caught.value.hint)
    monkeypatch.syspath_prepend(root / "src")
    assert manager.run("a") == {"a": 1}
