"""Files that a run reads nodes from and writes them to: the format and class for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamilton.base import DictResult, PandasDataFrameResult, ResultMixin
from hamilton.function_modifiers.adapters import resolve_adapter_class
from hamilton.graph import FunctionGraph
from hamilton.io.data_adapters import AdapterCommon
from hamilton.io.materialization import ExtractorFactory, MaterializerFactory
from hamilton.node import Node
from hamilton.registry import LOADER_REGISTRY, SAVER_REGISTRY

from flowerpower.config.run_section import FileConfig, RunConfig, SavedFileConfig
from flowerpower.errors import ConfigError, UnknownNode
from flowerpower.run import arrow_files, table_readers
from flowerpower.run.blocks import is_expander, with_items_as_list
from flowerpower.run.dag import type_text
from flowerpower.run.file_adapters import (
    PATH_FIELDS,
    STORAGE_OPTIONS,
    FileLoader,
    FileSaver,
    path_field,
)
from flowerpower.run.lazy_registries import AdapterRegistry
from flowerpower.run.urls import is_url, local_path
from flowerpower.text import did_you_mean

Registry = Mapping[str, list[type[AdapterCommon]]]
FORMATS = {
    ".csv": ("csv",), ".tsv": ("csv",), ".json": ("json",), ".xlsx": ("excel", "spreadsheet"),
    ".ndjson": ("ndjson", "json"), ".jsonl": ("ndjson", "json"), ".avro": ("avro",),
    ".parquet": ("parquet",), ".pq": ("parquet",), ".feather": ("feather",), ".arrow": ("feather",),
    ".orc": ("orc",), ".npy": ("npy",), ".pkl": ("pickle",), ".pickle": ("pickle",),
    ".xml": ("xml",), ".dta": ("stata",), ".sav": ("spss",),
    ".svg": ("plt", "plotly", "file"), ".png": ("plt", "png", "plotly", "file"),
    ".pdf": ("plt", "plotly", "file"), ".jpg": ("plt", "plotly", "file"),
    ".html": ("html", "file"), ".txt": ("file",), ".md": ("file",),
}  # fmt: skip
"""The formats that a path's suffix may mean; the first that serves the type of the node is used."""
_LINES = (".ndjson", ".jsonl")
_TABLES = ("csv", "tsv", "parquet", "excel", "feather", "orc", "html")
_OWN_FORMATS = ("pickle", "json")
"""Formats that we read and write ourselves where Hamilton has no class, or an unsafe one."""
NOT_FILES = ("hf_dataset", "mlflow")
"""Formats of Hamilton's whose path is not that of a file."""


