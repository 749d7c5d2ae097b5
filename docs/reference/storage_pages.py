"""The pages of SQL tables and Redis keys, from the comments of schema.sql and the Lua scripts."""

from __future__ import annotations

import re
from importlib.resources import files

from command_pages import MADE

SCHEMA = files("flowerpower.job_queue.apscheduler") / "sql" / "schema.sql"
SCRIPTS = files("flowerpower.job_queue.rq") / "lua"
_TABLE = re.compile(
    r"(?P<comment>(?:^--.*\n)*)^CREATE TABLE (?P<name>\w+) \(\n(?P<body>(?:    .*\n)*)\);",
    re.MULTILINE,
)
_COLUMN = re.compile(
    r"^    (?P<name>[a-z_]+) (?P<type>TEXT|INTEGER|BIGINT|DOUBLE PRECISION)(?P<rest>.*)$"
)


def sql_tables() -> str:
    """Each table with its comment and columns."""
    text = SCHEMA.read_text("utf-8")
    head = re.match(r"(?:--.*\n)+", text)
    lines = [
        MADE,
        "# SQL tables",
        "",
        "What the backend `apscheduler` stores in SQLite and PostgreSQL. It is no interface: read",
        "it with the commands, or in Python. Who looks into a database finds here what it means.",
        "",
        _comment(head[0] if head else ""),
        "",
    ]
    for table in _TABLE.finditer(text):
        lines += [f"## {table['name']}", ""]
        if comment := _comment(table["comment"]):
            lines += [comment, ""]
        lines += ["| Column | Type | |", "|---|---|---|"]
        key = re.search(r"PRIMARY KEY \(([^)]+)\)", table["body"])
        keys = key[1].split(", ") if key else []
        for line in table["body"].splitlines():
            if column := _COLUMN.match(line):
                notes = ["key"] if column["name"] in keys else []
                if "NOT NULL" not in column["rest"]:
                    notes.append("may be NULL")
                if default := re.search(r"DEFAULT (\S+?),?$", column["rest"]):
                    notes.append(f"by default {default[1].rstrip(',')}")
                lines.append(f"| `{column['name']}` | {column['type']} | {', '.join(notes)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _comment(text: str) -> str:
    text = " ".join(line.removeprefix("--").strip() for line in text.splitlines())
    return text.replace("<", "\\<")


def redis_keys() -> str:
    """The keys that the heads of the scripts name, under the sentences that explain them."""
    lines = [
        MADE,
        "# Redis keys",
        "",
        "What the backend `rq` stores in Redis. RQ's own tools know the keys of RQ; ours are",
        "beside them. It is no interface: read it with the commands, or in Python.",
        "",
    ]
    for file in sorted(SCRIPTS.iterdir(), key=lambda file: (file.name != "common.lua", file.name)):
        block = _key_block(file.read_text("utf-8"))
        if block:
            lines += [f"## {file.name}", "", *block, ""]
    return "\n".join(lines).rstrip() + "\n"


def _key_block(text: str) -> list[str]:
    """The comment at the head of a script, if it describes keys: prose, and keys as a block."""
    head = re.match(r"(?:--.*\n)+", text)
    comment = [line.removeprefix("--") for line in (head[0] if head else "").splitlines()]
    if not any(re.match(r"   \S", line) for line in comment):
        return []
    lines: list[str] = []
    in_keys = False
    for line in comment:
        is_key = line.startswith("   ") or (in_keys and line.startswith("    "))
        if is_key and not in_keys:
            lines += ["", "```text"]
        elif in_keys and not is_key:
            lines += ["```", ""]
        in_keys = is_key
        # Outside of a block a name in < > would be a tag of HTML.
        lines.append(line.removeprefix("   ") if is_key else line.strip().replace("<", "\\<"))
    if in_keys:
        lines.append("```")
    return "\n".join(lines).strip().replace("\n\n\n", "\n\n").splitlines()
