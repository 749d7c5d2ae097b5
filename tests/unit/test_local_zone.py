"""The name of the machine's zone: from TZ, from a link, or from the content of a file."""

from __future__ import annotations

import os
import zoneinfo
from pathlib import Path

import pytest

from flowerpower.errors import Refused
from flowerpower.pipeline.scaffold import create_project
from flowerpower.triggers import clock
from flowerpower.triggers.local_zone import LocalZone, find_local_zone

FOLDER = next(Path(folder) for folder in zoneinfo.TZPATH if Path(folder, "Europe").is_dir())
POSIX_BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


def _machine(root: Path, localtime: bytes | str | None, timezone: str = "") -> LocalZone:
    """The zone of a machine with that content of /etc/localtime, or a link to that path."""
    (root / "etc").mkdir(exist_ok=True)
    file = root / "etc" / "localtime"
    if isinstance(localtime, bytes):
        file.write_bytes(localtime)
    elif localtime is not None:
        file.symlink_to(localtime)
    if timezone:
        (root / "etc" / "timezone").write_text(f"{timezone}\n")
    return find_local_zone(None, str(root))


@pytest.mark.parametrize(
    ("tz", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("posix/Europe/Berlin", "Europe/Berlin"),
        (f"{FOLDER}/Asia/Tokyo", "Asia/Tokyo"),
        (f":{FOLDER}/Asia/Tokyo", "Asia/Tokyo"),
        # A file of that name comes before what POSIX makes of it.
        ("EST5EDT", "EST5EDT"),
        ("UTC0", "UTC"),
        ("<-03>3", "Etc/GMT+3"),
        ("JST-9", "Etc/GMT-9"),
        ("", "UTC"),
        (":", "UTC"),
    ],
)
def test_tz_is_read_as_the_c_library_reads_it(tz: str, name: str) -> None:
    """A name, a path, a fixed offset of whole hours, or nothing, which is UTC."""
    assert find_local_zone(tz) == LocalZone(name)


@pytest.mark.parametrize(
    ("tz", "says"),
    [
        (POSIX_BERLIN, f"TZ is '{POSIX_BERLIN}', which is not the name of a time zone."),
        ("Europe/Berln", "Did you mean 'Europe/Berlin'?"),
        ("IST-5:30", "TZ is 'IST-5:30'"),
        ("JST-99", "TZ is 'JST-99'"),
        ("a\x1b[31m\0", r"TZ is 'a\\x1b[31m\\x00'"),
    ],
)
def test_a_tz_without_a_name_is_said(tz: str, says: str) -> None:
    """There is no name to store, and the sentence quotes what stands there."""
    zone = find_local_zone(tz)
    assert zone.name is None
    assert says in zone.problem


def test_a_link_names_its_zone(tmp_path: Path) -> None:
    """The name is that of the link, as the administrator chose it, and not /etc/timezone."""
    zone = _machine(tmp_path, f"{FOLDER}/Asia/Tokyo", "Europe/Berlin")
    assert zone == LocalZone("Asia/Tokyo")


def test_a_link_to_a_link_keeps_the_first_name(tmp_path: Path) -> None:
    """Alias names are often links in the zone folder itself."""
    folder = tmp_path / "zoneinfo" / "Asia"
    folder.mkdir(parents=True)
    (folder / "Tokyo").symlink_to(FOLDER / "Asia" / "Seoul")
    assert _machine(tmp_path, str(folder / "Tokyo")) == LocalZone("Asia/Tokyo")


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]
)
def test_a_copy_is_found_by_its_content(name: str, tmp_path: Path) -> None:
    """A file that was copied or mounted gets the name of the zone, not of one of its links."""
    assert _machine(tmp_path, (FOLDER / name).read_bytes()) == LocalZone(name)


