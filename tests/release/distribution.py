"""Builds wheel and sdist, and tries the wheel in fresh environments.

python -m tests.release.distribution [--pythons 3.12,3.13|all] [--extras metrics,ray|all]

Without options it takes the Python that runs it, and the extras that are installed in seconds.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flowerpower import __version__
from tests.release.contents import ROOT, faults_of_sdist, faults_of_wheel
from tests.release.probes import PROBES, Installed, make_project, probe_install
from tests.release.pythons import pythons

DIST = ROOT / "dist"
LIGHT = ("postgresql", "notify", "metrics", "dashboard", "remote")
HERE = sys.version_info[:2]


def main() -> None:
    """Build, compare what is in the files, then install and try each combination."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pythons", default="", help="such as 3.12,3.13, or all that are here")
    parser.add_argument("--extras", default=",".join(LIGHT), help="names, or all")
    arguments = parser.parse_args()
    extras = list(PROBES) if arguments.extras == "all" else arguments.extras.split(",")
    programs = _chosen(arguments.pythons)
    wheel = build()
    for version, program in programs.items():
        for extra in ("", *filter(None, extras)):
            began = time.monotonic()
            try_in_fresh_environment(wheel, program, extra)
            name = f"flowerpower-cli[{extra}]" if extra else "flowerpower-cli"
            seconds = time.monotonic() - began
            print(f"Python {version[0]}.{version[1]}: {name} works ({seconds:.0f}s)", flush=True)


def _chosen(text: str) -> dict[tuple[int, int], str]:
    if not text:
        return {HERE: sys.executable}
    programs = pythons()
    if text == "all":
        return programs
    wanted = [(int(major), int(minor)) for major, minor in (v.split(".") for v in text.split(","))]
    if missing := [version for version in wanted if version not in programs]:
        here = ", ".join(f"{major}.{minor}" for major, minor in programs)
        sys.exit(f"Python {missing[0][0]}.{missing[0][1]} is not here; there are {here}.")
    return {version: programs[version] for version in wanted}


def build() -> Path:
    """Make dist/ anew; the wheel is built from the sdist. A wrong file ends the program."""
    shutil.rmtree(DIST, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "build", "--outdir", DIST, ROOT], check=True)
    (wheel,) = DIST.glob("*.whl")
    (sdist,) = DIST.glob("*.tar.gz")
    if faults := faults_of_sdist(sdist) + faults_of_wheel(wheel):
        sys.exit("\n".join(faults))
    return wheel


def try_in_fresh_environment(wheel: Path, program: str, extra: str) -> None:
    """Install the wheel with the extra, alone in a new environment, and try it."""
    with tempfile.TemporaryDirectory(prefix="flowerpower-dist-") as folder:
        environment, work = Path(folder, "environment"), Path(folder, "work")
        work.mkdir()
        subprocess.run([program, "-m", "venv", environment], check=True)
        name = f"{wheel}[{extra}]" if extra else str(wheel)
        pip = [environment / "bin" / "python", "-m", "pip"]
        quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([*pip, "install", *quiet, name], check=True, cwd=folder)
        subprocess.run([*pip, "check"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        installed = Installed(environment / "bin", work)
        if extra:
            make_project(work)
            PROBES[extra](installed)
        else:
            probe_install(installed, __version__)


if __name__ == "__main__":
    main()
