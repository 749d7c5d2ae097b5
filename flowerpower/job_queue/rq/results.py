"""The end of an attempt as RQ's stream of results has it, both ways; RQ reads it as its own.

A result in that stream is what RQ's JSONSerializer writes: nothing here is ever unpickled.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from flowerpower.job_queue import records
from flowerpower.jobs.claim import AttemptResult
from flowerpower.text import mask

ERROR_LIMIT = 200_000
"""Characters of an error that are unpacked: whoever may write to Redis may send a zlib bomb."""
_LAST_LINE = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?\Z", re.M | re.S)
_TRACEBACK = "Traceback (most recent call last):"
_KINDS = {"Work-horse terminated": "ProcessDied", "AbandonedJobError": "WorkerLost"}
"""What RQ says where no exception was raised, and what we call it."""
_NO_SUMMARY = json.dumps({"notes": []})
"""The summary of most results."""
_UNREADABLE = "DeserializationError"


def entry_of(end: AttemptResult) -> dict[str, str]:
    """The fields of an entry, without those that only a script knows: type, worker, execution.

    The outputs alone are what RQ's users call the return value; the rest of our result is beside
    it, in a field that RQ does not know.
    """
    entry: dict[str, str] = {}
    if end.error is not None:
        entry["exc_string"] = packed(error_text(end.error))
    if end.result is not None:
        summary = {**end.result}
        outputs = json.dumps(summary.pop("outputs", {}))
        entry["return_value"] = base64.b64encode(outputs.encode()).decode()
        entry["fp_summary"] = _NO_SUMMARY if summary == {"notes": []} else json.dumps(summary)
    return entry


def packed(text: str) -> str:
    """A text as RQ keeps an exception."""
    content = zlib.compress(text.encode("utf-8", "backslashreplace"))
    return base64.b64encode(content).decode()


def error_text(error: Mapping[str, Any]) -> str:
    """What RQ's tools show of an error: its traceback, or else one line."""
    traceback = error.get("traceback")
    if isinstance(traceback, str) and traceback:
        return traceback
    return f"{error.get('type')}: {error.get('message')}"


def result_of(entry: Mapping[bytes, bytes]) -> str | None:
    """Our result as JSON, from an entry of ours; a text that is no JSON if it is damaged."""
    value = entry.get(b"return_value")
    if value is None or b"fp_summary" not in entry:
        return None
    try:
        outputs = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return "damaged"
    summary = entry[b"fp_summary"].decode("utf-8", "backslashreplace")
    # As text: a result may be large, and whoever reads it parses it once.
    rest = summary.removeprefix("{").strip()
    return f'{{"outputs": {outputs}{"" if rest == "}" else ", "}{rest}'


def error_of(entry: Mapping[bytes, bytes]) -> str:
    """The error, as JSON, of a job that RQ's own worker or tools have ended without us."""
    text = _unpacked(entry.get(b"exc_string", b"")) or "RQ's own tools have ended it"
    error = {"code": "run_failed", "node": None, **_parsed(mask(text))}
    if str(error["type"]).endswith(_UNREADABLE):
        error["message"] = "RQ's worker cannot read the job with its serializer."
        error["hint"] = (
            "Start it without --serializer, or use `flowerpower job-queue start-worker`."
        )
    return records.as_json(error) or ""


def _unpacked(value: bytes) -> str:
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(value), ERROR_LIMIT)
    except (binascii.Error, zlib.error, ValueError):
        return ""
    return content.decode("utf-8", "backslashreplace").strip()


def _parsed(text: str) -> dict[str, str]:
    """Type and message in what RQ keeps of an exception, with the traceback if there is one."""
    if _TRACEBACK not in text:
        kinds = [kind for words, kind in _KINDS.items() if words in text]
        return {"type": kinds[0] if kinds else "EndedByRq", "message": text}
    last = text.rpartition(_TRACEBACK)[2]
    # Of a traceback only frames are indented; a message may have many lines.
    match = next(_LAST_LINE.finditer(last.lstrip("\n")), None)
    kind, message = (match["type"], match["message"] or "") if match else ("Exception", last)
    return {"type": kind, "message": message, "traceback": text}
