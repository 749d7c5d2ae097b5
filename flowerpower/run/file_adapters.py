"""The loader and the saver of a run's files, around Hamilton's classes for the formats."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamilton.io.data_adapters import DataLoader, DataSaver

from flowerpower.atomic_files import replacement
from flowerpower.config.files import describe
from flowerpower.errors import FlowerpowerError, InvalidInputs, RunFailed
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.run import pickles
from flowerpower.run.conversion import convert_value
from flowerpower.run.dag import type_text

PATH_FIELDS = ("path", "filepath_or_buffer", "path_or_buffer", "buf", "io")
"""What Hamilton's classes call the path of their file."""


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
        names = {option.name for option in dataclasses.fields(self.adapter)}
        path_field = next(name for name in PATH_FIELDS if name in names)
        return self.adapter(**{path_field: path}, **options)


@dataclass
class FileLoader(_FileAdapter, DataLoader):  # type: ignore[misc] # Hamilton has no types
    """Reads a node's value from a file."""

    def load_data(self, type_: Any) -> tuple[Any, dict[str, Any]]:
        """The value, and the format and path as Hamilton's metadata.

        Raises:
            InvalidInputs: if a JSON file holds another type than the node declares.
            RunFailed: if the file cannot be read.
        """
        metadata = {"format": self.format, "path": self.path}
        try:
            if self.format == "pickle":
                return pickles.load(Path(self.path), Path(self.root)), metadata
            if self.adapter is None:
                return self._load_json(type_), metadata
            return self.at_path(self.path, **self.options).load_data(type_)[0], metadata
        except FlowerpowerError:
            raise
        except Exception as error:
            raise self.failure(f"{self.path} cannot be read", error) from error

    def _load_json(self, type_: Any) -> Any:
        with open(self.path, encoding="utf-8") as stream:
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
        if "://" in self.path:
            self._write(data, self.path)
            return self._record(size=0)
        target = Path(self.path)
        if target.is_symlink():
            # Replacing the link itself would leave the file that it points to as it was.
            target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replacement(target) as temporary:
                self._write(data, str(temporary))
        except FlowerpowerError:
            raise
        except Exception as error:
            what = f"{' and '.join(self.nodes)} cannot be written to {self.path}"
            raise self.failure(what, error) from error
        return self._record(target.stat().st_size)

    def _record(self, size: int) -> dict[str, Any]:
        return {"nodes": self.nodes, "format": self.format, "path": self.path, "size": size}

    def _write(self, data: Any, path: str) -> None:
        if self.format == "pickle":
            pickles.dump(data, Path(path), Path(self.root))
        elif self.adapter is None:
            _write_json(data, path, self.nodes)
        else:
            has_index = self.format != "csv" or not _has_default_index(data)
            options = {} if has_index else {"index": False}
            self.at_path(path, **options | self.options).save_data(data)


def _write_json(value: Any, path: str, nodes: list[str]) -> None:
    outputs, notes = encode_outputs({"value": value}, limit=sys.maxsize)
    reasons = [note["note"] for note in notes if note["note"].startswith("summarised")]
    if reasons:
        raise RunFailed(f"{' and '.join(nodes)} cannot be written as JSON: {reasons[0]}.")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(outputs["value"], stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def _has_default_index(table: Any) -> bool:
    """Whether a table's index is the plain 0, 1, 2 …, which carries no information."""
    import pandas as pd

    index = getattr(table, "index", None)
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
