"""The loader and the saver of a run's files, around Hamilton's classes for the formats."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamilton.io.data_adapters import AdapterCommon, DataLoader, DataSaver

from flowerpower.config.validation import describe
from flowerpower.errors import FlowerpowerError, InvalidInputs, RunFailed
from flowerpower.files.atomic import replacement
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.run import pickles, table_readers
from flowerpower.run.conversion import convert_value
from flowerpower.run.dag import type_text
from flowerpower.run.urls import fetched, is_url, reads_url, sent

PATH_FIELDS = (
    "path", "file", "source", "filepath_or_buffer", "path_or_buffer", "path_or_buf", "buf", "io",
    "workbook",
)  # fmt: skip
"""What Hamilton's classes call the path of their file."""
STORAGE_OPTIONS = "storage_options"
"""The option that every format has at a URL: what fsspec takes for its scheme."""


def path_field(adapter: type[AdapterCommon]) -> str | None:
    """What Hamilton's class calls the path of its file; None if it needs something else."""
    # Not get_required_arguments: it evaluates annotations, and those for polars' Excel files fail.
    fields = {field.name: field for field in dataclasses.fields(adapter)}
    found = next((name for name in PATH_FIELDS if name in fields), None)
    unset = dataclasses.MISSING
    required = [n for n, f in fields.items() if f.default is unset and f.default_factory is unset]
    return found if {*required} <= {found} else None


@dataclass
class _FileAdapter:
    """A file at an absolute `path` or URL in a format; `adapter` is Hamilton's class for it."""

    path: str
    root: str
    format: str
    adapter: Any
    options: dict[str, Any]

    @classmethod
    def applicable_types(cls) -> Collection[Any]:
        return [Any]  # the class for the type has been chosen before

    @classmethod
    def name(cls) -> str:
        return "flowerpower"

    def failure(self, what: str, error: Exception) -> RunFailed:
        """The error for a file that cannot be read or written, and what to install, if known."""
        hint = None
        if isinstance(error, ImportError) and error.name:
            hint = f"Install it with `pip install {error.name}`."
        return RunFailed(f"{what} as {self.format}.", hint=hint)

    def at_path(self, path: str, **options: Any) -> Any:
        """An instance of Hamilton's class for the file at a path."""
        return self.adapter(**{str(path_field(self.adapter)): path}, **options)


@dataclass
class FileLoader(_FileAdapter, DataLoader):  # type: ignore[misc] # Hamilton has no types
    """Reads a node's value from a file."""

    def load_data(self, type_: Any) -> tuple[Any, dict[str, Any]]:
        """The value, and the format and path as Hamilton's metadata.

        Raises:
            InvalidInputs: if a JSON file holds another type than the node declares.
            RunFailed: if the file cannot be read.
        """
        options = dict(self.options)
        try:
            with contextlib.ExitStack() as stack:
                path = self.path
                if is_url(path) and not reads_url(path, self.adapter):
                    path = stack.enter_context(fetched(path, options.pop(STORAGE_OPTIONS, {})))
                value = self._load(path, type_, options)
        except FlowerpowerError:
            raise
        except Exception as error:
            raise self.failure(f"{self.path} cannot be read", error) from error
        return value, {"format": self.format, "path": self.path}

    def _load(self, path: str, type_: Any, options: dict[str, Any]) -> Any:
        if self.format == "pickle":
            return pickles.load(Path(path), Path(self.root))
        if self.adapter is None:
            return self._load_json(path, type_)
        if function := table_readers.reading_function(self.adapter):
            return table_readers.read(function, path, options)
        return self.at_path(path, **options).load_data(type_)[0]

    def _load_json(self, path: str, type_: Any) -> Any:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
        try:
            return convert_value(value, type_)
        except ValueError as error:
            raise InvalidInputs(
                f"{self.path} holds {describe(value)}, where {type_text(type_)} is declared.",
                details=[str(error)] if str(error) else [],
            ) from None


@dataclass
class FileSaver(_FileAdapter, DataSaver):  # type: ignore[misc] # Hamilton has no types
    """Writes the value of `nodes` to a file, whole or not at all."""

    nodes: list[str]

    def save_data(self, data: Any) -> dict[str, Any]:
        """Write the file; the fields of its FileRecord.

        Raises:
            RunFailed: if it cannot be written.
        """
        options = dict(self.options)
        try:
            with self._file(options) as path:
                self._write(data, path, options)
                size = Path(path).stat().st_size
        except FlowerpowerError:
            raise
        except Exception as error:
            what = f"{' and '.join(self.nodes)} cannot be written to {self.path}"
            raise self.failure(what, error) from error
        return {"nodes": self.nodes, "format": self.format, "path": self.path, "size": size}

    @contextlib.contextmanager
    def _file(self, options: dict[str, Any]) -> Iterator[str]:
        """A path to write to, which takes its place when the block has ended well."""
        if is_url(self.path):
            with sent(self.path, options.pop(STORAGE_OPTIONS, {})) as path:
                yield path
            return
        target = Path(self.path)
        if target.is_symlink():
            # Replacing the link itself would leave the file that it points to as it was.
            target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacement(target) as temporary:
            yield str(temporary)

    def _write(self, data: Any, path: str, options: dict[str, Any]) -> None:
        if self.format == "pickle":
            pickles.dump(data, Path(path), Path(self.root))
        elif self.adapter is None:
            _write_json(data, path, self.nodes)
        else:
            options = _writing_options(self.adapter, data) | options
            self.at_path(path, **options).save_data(data)


def _write_json(value: Any, path: str, nodes: list[str]) -> None:
    outputs, notes = encode_outputs({"value": value}, limit=sys.maxsize)
    reasons = [note["note"] for note in notes if note["note"].startswith("summarised")]
    if reasons:
        raise RunFailed(f"{' and '.join(nodes)} cannot be written as JSON: {reasons[0]}.")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(outputs["value"], stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def _writing_options(adapter: Any, data: Any) -> dict[str, Any]:
    """The options of a table of pandas where Hamilton's defaults do not fit."""
    names = {field.name for field in dataclasses.fields(adapter)}
    options: dict[str, Any] = {}
    if type(data).__module__.partition(".")[0] != "pandas":
        return options
    for name in {"index", "write_index"} & names:
        # Formats with this option cannot say that a column is an index: it would come back as one.
        options[name] = not _has_default_index(data)
    if adapter.name() == "parquet":
        # pandas 3 warns of Hamilton's "auto".
        is_there = importlib.util.find_spec("pyarrow") is not None
        options["engine"] = "pyarrow" if is_there else "fastparquet"
    return options


def _has_default_index(table: Any) -> bool:
    """Whether a table's index is the plain 0, 1, 2 …, which carries no information."""
    import pandas as pd

    index = table.index
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
