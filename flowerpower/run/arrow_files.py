"""Loaders and savers of Arrow tables, in the form of Hamilton's, which has none for them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hamilton.io.data_adapters import DataLoader, DataSaver

from flowerpower.errors import RunFailed
from flowerpower.jobs.encoding import encode_outputs


@dataclass
class _ArrowFile:
    """A file of one table; `module` of pyarrow reads and writes its format."""

    path: str
    format: ClassVar[str]
    module_name: ClassVar[str]

    @classmethod
    def name(cls) -> str:
        return cls.format

    @classmethod
    def applicable_types(cls) -> Collection[Any]:
        # Who declares a table has imported pyarrow; who does not must not wait for it.
        pyarrow = sys.modules.get("pyarrow")
        return [] if pyarrow is None else [pyarrow.Table]

    @property
    def module(self) -> Any:
        return importlib.import_module(self.module_name)


@dataclass
class _Loader(_ArrowFile, DataLoader):  # type: ignore[misc] # Hamilton has no types
    columns: list[str] | None = None

    def load_data(self, type_: Any) -> tuple[Any, dict[str, Any]]:
        table = self._read()
        return table if self.columns is None else table.select(self.columns), {}

    def _read(self) -> Any:
        return self.module.read_table(self.path, columns=self.columns)


@dataclass
class _Saver(_ArrowFile, DataSaver):  # type: ignore[misc] # Hamilton has no types
    def save_data(self, data: Any) -> dict[str, Any]:
        self._write(data)
        return {}

    def _write(self, table: Any) -> None:
        self.module.write_table(table, self.path)


@dataclass
class _Csv(_ArrowFile):
    format, module_name = "csv", "pyarrow.csv"


@dataclass
class CsvLoader(_Csv, _Loader):
    """Reads CSV."""

    delimiter: str = ","

    def _read(self) -> Any:
        options = self.module.ParseOptions(delimiter=self.delimiter)
        return self.module.read_csv(self.path, parse_options=options)


@dataclass
class CsvSaver(_Csv, _Saver):
    """Writes CSV."""

    delimiter: str = ","
    include_header: bool = True

    def _write(self, table: Any) -> None:
        options = self.module.WriteOptions(
            delimiter=self.delimiter, include_header=self.include_header
        )
        self.module.write_csv(table, self.path, options)


@dataclass
class _Parquet(_ArrowFile):
    format, module_name = "parquet", "pyarrow.parquet"


@dataclass
class ParquetLoader(_Parquet, _Loader):
    """Reads Parquet."""

    def _read(self) -> Any:
        # Not read_table: it makes a column of a folder that is called `year=2026`.
        with self.module.ParquetFile(self.path) as file:
            return file.read(columns=self.columns)


@dataclass
class ParquetSaver(_Parquet, _Saver):
    """Writes Parquet."""

    compression: str = "snappy"

    def _write(self, table: Any) -> None:
        self.module.write_table(table, self.path, compression=self.compression)


@dataclass
class _Feather(_ArrowFile):
    format, module_name = "feather", "pyarrow.feather"


@dataclass
class FeatherLoader(_Feather, _Loader):
    """Reads Feather, which is Arrow's own format."""


@dataclass
class FeatherSaver(_Feather, _Saver):
    """Writes Feather."""

    compression: str | None = None

    def _write(self, table: Any) -> None:
        self.module.write_feather(table, self.path, compression=self.compression)


@dataclass
class _Orc(_ArrowFile):
    format, module_name = "orc", "pyarrow.orc"


@dataclass
class OrcLoader(_Orc, _Loader):
    """Reads ORC."""


@dataclass
class OrcSaver(_Orc, _Saver):
    """Writes ORC."""


@dataclass
class _Json(_ArrowFile):
    format, module_name = "json", "pyarrow"


@dataclass
class JsonLoader(_Json, _Loader):
    """Reads a list of rows."""

    def _read(self) -> Any:
        return self.module.Table.from_pylist(json.loads(Path(self.path).read_text("utf-8")))


@dataclass
class JsonSaver(_Json, _Saver):
    """Writes a list of rows."""

    def _write(self, table: Any) -> None:
        Path(self.path).write_text(f"[{', '.join(_rows(table))}]\n", encoding="utf-8")


@dataclass
class _Lines(_ArrowFile):
    format, module_name = "ndjson", "pyarrow.json"


@dataclass
class LinesLoader(_Lines, _Loader):
    """Reads one row a line."""

    def _read(self) -> Any:
        return self.module.read_json(self.path)


@dataclass
class LinesSaver(_Lines, _Saver):
    """Writes one row a line."""

    def _write(self, table: Any) -> None:
        Path(self.path).write_text("".join(f"{row}\n" for row in _rows(table)), encoding="utf-8")


def _rows(table: Any) -> list[str]:
    """The rows as JSON: times as ISO 8601 text, NaN as null.

    Raises:
        RunFailed: if a column has no JSON form, such as bytes.
    """
    outputs, notes = encode_outputs({"rows": table.to_pylist()}, limit=sys.maxsize)
    for note in notes:
        if note["note"].startswith("summarised"):
            raise RunFailed(f"The table cannot be written as JSON: {note['note']}.")
    return [json.dumps(row, ensure_ascii=False) for row in outputs["rows"]]


LOADERS = (CsvLoader, ParquetLoader, FeatherLoader, OrcLoader, JsonLoader, LinesLoader)
SAVERS = (CsvSaver, ParquetSaver, FeatherSaver, OrcSaver, JsonSaver, LinesSaver)
