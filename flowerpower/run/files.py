"""Files that a run reads nodes from and writes them to, through Hamilton's materializers."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamilton import base, graph
from hamilton.function_modifiers.adapters import resolve_adapter_class
from hamilton.io.data_adapters import AdapterCommon, DataLoader, DataSaver
from hamilton.io.materialization import ExtractorFactory, MaterializerFactory
from hamilton.registry import LOADER_REGISTRY, SAVER_REGISTRY

from flowerpower.atomic_files import replacement
from flowerpower.config.faults import describe
from flowerpower.config.run import FileConfig, RunConfig, SavedFileConfig
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    InvalidInputs,
    MissingInputs,
    RunFailed,
    UnknownNode,
)
from flowerpower.jobs.encoding import encode_outputs
from flowerpower.run import pickles
from flowerpower.run.dag import type_text
from flowerpower.run.inputs import fit
from flowerpower.text import did_you_mean

FORMATS = {
    ".csv": ("csv",),
    ".tsv": ("csv",),
    ".parquet": ("parquet",),
    ".pq": ("parquet",),
    ".json": ("json",),
    ".pkl": ("pickle",),
    ".pickle": ("pickle",),
    ".xlsx": ("excel",),
    ".feather": ("feather",),
    ".arrow": ("feather",),
    ".orc": ("orc",),
    ".npy": ("npy",),
    ".html": ("html", "file"),
    ".svg": ("plt", "file"),
    ".png": ("plt", "file"),
    ".pdf": ("plt", "file"),
    ".jpg": ("plt", "file"),
    ".txt": ("file",),
    ".md": ("file",),
}
"""What a path's suffix may mean, depending on the type of the node."""
_PATH_FIELDS = ("path", "filepath_or_buffer", "path_or_buffer", "buf", "io")
_TABLES = ("csv", "tsv", "parquet", "excel", "feather", "orc", "html")


