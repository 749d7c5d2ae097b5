"""Writes the pages and schemas of this folder that come from the code: `make reference`.

A test compares what is committed with what `files()` returns.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import command_pages  # noqa: E402 - of this folder
import schemas  # noqa: E402
import storage_pages  # noqa: E402


def files() -> dict[str, str]:
    """The content of each generated file, by its name in this folder."""
    return {
        "cli.md": command_pages.commands(),
        "errors.md": command_pages.errors(),
        "sql-tables.md": storage_pages.sql_tables(),
        "redis-keys.md": storage_pages.redis_keys(),
        **{f"schema/{name}.json": text for name, text in schemas.texts().items()},
    }


def main() -> None:
    """Write all of them."""
    for name, content in files().items():
        target = HERE / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(content, encoding="utf-8")
        print(f"Wrote {name}.")


if __name__ == "__main__":
    main()
