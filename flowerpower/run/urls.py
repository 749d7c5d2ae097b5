"""Files at URLs such as s3://bucket/table.csv, by fsspec and what is installed for it."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flowerpower.text import did_you_mean

HTTP = ("http", "https")
_SCAN_SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "hf", *HTTP)
_OWN_SCHEMES = {"pandas": ("ftp", *HTTP), "polars": HTTP, "polars_lazyframe": _SCAN_SCHEMES}
"""By Hamilton's name of a library: what it reads without fsspec."""


def is_url(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def local_path(path: str) -> str:
    """The path of a file:// URL; any other path as it is."""
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def reads_url(url: str, loader: Any) -> bool:
    """Whether a library reads a URL itself, from the path that a class of Hamilton's has."""
    library = _library(loader)
    if library == "polars":
        # What is read at once comes by fsspec: the same options then read it and write it.
        return hasattr(loader, "storage_options") and _scheme(url) in HTTP
    return hasattr(loader, "storage_options") and library in _OWN_SCHEMES


def _library(loader: Any) -> str:
    module = "" if loader is None else str(loader.__module__)
    name = module.removeprefix("hamilton.plugins.").removesuffix("_extensions")
    return "polars" if name.startswith("polars_p") else name


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def url_fault(url: str, adapter: Any, *, is_written: bool) -> str | None:
    """Why a URL cannot be read or written here, and what to install; None if it can.

    Neither the network nor any credentials are tried.
    """
    scheme = _scheme(url)
    if is_written and scheme in HTTP:
        return f"{url} can only be read: files are not written to {scheme}://"
    if not is_written and reads_url(url, adapter):
        if scheme in _OWN_SCHEMES[_library(adapter)]:
            return None
        if _library(adapter) == "polars_lazyframe":
            return f"{url}: polars scans no {scheme}://, only {', '.join(_SCAN_SCHEMES)}"
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        return f"{url} needs the package fsspec: `pip install fsspec`"
    try:
        fsspec.get_filesystem_class(scheme.partition("::")[0])
    except ImportError as error:
        return f"{url}: {error}"
    except ValueError:
        guess = did_you_mean(scheme, fsspec.available_protocols())
        return f"{url}: fsspec knows no {scheme}://.{guess}"
    return None


@contextlib.contextmanager
def fetched(url: str, storage_options: dict[str, Any]) -> Iterator[str]:
    """The path of a temporary copy of the file at a URL."""
    with _temporary(url) as path:
        file_system, remote = _file_system(url, storage_options)
        file_system.get_file(remote, path)
        yield path


@contextlib.contextmanager
def sent(url: str, storage_options: dict[str, Any]) -> Iterator[str]:
    """A path to write to; the file there is sent to the URL at the end."""
    with _temporary(url) as path:
        yield path
        file_system, remote = _file_system(url, storage_options)
        file_system.put_file(path, remote)


@contextlib.contextmanager
def _temporary(url: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="flowerpower-") as folder:
        # Writers go by the suffix.
        yield str(Path(folder, f"file{Path(urlsplit(url).path).suffix}"))


def _file_system(url: str, storage_options: dict[str, Any]) -> tuple[Any, str]:
    core = importlib.import_module("fsspec.core")
    file_system, remote = core.url_to_fs(url, **storage_options)
    return file_system, remote
