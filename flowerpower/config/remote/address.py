"""Addresses of remote projects: what is one, what may be shown of it, and its storage options."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from flowerpower.errors import ConfigError
from flowerpower.text import is_secret_name, mask, remember_password, remember_secret, visible

OPTIONS_VARIABLE = "FLOWERPOWER_STORAGE_OPTIONS"
_SECRET_OPTION = re.compile(r"(^|_)(key|sas|pass|auth)($|_)|connection_string", re.I)
"""Options of fsspec's packages that hold secrets, besides those of `is_secret_name`."""
_GITHUB = "github://"


def absolute(url: str) -> str:
    """The URL with a path on this machine made absolute: the folders of a source depend on it."""
    links = url.split("::")
    scheme, separator, path = links[-1].rpartition("://")
    is_word = re.fullmatch(r"[a-z0-9]+", links[-1]) is not None
    if scheme in ("file", "local") or not (separator or is_word):
        links[-1] = f"file://{os.path.abspath(os.path.expanduser(path))}"
    return "::".join(links)


def storage_options(given: Mapping[str, Any] | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """The options for fsspec: those given, or else the JSON of FLOWERPOWER_STORAGE_OPTIONS.

    Texts among them that may be secrets are masked in every output from now on.

    Raises:
        ConfigError: if that is no JSON object; its text is not shown.
    """
    options: Any = given
    if options is None:
        try:
            options = json.loads(environ.get(OPTIONS_VARIABLE) or "{}")
        except (ValueError, RecursionError):
            options = None
    if not isinstance(options, Mapping):
        raise ConfigError(
            f"{OPTIONS_VARIABLE} is no JSON object.",
            hint='For example {"key": "…", "secret": "…", "endpoint_url": "https://…"}',
        )
    _remember_secrets(options)
    return dict(options)


def _is_secret(name: object) -> bool:
    text = str(name)
    return is_secret_name(text) or _SECRET_OPTION.search(text) is not None


def _remember_secrets(options: Mapping[Any, Any], *, all_of_them: bool = False) -> None:
    for name, value in options.items():
        is_secret = all_of_them or _is_secret(name)
        if isinstance(value, Mapping):
            _remember_secrets(value, all_of_them=is_secret)
        elif is_secret and isinstance(value, str):
            remember_secret(value)


def shown(url: str) -> str:
    """The URL as people may see it: without passwords and tokens, on one line."""
    return visible("::".join(_shown_link(link) for link in url.split("::")))


def _shown_link(link: str) -> str:
    if link.startswith(_GITHUB):
        # `github://ORG:REPO@REF`: what stands where others have a password is no secret.
        return mask(link)
    remember_password(link)
    return mask(link)


def key_of(url: str, options: Mapping[str, Any]) -> str:
    """A name for the folders of a source, the same for all of its versions.

    It depends on options such as an endpoint, and on none that may be a secret: nothing that one
    could be guessed from is written to the disk.
    """
    public = _public(options)
    identity = json.dumps([shown(url.rstrip("/")), public], sort_keys=True, default=repr)
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{name_of(url)}-{digest}"


def _public(options: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): _public(value) if isinstance(value, Mapping) else value
        for name, value in options.items()
        if not _is_secret(name)
    }


def name_of(url: str) -> str:
    """A name for a project whose conf/project.yml has none: the last part of its address."""
    for link in url.split("::"):
        last = link.partition("?")[0].partition("://")[2].rstrip("/").rpartition("/")[2]
        if link.startswith(_GITHUB) and ":" in last:
            last = last.partition(":")[2].partition("@")[0]
        # Not what stands before the @ of a host: it may be a password.
        name = re.sub(r"\.(zip|tar|tgz|gz)$", "", last.rpartition("@")[2])
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:60].strip("_-")
        if name:
            return name
    return "project"
