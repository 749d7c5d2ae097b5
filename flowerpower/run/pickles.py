"""Pickles of a project's own making: what is read again was written here.

Loading a pickle runs whatever it says. Each one that is written carries a signature behind its
end, where every reader of pickles stops before; one without the project's signature is not loaded.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
import secrets
from pathlib import Path
from typing import Any

from flowerpower.errors import RunFailed

KEY_FILE = Path(".flowerpower", "pickle.key")
KEY_VARIABLE = "FLOWERPOWER_PICKLE_KEY"
_MARK = b"\nflowerpower-hmac-sha256:"
_TRAILER = len(_MARK) + 64


def dump(value: Any, path: Path, root: Path) -> None:
    """Write `value` to `path`, signed with the key of the project in `root`."""
    path.write_bytes(signed(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL), root))


def load(path: Path, root: Path) -> Any:
    """The value that `dump` wrote to `path`.

    Raises:
        RunFailed: if it was not written with the key of the project in `root`.
        OSError: if it cannot be read.
    """
    content = verified(path.read_bytes(), root)
    if content is None:
        raise RunFailed(
            f"{path.name} is not a pickle that this project has written: it is not loaded.",
            hint="Loading a pickle runs what it says. Use parquet, CSV or JSON, or write it with "
            f"run.save in this project; other machines need the same {KEY_VARIABLE}.",
        )
    return pickle.loads(content)  # noqa: S301 - signed by this project


def signed(content: bytes, root: Path) -> bytes:
    """A pickle with the signature of the project in `root` behind its end."""
    return content + _MARK + _signature(content, _key(root)).encode()


def verified(content: bytes, root: Path) -> bytes | None:
    """The pickle that was `signed`; None if that was not in the project in `root`."""
    pickled, trailer = content[:-_TRAILER], content[-_TRAILER:]
    told = trailer[len(_MARK) :]
    if trailer.startswith(_MARK) and hmac.compare_digest(
        told, _signature(pickled, _key(root)).encode()
    ):
        return pickled
    return None


def _signature(content: bytes, key: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _key(root: Path) -> bytes:
    told = os.environ.get(KEY_VARIABLE)
    if told:
        return told.encode()
    file = root / KEY_FILE
    try:
        return file.read_bytes()
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(32))
    try:
        # Another run may have made one at the same time: the first one stays.
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return file.read_bytes()
