"""Addresses of remote projects: names, secrets, and what cannot be opened."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowerpower.config.project_source import find_source
from flowerpower.config.remote import address
from flowerpower.config.remote.source import RemoteSource
from flowerpower.errors import (
    ConfigError,
    FlowerpowerError,
    UsageError,
)
from flowerpower.text import MASK, mask


def test_secrets_of_options_and_addresses_are_nowhere(homes: Path) -> None:
    """Neither in messages nor in a name or a file that is written."""
    options = {"key": "AKIA-hidden", "secret": "hidden-too", "s3": {"sas_token": "also-hidden"}}
    url = "memory://user:pa55word@host/demo"
    opened = RemoteSource(url, options, environ={})
    with pytest.raises(FlowerpowerError) as raised:
        opened.root()
    said = f"{raised.value} {opened.shown} {address.key_of(url, options)} {vars(raised.value)}"
    for secret in ("AKIA-hidden", "hidden-too", "also-hidden", "pa55word"):
        assert secret not in said
        assert mask(f"it is {secret}") == f"it is {MASK}"
    assert address.key_of(url, {"endpoint": "a"}) != address.key_of(url, {"endpoint": "b"})
    for shown in (address.shown, mask):
        assert shown("github://org:repo@main/x") == "github://org:repo@main/x"
        assert shown("ftp://me:wordpass@main/x") == f"ftp://me:{MASK}@main/x"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("zip://::demo.zip", "zip://::file://{}/demo.zip"),
        ("zip::demo.zip", "zip::file://{}/demo.zip"),
        ("zip://::file://demo.zip", "zip://::file://{}/demo.zip"),
        ("file://demo", "file://{}/demo"),
        ("file:///srv/demo", "file:///srv/demo"),
        ("zip://::s3://bucket/demo.zip", "zip://::s3://bucket/demo.zip"),
        ("zip::memory", "zip::memory"),
    ],
)
def test_a_path_on_this_machine_is_absolute(
    url: str, whole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text in another folder is another project."""
    monkeypatch.chdir(tmp_path)
    assert address.absolute(url) == whole.format(tmp_path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/team/demo/", "demo"),
        ("github://org:repo@v1", "repo"),
        ("github://org:repo@v1/sub", "sub"),
        ("zip://::s3://bucket/demo.zip", "demo"),
        ("ftp://user:word@host", "host"),
        ("memory://", "project"),
    ],
)
def test_a_project_without_a_name_has_that_of_its_address(url: str, name: str) -> None:
    """Never a part that may be a password."""
    assert address.name_of(url) == name


@pytest.mark.parametrize(
    ("url", "environ", "message"),
    [
        ("memry://demo", {}, r"fsspec knows no memry://\. Did you mean 'memory'"),
        ("s3://bucket/demo", {}, "s3:// needs another package: Install s3fs"),
        ("memory://x", {"FLOWERPOWER_STORAGE_OPTIONS": "[1]"}, "is no JSON object"),
        ("memory://x", {"FLOWERPOWER_STORAGE_OPTIONS": "{secret"}, "is no JSON object"),
        ("memory://x", {"FLOWERPOWER_LOOK_EVERY": "often"}, "FLOWERPOWER_LOOK_EVERY"),
        ("memory://no-such-project", {}, "is not a project"),
    ],
)
def test_what_cannot_be_opened_is_said(url: str, environ: dict[str, str], message: str) -> None:
    """With what is wrong, and never with the text of the options."""
    with pytest.raises(ConfigError, match=message) as raised:
        RemoteSource(url, environ=environ).root()
    assert "{secret" not in str(raised.value)


def test_without_fsspec_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every package that is optional."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError) as raised:
        RemoteSource("memory://x", environ={}).root()
    assert "flowerpower-cli[remote]" in str(raised.value.hint)


def test_options_for_a_folder_are_an_error(tmp_path: Path) -> None:
    """They would do nothing there."""
    with pytest.raises(UsageError, match="storage_options="):
        find_source(tmp_path, {}, {"key": "x"})
