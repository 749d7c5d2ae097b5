"""Whether a run can read and write its files, before anything runs."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flowerpower.errors import ConfigError, MissingInputs
from flowerpower.run.files import Files
from flowerpower.run.urls import is_url, url_fault

_READING = {
    ("pandas", "parquet"): ("pyarrow", "fastparquet"),
    ("pandas", "feather"): ("pyarrow",),
    ("pandas", "orc"): ("pyarrow",),
    ("pandas", "excel"): ("openpyxl",),
    ("pandas", "xml"): ("lxml",),
    ("pandas", "html"): ("lxml", "bs4"),
    ("pandas", "spss"): ("pyreadstat",),
    ("polars", "spreadsheet"): ("fastexcel",),
}
"""By library and format: the packages of which the library needs one."""
_WRITING = {
    **_READING,
    ("pandas", "excel"): ("openpyxl", "xlsxwriter"),
    ("pandas", "html"): (),
    ("polars", "spreadsheet"): ("xlsxwriter",),
    ("plotly", "plotly"): ("kaleido",),
}
_CHOICES = ("engine", "parser", "flavor")
"""Options that choose another package."""


def check_files(files: Files, nodes: Collection[str]) -> None:
    """Check packages, URLs and folders of the files to read `nodes` from, and of those to write.

    Raises:
        ConfigError: with every file that cannot be read or written.
    """
    faults = [
        f"{name}: {fault}"
        for name, arguments in files.read_from.items()
        if name in nodes
        for fault in _faults(arguments, is_written=False)
    ]
    for saver, saved in files.written.items():
        arguments = files.written_to[saver]
        faults += [f"{' and '.join(saved)}: {x}" for x in _faults(arguments, is_written=True)]
    counts = Counter(files.written_to[saver]["path"] for saver in files.written)
    faults += [f"{path} is written {n} times" for path, n in counts.items() if n > 1]
    if faults:
        files_cannot = "1 file cannot" if len(faults) == 1 else f"{len(faults)} files cannot"
        raise ConfigError(f"{files_cannot} be read or written:", details=faults)


def check_files_exist(files: Files, nodes: Collection[str]) -> None:
    """Check that the files to read `nodes` from exist; URLs are not looked at.

    Raises:
        MissingInputs: naming all that do not.
    """
    paths = {name: files.read_from[name]["path"] for name in files.read_from if name in nodes}
    missing = [
        f"{name}: there is no file {path}"
        for name, path in paths.items()
        if not is_url(path) and not Path(path).is_file()
    ]
    if missing:
        files_are = "files to load are" if len(missing) > 1 else "file to load is"
        raise MissingInputs(
            f"{len(missing)} {files_are} missing:",
            details=missing,
            hint="Paths in YAML are relative to the project's folder, those of --load to yours.",
        )


def _faults(arguments: dict[str, Any], *, is_written: bool) -> list[str]:
    """Why a file with these arguments of FileLoader or FileSaver cannot be read or written."""
    path, adapter = arguments["path"], arguments["adapter"]
    faults = []
    if not any(choice in arguments["options"] for choice in _CHOICES):
        faults.append(_package_fault(arguments["format"], adapter, is_written=is_written))
    if is_url(path):
        faults.append(url_fault(path, adapter, is_written=is_written))
    elif is_written:
        faults.append(_target_fault(Path(path)))
    return [fault for fault in faults if fault]


def _package_fault(format_: str, adapter: Any, *, is_written: bool) -> str | None:
    """The package that a format needs and that is not installed."""
    library = "" if adapter is None else adapter.__module__.rpartition(".")[2].partition("_")[0]
    packages = (_WRITING if is_written else _READING).get((library, format_), ())
    if not packages or any(map(importlib.util.find_spec, packages)):
        return None
    return f"{format_} needs the package {packages[0]}: `pip install {packages[0]}`"


def _target_fault(target: Path) -> str | None:
    """Why no file can be written at a path."""
    if target.is_dir():
        return f"{target} is a folder"
    folder = target.resolve().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is a file, not a folder"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"{folder} cannot be written to"