@dataclass(frozen=True)
class Files:
    """Hamilton's factories of the nodes that read and write a run's files.

    `written` and `paths` are by the name of the node that writes: the nodes it writes, and where.
    `read_from` and `written_to` are the arguments of FileLoader by the node that is read, and those
    of FileSaver by the node that writes.
    """

    loaders: list[ExtractorFactory] = field(default_factory=list)
    savers: list[MaterializerFactory] = field(default_factory=list)
    written: dict[str, list[str]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    read_from: dict[str, dict[str, Any]] = field(default_factory=dict)
    written_to: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def factories(self) -> list[ExtractorFactory | MaterializerFactory]:
        """The factories of savers and loaders."""
        return [*self.savers, *self.loaders]


def make_files(root: Path, run: RunConfig, graph: FunctionGraph) -> Files:
    """The loaders and savers of `run.load` and `run.save`, checked against the DAG.

    Raises:
        UnknownNode: if a node does not exist.
        ConfigError: if no format serves a node's type, the format does not take an option, or a
            node to load is Parallelizable.
    """
    files = Files()
    for name, config in run.load.items():
        node = _find_node(graph, name, "run.load")
        if is_expander(node):
            raise ConfigError(
                f"{name} is Parallelizable: its items cannot be loaded from a file.",
                hint=f"Load a node that {name} takes, as a list.",
            )
        arguments = _arguments(root, config, node.type, name, LOADER_REGISTRY)
        files.read_from[name] = arguments
        files.loaders.append(ExtractorFactory(name, [FileLoader], **arguments))
    for key, configs in run.save.items():
        for number, saved in enumerate(configs, 1):
            nodes = saved.nodes or [key]
            saver_name = f"save.{key}" if number == 1 else f"save.{key}.{number}"
            combine, arguments = _saver_arguments(root, saved, nodes, graph)
            files.savers.append(
                MaterializerFactory(saver_name, [FileSaver], combine, nodes, **arguments)
            )
            files.written_to[saver_name] = arguments
            files.written[saver_name], files.paths[saver_name] = nodes, saved.path
    return files


def _saver_arguments(
    root: Path, config: SavedFileConfig, nodes: list[str], graph: FunctionGraph
) -> tuple[ResultMixin | None, dict[str, Any]]:
    """What puts `nodes` together, if they are several, and the arguments of FileSaver."""
    types = [with_items_as_list(_find_node(graph, name, "run.save").type) for name in nodes]
    value_type, combine = types[0], None
    if len(nodes) > 1:
        suffix = Path(config.path).suffix.lstrip(".").lower()
        is_table = (config.format or suffix) in _TABLES
        combine = PandasDataFrameResult() if is_table else DictResult()
        value_type = combine.output_type() if is_table else dict
    label = " and ".join(nodes)
    arguments = _arguments(root, config, value_type, label, SAVER_REGISTRY)
    return combine, {**arguments, "nodes": nodes}


def _find_node(graph: FunctionGraph, name: str, setting: str) -> Node:
    if name not in graph.nodes:
        error = UnknownNode(
            f"{setting} names {name!r}, which is not a node of the pipeline."
            f"{did_you_mean(name, graph.nodes)}",
            hint="See its nodes with `flowerpower pipeline show`.",
        )
        error.node = name
        raise error
    return graph.nodes[name]


def _absolute_path(root: Path, path: str) -> str:
    """The path, from the project's folder unless it is absolute; a URL as it is."""
    path = local_path(path)
    return path if is_url(path) else str(root / Path(path).expanduser())


def _arguments(
    root: Path, config: FileConfig, value_type: Any, label: str, registry: Registry
) -> dict[str, Any]:
    """The arguments of FileLoader or FileSaver for values of a type."""
    format_, adapter = _choose_format(config, value_type, label, registry)
    return {
        "path": _absolute_path(root, config.path),
        "root": str(root),
        "format": format_,
        "adapter": adapter,
        "options": _options(config, adapter),
    }


def _choose_format(
    config: FileConfig, value_type: Any, label: str, registry: Registry
) -> tuple[str, type[AdapterCommon] | None]:
    """The format and Hamilton's class for it; None where we read and write it ourselves."""
    suffix = Path(config.path).suffix.lower()
    candidates = (config.format,) if config.format else FORMATS.get(suffix, ())
    for format_ in candidates:
        # Never Hamilton's class for pickles: it loads whatever the file says.
        if format_ == "pickle":
            return format_, None
        adapter = resolve_adapter_class(value_type, file_classes(registry, format_, value_type))
        # A list of ours would not be one value a line.
        if adapter is not None or (format_ == "json" and suffix not in _LINES):
            return format_, adapter
    known = {*registry, *(kind.name() for kind in arrow_files.LOADERS)}
    usable = {n for n in known if resolve_adapter_class(value_type, file_classes(registry, n))}
    usable |= {*_OWN_FORMATS}
    participle = "read" if registry is LOADER_REGISTRY else "written"
    what = f"as {' or '.join(candidates)}" if candidates else f"to a file that ends in {suffix!r}"
    guess = did_you_mean(config.format, known) if config.format else ""
    raise ConfigError(
        f"{label} ({type_text(value_type)}) cannot be {participle} {what}.{guess}",
        hint=f"For its type there are the formats {', '.join(sorted(usable))}.",
    )


def file_classes(
    registry: Registry, format_: str, type_: Any = object
) -> list[type[AdapterCommon]]:
    """Hamilton's classes, and ours for Arrow tables, that read or write a file of a format.

    Of Hamilton's there may be only those that may fit the type.
    """
    own = arrow_files.LOADERS if registry is LOADER_REGISTRY else arrow_files.SAVERS
    if isinstance(registry, AdapterRegistry):
        hamiltons = registry.classes(format_, type_)
    else:
        hamiltons = registry.get(format_, [])
    classes = [*hamiltons, *(kind for kind in own if kind.name() == format_)]
    return [kind for kind in classes if format_ not in NOT_FILES and path_field(kind)]


def _options(config: FileConfig, adapter: type[AdapterCommon] | None) -> dict[str, Any]:
    """The format's options, as its class takes them."""
    names = [] if adapter is None else [option.name for option in dataclasses.fields(adapter)]
    known = [name for name in names if name not in PATH_FIELDS]
    if adapter is not None and (function := table_readers.reading_function(adapter)):
        known += table_readers.option_names(function)
    suffix = Path(config.path).suffix.lower()
    if is_url(config.path) and STORAGE_OPTIONS not in known:
        known.append(STORAGE_OPTIONS)
    for name in config.options:
        if name not in known:
            rest = did_you_mean(name, known) or f" It takes: {', '.join(known) or 'none'}."
            raise ConfigError(f"{config.path}: the format takes no option {name!r}.{rest}")
    options = dict(config.options)
    separators = [name for name in ("sep", "separator", "delimiter") if name in known]
    if suffix == ".tsv" and separators and not options.keys() & separators:
        options[separators[0]] = "\t"
    if suffix in _LINES and "lines" in known:
        options = {"orient": "records", "lines": True, **options}
    if "date_format" in known and adapter and adapter.can_save() and adapter.name() == "json":
        # Hamilton's default, times as numbers, is going away in pandas.
        options.setdefault("date_format", "iso")
    return options
