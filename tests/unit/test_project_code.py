import json
import sys
import sysconfig
from types import ModuleType

from flowerpower.files.project_code import is_inside, is_installed, is_own, module_paths


def test_a_virtual_environment_in_the_project_is_not_its_code() -> None:
    """A project's code is in its folder, but for what is installed there."""
    assert is_own("/p/pipelines/a.py", "/p")
    assert is_own("/p/pipelines/a.py", "/p/")
    assert not is_own("/p/.venv/lib/python3.12/site-packages/a.py", "/p")
    assert not is_own("/project/a.py", "/p")
    assert is_inside("/p", "/p")
    assert is_inside("/a.py", "/")


def test_what_belongs_to_python_or_a_package_is_installed() -> None:
    """Python's files, packages and what has no file are installed; the project's are not."""
    for file in (json.__file__, f"{sysconfig.get_path('purelib')}/a.py", "<frozen os>", ""):
        assert is_installed(file)
    assert not is_installed("/p/pipelines/a.py")


def test_a_module_is_where_its_file_or_its_folders_are() -> None:
    """A package without an __init__.py has folders and no file; a built-in has neither."""
    package = ModuleType("package")
    package.__path__ = ["/p/package", "/q/package"]
    assert module_paths(json) == [json.__file__]
    assert module_paths(package) == ["/p/package", "/q/package"]
    assert module_paths(sys) == []
    assert module_paths(None) == []
