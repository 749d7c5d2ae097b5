"""How sending a notice may fail."""

from __future__ import annotations


class NotSent(Exception):
    """A notice that did not arrive, and why, in a phrase without secrets.

    `retry_after` is how many seconds its receiver asks to wait before the next try.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
