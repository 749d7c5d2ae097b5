import os
from pathlib import Path

import pytest

from flowerpower.files.atomic import replacement, write_file


def test_a_file_is_written_by_the_umask_and_keeps_the_mode_it_has(tmp_path: Path) -> None:
    """A new file has the mode that the umask leaves; one that is replaced keeps its own."""
    target = tmp_path / "a.txt"
    before = os.umask(0o027)
    try:
        write_file(target, b"new")
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o400)
    write_file(target, b"newer")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"newer", 0o400)
    assert list(tmp_path.iterdir()) == [target]


def test_what_raises_leaves_the_file_and_nothing_beside_it(tmp_path: Path) -> None:
    """The target stays as it is, and the new file goes, whatever ends the writing."""
    target = tmp_path / "table.csv.gz"
    target.write_bytes(b"old")

    def write_half(error: type[BaseException]) -> None:
        with replacement(target) as fresh:
            assert fresh.suffix == ".gz"
            fresh.write_bytes(b"half")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            write_half(error)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