@dataclass(frozen=True)
class Files:
    """What makes Hamilton read and write a run's files.

    `written` are the nodes that are written, and `paths` where to, by what writes them.
    """

    loaders: list[ExtractorFactory] = field(default_factory=list)
    savers: list[MaterializerFactory] = field(default_factory=list)
    written: dict[str, list[str]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> list[ExtractorFactory | MaterializerFactory]:
        """All of them, for Hamilton."""
        return [*self.savers, *self.loaders]


def make_files(root: Path, run: RunConfig, fn_graph: graph.FunctionGraph) -> Files:
    """The loaders and savers of `run.load` and `run.save`, checked against the DAG.

    Raises:
        UnknownNode: if a node does not exist.
        ConfigError: if no format serves a node's type.
    """
    loaders, savers = [], []
    written: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for name, config in run.load.items():
        node = _node(fn_graph, name, "run.load")
        told, cls = _adapter(config, node.type, name, LOADER_REGISTRY, "read")
        loaders.append(
            ExtractorFactory(
                name, [PlacedLoader], place=_place(root, config), root=str(root), format=told,
                adapter=cls, options=_options(config, cls),
            )
        )  # fmt: skip
    for key, configs in run.save.items():
        for number, saved in enumerate(configs, 1):
            nodes = saved.nodes or [key]
            identifier = f"save.{key}" if number == 1 else f"save.{key}.{number}"
            savers.append(_saver(root, saved, nodes, identifier, fn_graph))
            written[identifier], paths[identifier] = nodes, saved.path
    return Files(loaders, savers, written, paths)


def check_there(root: Path, load: Mapping[str, FileConfig]) -> None:
    """The files that nodes are to be read from are there.

    Raises:
        MissingInputs: with all that are not.
    """
    places = {name: _place(root, config) for name, config in load.items()}
    missing = [
        f"{name}: there is no file {place}"
        for name, place in places.items()
        if "://" not in place and not Path(place).is_file()
    ]
    if missing:
        count = f"{len(missing)} file{'s' if len(missing) > 1 else ''}"
        raise MissingInputs(
            f"{count} to load {'are' if len(missing) > 1 else 'is'} missing:",
            details=missing,
            hint="Paths in YAML are relative to the project's folder, those of --load to yours.",
        )


def _saver(
    root: Path,
    config: SavedFileConfig,
    nodes: list[str],
    identifier: str,
    fn_graph: graph.FunctionGraph,
) -> MaterializerFactory:
    for name in nodes:
        _node(fn_graph, name, "run.save")
    combined = None
    type_ = fn_graph.nodes[nodes[0]].type
    if len(nodes) > 1:
        suffix = Path(config.path).suffix.lstrip(".").lower()
        as_table = (config.format or suffix) in _TABLES
        combined = base.PandasDataFrameResult() if as_table else base.DictResult()
        type_ = combined.output_type() if as_table else dict
    told, cls = _adapter(config, type_, " and ".join(nodes), SAVER_REGISTRY, "write")
    return MaterializerFactory(
        identifier, [PlacedSaver], combined, nodes, place=_place(root, config), root=str(root),
        format=told, adapter=cls, options=_options(config, cls), nodes=nodes,
    )  # fmt: skip


def _node(fn_graph: graph.FunctionGraph, name: str, where: str) -> Any:
    node = fn_graph.nodes.get(name)
    if node is None:
        error = UnknownNode(
            f"{where} names {name!r}, which is no node of the pipeline."
            f"{did_you_mean(name, fn_graph.nodes)}",
            hint="See its nodes with `flowerpower pipeline show`.",
        )
        error.node = name
        raise error
    return node


def _place(root: Path, config: FileConfig) -> str:
    path = config.path
    return path if "://" in path else str(root / Path(path).expanduser())


def _adapter(
    config: FileConfig,
    type_: Any,
    name: str,
    registry: Mapping[str, list[type[AdapterCommon]]],
    verb: str,
) -> tuple[str, type[AdapterCommon] | None]:
    """The format and the class of Hamilton's for it; None where we do it ourselves.

    Raises:
        ConfigError: if there is none, with those that there are.
    """
    suffix = Path(config.path).suffix.lower()
    told = (config.format,) if config.format else FORMATS.get(suffix, ())
    serving = sorted(each for each, classes in registry.items() if _serving(classes, type_))
    serving = [each for each in serving if each not in ("memory", "literal", "environment", "sql")]
    serving = sorted({*serving, "pickle", "json"})
    for each in told:
        if each == "pickle":
            return each, None
        cls = _serving(registry.get(each, []), type_)
        if cls is not None or each == "json":
            return each, cls
    what = f"as {' or '.join(told)}" if told else f"to a file that ends in {suffix!r}"
    guess = did_you_mean(config.format, registry) if config.format else ""
    raise ConfigError(
        f"{name} ({type_text(type_)}) cannot be {'written' if verb == 'write' else 'read'} "
        f"{what}.{guess}",
        hint=f"For its type there are the formats {', '.join(serving)}.",
    )


def _serving(classes: Iterable[type[AdapterCommon]], type_: Any) -> type[AdapterCommon] | None:
    found: type[AdapterCommon] | None = resolve_adapter_class(type_, list(classes))
    return found


def _options(config: FileConfig, cls: type[AdapterCommon] | None) -> dict[str, Any]:
    """The format's options as its class takes them.

    Raises:
        ConfigError: naming the option that it does not take.
    """
    known = [] if cls is None else [each.name for each in dataclasses.fields(cls)]
    known = [each for each in known if each not in _PATH_FIELDS]
    for name in config.options:
        if name not in known:
            rest = did_you_mean(name, known) or f" It takes: {', '.join(known) or 'none'}."
            raise ConfigError(f"{config.path}: the format takes no option {name!r}.{rest}")
    options = dict(config.options)
    if config.path.lower().endswith(".tsv") and "sep" in known:
        options.setdefault("sep", "\t")
    if "date_format" in known and cls is not None and cls.can_save() and cls.name() == "json":
        # Hamilton's default, times as numbers, is going away in pandas.
        options.setdefault("date_format", "iso")
    return options


def _made(adapter: type[Any], place: str, options: dict[str, Any]) -> Any:
    names = [each.name for each in dataclasses.fields(adapter)]
    key = next(each for each in _PATH_FIELDS if each in names)
    return adapter(**{key: place}, **options)


@dataclass
class _Placed:
    """A file at a `place` in a format, whose class in Hamilton is settled."""

    place: str
    root: str
    format: str
    adapter: Any
    options: dict[str, Any]

    @classmethod
    def applicable_types(cls) -> Collection[Any]:
        """Any: which class serves the type is settled before."""
        return [Any]

    @classmethod
    def name(cls) -> str:
        """What Hamilton calls it."""
        return "flowerpower"


@dataclass
class PlacedLoader(_Placed, DataLoader):  # type: ignore[misc] # Hamilton has no types
    """Reads a file with the loader for its format."""

    def load_data(self, type_: Any) -> tuple[Any, dict[str, Any]]:
        """The value and what there is to tell of its file."""
        told = {"format": self.format, "path": self.place}
        try:
            if self.format == "pickle":
                return pickles.load(Path(self.place), Path(self.root)), told
            if self.adapter is None:
                return self._json(type_), told
            return _made(self.adapter, self.place, self.options).load_data(type_)[0], told
        except FlowerpowerError:
            raise
        except Exception as error:
            raise RunFailed(
                f"{self.place} cannot be read as {self.format}.", hint=_what_lacks(error)
            ) from error

    def _json(self, type_: Any) -> Any:
        """A JSON value as the node declares it."""
        with open(self.place, encoding="utf-8") as stream:
            value = json.load(stream)
        try:
            return fit(value, type_)
        except ValueError:
            raise InvalidInputs(
                f"{self.place} holds {describe(value)}, where {type_text(type_)} is declared."
            ) from None


@dataclass
class PlacedSaver(_Placed, DataSaver):  # type: ignore[misc] # Hamilton has no types
    """Writes a file with the saver for its format, whole or not at all."""

    nodes: list[str]

    def save_data(self, data: Any) -> dict[str, Any]:
        """What there is to tell of the file, as `FileRecord` has it."""
        if "://" in self.place:
            self._write(data, self.place)
            return {"nodes": self.nodes, "format": self.format, "path": self.place, "size": 0}
        target = Path(self.place)
        if target.is_symlink():
            target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with replacement(target) as fresh:
                self._write(data, str(fresh))
        except FlowerpowerError:
            raise
        except Exception as error:
            raise RunFailed(
                f"{' and '.join(self.nodes)} cannot be written to {self.place} as {self.format}.",
                hint=_what_lacks(error),
            ) from error
        size = target.stat().st_size
        return {"nodes": self.nodes, "format": self.format, "path": self.place, "size": size}

    def _write(self, data: Any, place: str) -> None:
        if self.format == "pickle":
            pickles.dump(data, Path(place), Path(self.root))
        elif self.adapter is None:
            _write_json(data, place, self.nodes)
        else:
            options = dict(self.options)
            if self.format == "csv" and "index" not in options and _is_numbered(data):
                options["index"] = False
            _made(self.adapter, place, options).save_data(data)


def _what_lacks(error: Exception) -> str | None:
    """What to install, if that is what stands in the way."""
    if isinstance(error, ImportError) and error.name:
        return f"Install it with `pip install {error.name}`."
    return None


def _write_json(value: Any, place: str, nodes: list[str]) -> None:
    outputs, notes = encode_outputs({"value": value}, limit=sys.maxsize)
    reasons = [each["note"] for each in notes if each["note"].startswith("summarised")]
    if reasons:
        raise RunFailed(f"{' and '.join(nodes)} cannot be written as JSON: {reasons[0]}.")
    with open(place, "w", encoding="utf-8") as stream:
        json.dump(outputs["value"], stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def _is_numbered(data: Any) -> bool:
    """Whether a table's index is the plain 0, 1, 2 …, which says nothing."""
    import pandas as pd

    index = getattr(data, "index", None)
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
