"""Pipelines that are drawn: an ordinary one, and one whose texts mean harm."""

from __future__ import annotations

NO_PROGRAMS: dict[str, str | None] = {"PATH": "/nonexistent"}

REPORT = '''
print("printed at import")

def rows(source_file: str) -> list[int]:
    """All rows."""

def total(rows: list[int], unit: str = "mm") -> float:
    """Their sum."""

def chart(rows: list[int], total: float) -> str:
    """A picture."""

def unused(scale: int) -> int:
    """Nobody asks for it."""
'''
REPORT_CONFIG = "run:\n  final_vars: [chart]\n"

HOSTILE = r'''
from typing import Literal
from hamilton.function_modifiers import extract_fields

@extract_fields({'"]; x [label="\\': int, "</title><script>alert(1)</script>": int, "a\x1b[31m\nb": int})
def fields() -> dict:
    """A \x1b]0;doc\x07 with "quotes", \\N, &amp; and <b onclick='x()'>HTML</b>."""

def lit(fields: dict, z: Literal["</svg><script>", 'b"c', "\u202e", "%%{init}%%"] = "") -> Literal[
    "<img src=http://evil.example onerror=alert(1)>"
]:
    """[a link](http://evil.example)"""
'''
HOSTILE_TEXTS = ('"]; x [label="\\', "</title><script>alert(1)</script>", "a\\x1b[31m\\nb")
"""The names of its nodes, as they may be shown."""
