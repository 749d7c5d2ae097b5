from __future__ import annotations

import os
import pickle
import stat
import threading
from pathlib import Path

import numpy
import pytest

from flowerpower.errors import RunFailed
from flowerpower.pipeline import PipelineManager
from flowerpower.run import pickles
from tests.conftest import MakeProject


class Bomb:
    """What writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """A value comes back, and other readers of pickles can read the file too."""
    file = tmp_path / "value.pkl"
    pickles.dump({"a": (1, 2)}, file, tmp_path)
    assert pickles.load(file, tmp_path) == {"a": (1, 2)}
    assert pickle.loads(file.read_bytes()) == {"a": (1, 2)}


@pytest.mark.fault("forged-pickle", on="any")
def test_a_foreign_pickle_is_not_loaded(tmp_path: Path) -> None:
    """What a pickle of others says is not run."""
    file, mark = tmp_path / "value.pkl", tmp_path / "mark"
    file.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(RunFailed, match="not a pickle that this project has written"):
        pickles.load(file, tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize("is_array", [True, False])
def test_numpys_format_is_read_without_pickles(
    make_project: MakeProject, tmp_path: Path, is_array: bool
) -> None:
    """Neither an array of objects is loaded, nor a pickle that is called so."""
    root = make_project(
        p=("", "import numpy as np\n\n\ndef numbers() -> np.ndarray:\n    return np.zeros(1)\n")
    )
    file, mark = root / "numbers.npy", tmp_path / "mark"
    if is_array:
        numpy.save(file, numpy.array([Bomb(mark)], dtype=object), allow_pickle=True)
    else:
        file.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(RunFailed, match="cannot be read as npy") as refused:
        PipelineManager(root, quiet=True).run("p", load={"numbers": file})
    assert "allow_pickle=" in str(refused.value.__cause__)
    assert not mark.exists()


def test_a_changed_pickle_is_not_loaded(tmp_path: Path) -> None:
    """Every byte of it counts, and a signature cannot be carried over to another."""
    file, mark = tmp_path / "value.pkl", tmp_path / "mark"
    pickles.dump([1, 2, 3], file, tmp_path)
    signed = file.read_bytes()
    for position in range(len(signed)):
        file.write_bytes(signed[:position] + bytes([signed[position] ^ 1]) + signed[position + 1 :])
        with pytest.raises(RunFailed):
            pickles.load(file, tmp_path)
    trailer = signed[-(len(signed) - signed.rindex(b"\nflowerpower")) :]
    file.write_bytes(pickle.dumps(Bomb(mark)) + trailer)
    with pytest.raises(RunFailed):
        pickles.load(file, tmp_path)
    assert not mark.exists()


def test_another_project_cannot_write_for_this_one(tmp_path: Path) -> None:
    """Each project has a key of its own."""
    file, other = tmp_path / "value.pkl", tmp_path / "other"
    other.mkdir()
    pickles.dump(1, file, other)
    with pytest.raises(RunFailed):
        pickles.load(file, tmp_path)


def test_machines_can_share_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same key in the environment, what one wrote another reads."""
    file, other = tmp_path / "value.pkl", tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv(pickles.KEY_VARIABLE, "a key for both")
    pickles.dump(1, file, other)
    assert pickles.load(file, tmp_path) == 1
    monkeypatch.setenv(pickles.KEY_VARIABLE, "another key")
    with pytest.raises(RunFailed):
        pickles.load(file, tmp_path)


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else may read the key's file, and many that make one at once have the same."""
    threads = [
        threading.Thread(target=pickles.dump, args=(each, tmp_path / f"{each}.pkl", tmp_path))
        for each in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    key = tmp_path / pickles.KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [pickles.load(tmp_path / f"{each}.pkl", tmp_path) for each in range(8)] == list(range(8))
    assert [path.name for path in key.parent.iterdir()] == [key.name]
