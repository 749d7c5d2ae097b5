"""Configurations that are read before a run: a fork server's, for its next children."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowerpower.config.overrides import RunOverrides
from flowerpower.errors import ConfigError
from flowerpower.pipeline.kept_configurations import Configuration, KeptConfigurations
from flowerpower.text import known_secrets, set_known_secrets


class Site:
    """A project, and what a process keeps of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = KeptConfigurations()
        (root / "conf" / "pipelines").mkdir(parents=True)
        (root / "conf" / "project.yml").write_text("name: site\n")

    def write(self, yaml: str) -> None:
        (self.root / "conf" / "pipelines" / "main.yml").write_text(yaml)
        # ctime cannot be set: only time makes a file old.
        time.sleep(0.03)

    def read_ahead(self, **inputs: Any) -> None:
        self.kept.read_ahead(str(self.root), "main", RunOverrides(inputs=inputs))

    def get(self, **inputs: Any) -> Configuration:
        return self.kept.get(str(self.root), "main", RunOverrides(inputs=inputs))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    before = known_secrets()
    set_known_secrets([])
    yield Site(tmp_path)
    set_known_secrets(before)


@pytest.mark.parametrize("for_last_run", [True, False])
def test_a_run_finds_what_was_read_ahead(site: Site, for_last_run: bool) -> None:
    """Whatever the values of its inputs are."""
    site.write("run: {inputs: {x: 3}}\n")
    site.read_ahead(x=None)
    site.kept.for_last_run = for_last_run
    read = site.get(x=5)
    assert not site.kept.has_read
    assert read.pipeline.config.run.inputs == {"x": 3}
    assert (read.graphs is None) is for_last_run


def test_a_run_reads_what_was_edited_or_asked_for_otherwise(site: Site) -> None:
    """What was read ahead is no more than a guess."""
    site.write("run: {inputs: {x: 3}}\n")
    site.read_ahead(x=None)
    site.get(y=1)
    assert site.kept.has_read
    site.write("run: {inputs: {x: 4}}\n")
    assert site.get(x=1).pipeline.config.run.inputs == {"x": 4}
    assert site.kept.has_read


def test_a_variable_that_has_changed_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that changes its environment ends in its own child, but a kept one goes on."""
    monkeypatch.setenv("WHAT", "one")
    site.write("run: {inputs: {x: '${WHAT}'}}\n")
    site.read_ahead()
    monkeypatch.setenv("WHAT", "two")
    assert site.get().pipeline.config.run.inputs == {"x": "two"}
    assert site.kept.has_read


def test_a_kept_child_gets_a_copy_of_what_a_run_can_change(site: Site) -> None:
    """A fork server's own is never changed; the last run may do as it likes."""
    site.write("run: {inputs: {x: [1]}}\n")
    site.read_ahead()
    site.get().pipeline.config.run.inputs["x"].append(2)
    assert site.get().pipeline.config.run.inputs == {"x": [1]}
    assert not site.kept.has_read


def test_secrets_are_known_to_the_runs_that_use_them_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result of another pipeline is not masked because one has been read ahead."""
    monkeypatch.setenv("DB_PASSWORD", "hunter22")
    site.write("run: {inputs: {x: '${DB_PASSWORD}'}}\n")
    site.read_ahead()
    assert known_secrets() == []
    site.get()
    assert not site.kept.has_read
    assert known_secrets() == ["hunter22"]


def test_what_cannot_be_read_is_said_by_the_run(site: Site) -> None:
    """And it is read again as soon as it can be."""
    site.write("run: {inpust: {}}\n")
    for read in (site.read_ahead, site.get):
        with pytest.raises(ConfigError, match="inpust"):
            read()
    assert not site.kept.has_read
    site.write("run: {inputs: {}}\n")
    site.get()
    assert site.kept.has_read


def test_a_file_that_was_just_written_is_not_kept(site: Site) -> None:
    """Another write might leave its times as they are."""
    site.write("run: {inputs: {x: 1}}\n")
    path = site.root / "conf" / "pipelines" / "main.yml"
    for number in range(20):
        path.write_text(f"run: {{inputs: {{x: {number}}}}}\n")
        assert site.get().pipeline.config.run.inputs == {"x": number}


def test_the_machines_zone_is_that_of_now(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that names none has the zone of the variable TZ."""
    site.write("run: {}\n")
    zones = "Europe/Berlin", "Asia/Tokyo", "Asia/Tokyo"
    for zone in zones:
        monkeypatch.setenv("TZ", zone)
        assert site.get().timezone == zone
