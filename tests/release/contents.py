"""What wheel and sdist must hold: the files that git tracks, and nothing else."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("flowerpower", "flowerpower_cli")
EXAMPLE = "examples/weather/"
SHARED = {
    "completions/flowerpower.bash": "share/bash-completion/completions/flowerpower",
    "completions/_flowerpower": "share/zsh/site-functions/_flowerpower",
    "completions/flowerpower.fish": "share/fish/vendor_completions.d/flowerpower.fish",
}
_MADE_BY_THE_BUILD = {"PKG-INFO"}


def tracked() -> set[str]:
    """The files of the repository, without those that are deleted and not yet committed."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name for name in text.split("\0") if name and (ROOT / name).exists()}


def faults_of_sdist(file: Path) -> list[str]:
    """One sentence for each file that is missing or does not belong there."""
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    return _differences(file.name, names - _MADE_BY_THE_BUILD, tracked())


def faults_of_wheel(file: Path) -> list[str]:
    """The same, for the files of the packages, the example and the shell completions."""
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
    distribution = "-".join(file.name.split("-")[:2])
    expected = {f"{distribution}.dist-info/licenses/LICENSE"}
    for name in tracked():
        if name.partition("/")[0] in PACKAGES:
            expected.add(name)
        elif name.startswith(EXAMPLE):
            expected.add(f"flowerpower/{name}")
    expected |= {f"{distribution}.data/data/{place}" for place in SHARED.values()}
    metadata = ("METADATA", "WHEEL", "RECORD", "entry_points.txt")
    return _differences(
        file.name, names - {f"{distribution}.dist-info/{name}" for name in metadata}, expected
    )


def _differences(file: str, names: set[str], expected: set[str]) -> list[str]:
    missing = [f"{file} lacks {name}." for name in sorted(expected - names)]
    return missing + [f"{file} should not hold {name}." for name in sorted(names - expected)]
