"""The text of each script: its file in lua/, behind what it calls of the functions there.

Redis makes all functions of a script anew at each call, and each takes the longer, the more values
of the script such functions use. So a script has those functions alone that it names, and those
that they name in turn; those in RARE are made at their first call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flowerpower.job_queue import records
from flowerpower.job_queue.rq.fields import CONSTANT_FIELDS, flat_of
from flowerpower.jobs.chain import ENDS_MET, AfterCondition, not_met_error
from flowerpower.jobs.counter import BOUNDS
from flowerpower.jobs.job import MAX_WORKER_LOSSES

FRAME = ("common", "permissions", "queue_order", "rq_tools", "limits", "chains", "adding",
         "concurrency", "observing", "ending")  # fmt: skip
"""The files of functions that scripts may call, in the order in which a script has them."""
RARE = frozenset({
    "add_job_event", "append_log", "block", "cancel_job", "clear_expiry",
    "delete_job", "drop_parked", "end_children", "enqueue", "expire", "first_parked",
    "first_with_room", "insert_at", "note_gone", "note_loss", "park", "parked_of", "read_job",
    "release_unique", "repair", "replace_jobs", "requeue", "set_concurrency", "settle_parent",
    "unique_holder", "unpark", "wait_for_parents",
})  # fmt: skip
"""Functions that most calls of a script need not."""
_STATEMENT = re.compile(r"^(?=(?:local|function|if)\b|[A-Za-z_]\w* = )", re.M)
_COMMENT = re.compile(r"^ *--.*\n", re.M)
# Not a field of a table, nor a text that begins so.
_WORD = re.compile(r"(?<![.'\w])[A-Za-z_]\w*")
_DEFINED = re.compile(r"(?:local )?function (\w+)|local ([\w, ]+)|(\w+) = ")


@dataclass(frozen=True)
class _Statement:
    """A statement of a file in lua/, the names that it defines, and all words in it."""

    text: str
    names: tuple[str, ...]
    words: frozenset[str]

    @property
    def is_declaration(self) -> bool:
        """Whether it only says that these names are there, for what uses them before they are."""
        return self.text.strip() == f"local {', '.join(self.names)}"

    def declaring(self, names: Iterable[str]) -> str:
        """Its text; a declaration has those of its names alone."""
        if not self.is_declaration:
            return self.text
        declared = [name for name in self.names if name in names]
        return f"local {', '.join(declared)}\n" if declared else ""


@lru_cache(maxsize=64)
def script_text(name: str) -> str:
    """The text of `lua/NAME.lua` as Redis takes it."""
    return with_functions(_lua(name))


def with_functions(script: str) -> str:
    """A script with all functions of FRAME that it may call."""
    statements = _statements()
    own = {word for one in statements if not one.names for word in one.words}
    used, rare = _used(own | _words(script), RARE)
    parts = [f"local {', '.join(rare)}\n"] if rare else []
    parts += [one.declaring(used) for one in statements if not one.names or used & {*one.names}]
    if rare:
        parts += ["local function make_rare()\n", _made_rarely(used, rare), "end\n"]
        parts += [
            f"function {name}(...)\n    make_rare()\n    return {name}(...)\nend\n" for name in rare
        ]
    return "".join((*parts, script))


def _made_rarely(used: set[str], rare: list[str]) -> str:
    """The definitions of what is `rare`, and of what only these use."""
    needed = _used(rare, ())[0] - used
    texts = []
    for one in _statements():
        if needed & {*one.names}:
            text = one.declaring(needed - {*rare})
            # It is declared outside, where it stands for itself until now.
            is_known = one.names[0] in rare and text.startswith("local function")
            texts.append(text.removeprefix("local ") if is_known else text)
    return "".join(texts)


def _used(words: Iterable[str], rare: Iterable[str]) -> tuple[set[str], list[str]]:
    """The names that are used where these are, in turn, up to those that are `rare`; and these."""
    uses: dict[str, set[str]] = {}
    for one in _statements():
        for name in one.names:
            uses.setdefault(name, set()).update(one.words)
    used: set[str] = set()
    later: set[str] = set()
    pending = [word for word in words if word in uses]
    while pending:
        name = pending.pop()
        if name in rare:
            later.add(name)
        elif name not in used:
            used.add(name)
            pending += uses[name] & uses.keys()
    return used, sorted(later)


@lru_cache(maxsize=1)
def _statements() -> list[_Statement]:
    text = "".join((_constants(), *map(_lua, FRAME)))
    parts = _STATEMENT.split(_COMMENT.sub("", text))
    return [_Statement(part, _names(part), _words(part)) for part in parts if part.strip()]


def _names(statement: str) -> tuple[str, ...]:
    if not (match := _DEFINED.match(statement)):
        return ()
    return tuple(next(filter(None, match.groups())).strip().split(", "))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _constants() -> str:
    """What the functions need to know that stands in Python."""
    # By condition and end of a parent: true, or the error of its child.
    law = {
        condition: {
            end: end in met or not_met_error(condition, "PARENT", end)
            for end in ENDS_MET[AfterCondition.END]
        }
        for condition, met in ENDS_MET.items()
    }
    fields = ", ".join(f"'{text}'" for text in flat_of(CONSTANT_FIELDS))
    return (
        f"local chain_law = [==[{json.dumps(law)}]==]\n"
        f"local BOUNDS = {{{', '.join(map(str, BOUNDS))}}}\n"
        f"local LOG_LIMIT = {records.LOG_LIMIT}\n"
        f"local MAX_WORKER_LOSSES = {MAX_WORKER_LOSSES}\n"
        f"local function constant_fields(...) return {fields}, ... end\n"
    )


def _lua(name: str) -> str:
    # Not `importlib.resources`, whose import takes longer than all that is read.
    return (Path(__file__).parent / "lua" / f"{name}.lua").read_text("utf-8")