def test_a_mount_over_the_target_of_a_link_is_not_named_by_the_link(tmp_path: Path) -> None:
    """As `docker run -v /etc/localtime:/etc/localtime` does in an image that is in UTC."""
    tokyo = FOLDER / "Asia" / "Tokyo"
    file = tmp_path / "zoneinfo" / "Etc" / "UTC"
    file.parent.mkdir(parents=True)
    file.write_bytes(tokyo.read_bytes())
    (tmp_path / "proc" / "self").mkdir(parents=True)
    mounts = tmp_path / "proc" / "self" / "mountinfo"
    mounts.write_text(f"91 57 254:0 {tokyo} {file} rw,relatime - ext4 /dev/vda rw\n")
    zoneinfo.reset_tzpath(to=(str(tmp_path / "zoneinfo"), *zoneinfo.TZPATH))
    try:
        assert _machine(tmp_path, str(file), "Etc/UTC") == LocalZone("Asia/Tokyo")
    finally:
        zoneinfo.reset_tzpath()


def test_of_equal_zones_the_configured_one_counts(tmp_path: Path) -> None:
    """A copy whose zone has several names has the one in /etc/timezone, if that is one of them."""
    content = (FOLDER / "UTC").read_bytes()
    assert _machine(tmp_path, content, "Etc/UTC") == LocalZone("Etc/UTC")
    find_local_zone.cache_clear()
    assert _machine(tmp_path, content, "Europe/Berlin") == LocalZone("UTC")


def test_a_copy_of_another_release_is_found_by_its_times(tmp_path: Path) -> None:
    """The container's files may be another build of the database: the times since 1970 count."""
    content = (FOLDER / "Europe" / "Berlin").read_bytes()
    # A reserved byte of the header: other bytes, the same times.
    changed = content[:5] + b"\1" + content[6:]
    assert changed not in [path.read_bytes() for path in (FOLDER / "Europe").glob("*")]
    assert _machine(tmp_path, changed) == LocalZone("Europe/Berlin")


def test_without_a_database_of_the_machine_the_package_is_used(tmp_path: Path) -> None:
    """A small image has no zone files, and gets the machine's by a mount."""
    content = (FOLDER / "Europe" / "Berlin").read_bytes()
    zoneinfo.reset_tzpath(to=())
    try:
        assert _machine(tmp_path, content) == LocalZone("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()


def test_a_file_that_is_no_known_zone_is_said(tmp_path: Path) -> None:
    """Garbage, and a zone of one's own, have no name; without any file it is UTC."""
    zone = _machine(tmp_path, b"garbage")
    assert zone.name is None
    assert "cannot be read as a time zone" in zone.problem
    find_local_zone.cache_clear()
    content = (FOLDER / "Asia" / "Tokyo").read_bytes().replace(b"JST", b"XYZ")
    assert "no zone here has the same content" in _machine(tmp_path, content).problem
    find_local_zone.cache_clear()
    (tmp_path / "etc" / "localtime").unlink()
    assert find_local_zone(None, str(tmp_path)) == LocalZone("UTC")


def test_init_asks_for_a_zone_that_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one nothing is made; UTC is nobody's guess."""
    monkeypatch.setenv("TZ", POSIX_BERLIN)
    with pytest.raises(Refused, match="time zone is not known") as caught:
        create_project(tmp_path, "a")
    assert caught.value.hint == "Name it: --timezone Europe/Berlin."
    assert os.listdir(tmp_path) == []
    project = create_project(tmp_path, "a", timezone="Europe/Berlin")
    assert "timezone: Europe/Berlin\n" in (project.root / "conf" / "project.yml").read_text()


def test_utc_in_place_of_an_unnamed_zone_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a zone is needed and the project has none, the log says that UTC is used."""
    monkeypatch.setenv("TZ", "LMT-0:53:28")
    assert [clock.local_timezone_name() for _ in range(3)] == ["UTC"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "Warning: TZ is 'LMT-0:53:28', which is not the name of a time zone. UTC is used; "
        "set timezone in conf/project.yml."
    ]
