"""Servers that no extra of this project brings: from PATH, from a wheel, or from a Debian package."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

MISSING = "not on PATH, and apt-get could not fetch it; install {package}, or run `apt-get update`"


def of_wheel(package: str, program: str) -> str:
    """The path of a program in the folder `bin` of an installed Python package."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed; it is in the extra `integrations`"
    assert spec.origin is not None
    path = Path(spec.origin).parent / "bin" / program
    # The wheels leave it to their own code to set this.
    path.chmod(0o755)
    return str(path)


@cache
def of_debian(program: str, *packages: str) -> tuple[str, dict[str, str]]:
    """The path of a program, and the variables that it needs.

    Fetched as any user may, without installing it: that would start a service.
    """
    if path := shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
        return path, {}
    folder = Path(tempfile.mkdtemp(prefix="flowerpower-debian-"))
    folder.chmod(0o755)
    libraries = [name for package in packages for name in _libraries(package)]
    fetched = subprocess.run(
        ["apt-get", "download", "-qq", *packages, *libraries],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    archives = list(folder.glob("*.deb"))
    assert archives, f"{program}: {MISSING.format(package=packages[0])}\n{fetched.stderr}"
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, folder], check=True, timeout=60)
        archive.unlink()
    found = [folder / part / program for part in ("usr/bin", "usr/sbin")]
    paths = {str(library.parent) for library in folder.rglob("*.so.*")}
    environ = {"LD_LIBRARY_PATH": ":".join(sorted(paths))}
    return next(str(path) for path in found if path.exists()), environ


def _libraries(package: str) -> list[str]:
    """The libraries that a package names; the one of C is the machine's own."""
    shown = subprocess.run(
        ["apt-cache", "depends", package], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    names = re.findall(r"^\s+Depends: (lib[\w.+-]+)$", shown, re.MULTILINE)
    return [name for name in names if name != "libc6"]
