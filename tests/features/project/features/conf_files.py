"""A loader of `key = number` lines, known to Hamilton by the name conf."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamilton import registry
from hamilton.io.data_adapters import DataLoader


@dataclass
class ConfLoader(DataLoader):
    """Reads numbers by name; what begins with `comment` is skipped."""

    path: str
    comment: str = "#"

    @classmethod
    def name(cls) -> str:
        return "conf"

    @classmethod
    def applicable_types(cls) -> Collection[type]:
        return [dict]

    def load_data(self, type_: type) -> tuple[dict[str, int], dict[str, Any]]:
        """The numbers, and where they are from."""
        lines = Path(self.path).read_text(encoding="utf-8").splitlines()
        pairs = [line.split("=") for line in lines if line and not line.startswith(self.comment)]
        return {key.strip(): int(number) for key, number in pairs}, {"path": self.path}


registry.register_adapter(ConfLoader)
