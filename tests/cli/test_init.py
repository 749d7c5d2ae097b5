"""`flowerpower init` and the project's time zone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal import Cli

UNNAMED = "CET-1CEST,M3.5.0,M10.5.0/3"


def _zone(folder: Path) -> str:
    lines = (folder / "conf" / "project.yml").read_text().splitlines()
    return next(line.removeprefix("timezone: ") for line in lines if line.startswith("timezone"))


@pytest.mark.parametrize(("tz", "zone"), [("Asia/Tokyo", "Asia/Tokyo"), ("EST5EDT", "EST5EDT")])
def test_the_machines_zone_is_written(tz: str, zone: str, cli: Cli) -> None:
    """By its name, which every schedule of the project is in."""
    cli.run("init", "p", code=0, TZ=tz)
    assert _zone(cli.folder / "p") == zone


def test_a_zone_can_be_named(cli: Cli) -> None:
    """--timezone wins; a name that does not exist is refused with the nearest."""
    cli.run("init", "p", "--timezone", "Europe/Berlin", code=0, TZ=UNNAMED)
    assert _zone(cli.folder / "p") == "Europe/Berlin"
    ended = cli.run("init", "q", "--timezone", "Europe/Berln", code=2)
    assert "Did you mean 'Europe/Berlin'?" in ended.stderr
    assert not (cli.folder / "q").exists()


def test_a_zone_without_a_name_is_asked_for(cli: Cli) -> None:
    """On a terminal the answer is taken; where nobody can answer, nothing is made."""
    asked = cli.run_in_terminal("init", "p", columns=200, typed="Europe/Berlin\n", TZ=UNNAMED)
    assert asked.code == 0, asked
    assert f"TZ is '{UNNAMED}', which is not the name of a time zone." in asked.stderr
    assert _zone(cli.folder / "p") == "Europe/Berlin"
    for ended in (
        cli.run("init", "q", code=8, TZ=UNNAMED),
        cli.run_in_terminal("init", "q", columns=200, typed="\n", TZ=UNNAMED),
    ):
        assert ended.code == 8
        assert "Name it: --timezone Europe/Berlin." in ended.stderr
    assert not (cli.folder / "q").exists()


def test_utc_in_place_of_a_zone_without_a_name_is_said(cli: Cli) -> None:
    """Where a project names no zone, a command that shows or stores times says what it uses."""
    (cli.folder / "conf").mkdir()
    (cli.folder / "conf" / "project.yml").write_text("name: demo\n")
    shown = cli.run("schedule", "preview", "--cron", "@daily", "--json", code=0, TZ=UNNAMED)
    assert shown.json["timezone"] == "UTC"
    assert shown.stderr.count("UTC is used; set timezone in conf/project.yml.") == 1


def test_a_project_inside_another_is_said(cli: Cli) -> None:
    """As by `init` once more in the new folder; one beside another is nothing to speak of."""
    assert "lies inside" not in cli.run("init", "outer", "--timezone", "UTC", code=0).stderr
    inside = Cli(cli.folder / "outer", cli.home)
    said = inside.run("init", "outer", "--timezone", "UTC", code=0).stderr
    assert f"It lies inside another project, {cli.folder / 'outer'}, which does not see it." in said
