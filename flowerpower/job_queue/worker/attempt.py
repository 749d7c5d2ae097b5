"""One attempt: its claim, its child, and what it has told that is not recorded yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flowerpower.config.run import RetryConfig
from flowerpower.job_queue.worker.fork_server_client import Child
from flowerpower.jobs.claim import AttemptResult, Claim
from flowerpower.text import mask, partial_secret_length

LOG_KEPT = 1_000_000
"""Bytes of log that are held until they can be recorded, the end of it."""
RELEASED = "release"
"""Given back as if it had never been claimed."""
LEASE_LOST = "lost"
"""Given up: others may run the job by now, so nothing more is written."""


@dataclass(frozen=True)
class PendingOutput:
    """What an attempt has told since it was recorded last; `cut` bytes before `text` are gone."""

    text: bytes
    cut: int
    progress: dict[str, Any] | None

    @property
    def log(self) -> str:
        """The text without the secrets that are known, and what is missing of it said so."""
        text = mask(self.text.decode("utf-8", "backslashreplace"), named=False)
        return f"[… {self.cut} bytes left out …]\n{text}" if self.cut else text


@dataclass
class Attempt:
    """One attempt in a slot.

    `end` is how it changed its job; `given_back` says instead that it is RELEASED, that its
    LEASE_LOST, or for what reason it is lost. `stopping` is why its child is being ended.
    `began` (when it was claimed, then when its child began) and `ended` are monotonic.
    `has_begun` once the pipeline's own code may have run. `refusals` counts the writes that
    failed. What is told and not recorded is shared by two threads, under the lock of `Slots`.
    """

    claim: Claim
    began: float
    child: Child | None = None
    has_begun: bool = False
    policy: RetryConfig | None = None
    timeout: float | None = None
    stopping: str | None = None
    kill_at: float | None = None
    end: AttemptResult | None = None
    given_back: str | None = None
    ended: float | None = None
    recorded_at: float = 0.0
    refusals: int = 0
    is_dirty: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    _text: bytearray = field(default_factory=bytearray)
    _cut: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left but to record how it ended."""
        return self.end is not None or self.given_back is not None

    @property
    def node(self) -> str | None:
        """The node that ran last, as far as is known."""
        return self.progress.get("current")

    def add_log(self, text: bytes) -> None:
        """The child has printed something."""
        self._text += text
        self._trim()
        self.is_dirty = True

    def take(self) -> PendingOutput:
        """What is to be recorded now; a character or secret not whole yet waits for its rest."""
        end = len(self._text)
        if not self.is_over:
            end = _whole(self._text)
            end -= partial_secret_length(bytes(self._text[:end]))
        progress = None
        if self.progress:
            nodes = {name: {**node} for name, node in self.progress.get("nodes", {}).items()}
            progress = {**self.progress, "nodes": nodes}
        told = PendingOutput(bytes(self._text[:end]), self._cut, progress)
        del self._text[:end]
        self._cut, self.is_dirty = 0, False
        return told

    def put_back(self, told: PendingOutput) -> None:
        """It could not be recorded; it is there again, before what was printed since."""
        if self._cut:
            self._cut += told.cut + len(told.text)
        else:
            self._text[:0] = told.text
            self._cut = told.cut
            self._trim()
        self.is_dirty = True

    def _trim(self) -> None:
        too_much = len(self._text) - LOG_KEPT
        if too_much > 0:
            del self._text[:too_much]
            self._cut += too_much


def _whole(text: bytearray) -> int:
    """How much of `text` is without the beginning of a UTF-8 character at its end."""
    for back in range(1, min(3, len(text)) + 1):
        byte = text[-back]
        if byte >= 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(text) - back if back < wanted else len(text)
        if byte < 0x80:
            break
    return len(text)
