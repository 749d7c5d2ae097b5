"""Something that is wrong, for people and for programs: what `status` and `doctor` consist of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """Work does not get done."""
    WARNING = "warning"
    """It does, but somebody should look."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong: `code` for programs, `message` and `hint` for people."""

    code: str
    level: Level
    message: str
    hint: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**vars(self), "level": str(self.level)}
