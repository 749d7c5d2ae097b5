"""Pickles signed with the project's key.

Loading a pickle runs any code that it names, so only pickles that this project wrote are loaded.
The signature is appended behind the pickle's end, where other readers of pickles do not look.
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
_SIGNATURE_MARK = b"\nflowerpower-hmac-sha256:"
_TRAILER_LENGTH = len(_SIGNATURE_MARK) + 64


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
            hint="Loading a pickle runs the code in it. Use parquet, CSV or JSON, or write it with "
            f"run.save in this project; other machines need the same {KEY_VARIABLE}.",
        )
    return pickle.loads(content)  # noqa: S301 - signed by this project


def signed(content: bytes, root: Path) -> bytes:
    """The pickle with the signature of the project in `root` appended."""
    return content + _trailer(content, root)


def verified(content: bytes, root: Path) -> bytes | None:
    """The pickle without its signature; None if that is not one of the project in `root`."""
    pickled, trailer = content[:-_TRAILER_LENGTH], content[-_TRAILER_LENGTH:]
    if not trailer.startswith(_SIGNATURE_MARK):
        return None
    return pickled if hmac.compare_digest(trailer, _trailer(pickled, root)) else None


def _trailer(content: bytes, root: Path) -> bytes:
    return _SIGNATURE_MARK + hmac.new(_key(root), content, hashlib.sha256).hexdigest().encode()


def _key(root: Path) -> bytes:
    """The project's key; its file is created if there is none."""
    if key := os.environ.get(KEY_VARIABLE):
        return key.encode()
    file = root / KEY_FILE
    try:
        return file.read_bytes()
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(32))
    try:
        # Another run may have created it at the same time. A link, unlike a rename, fails then, so
        # that the first key stays: the other run may have signed with it already.
        os.link(temporary, file)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return file.read_bytes()
