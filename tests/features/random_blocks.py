"""Random pipelines of Parallelizable blocks, and what a plain loop in Python makes of them.

`python -m tests.features.random_blocks FOLDER` runs all pipelines of the project in FOLDER, with
each of EXECUTORS, and prints the outputs as JSON.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

EXECUTORS = ("synchronous", "threadpool")
HEAD = """\
from hamilton.htypes import Collect, Parallelizable

from tests.features.random_blocks import combined as _combined
from tests.features.random_blocks import items as _items

"""


@dataclass
class RandomDag:
    """A DAG of numbers: what each node takes and collects, and which block it is in."""

    takes: dict[str, list[str]] = field(default_factory=dict)
    collects: dict[str, str] = field(default_factory=dict)
    expanders: list[str] = field(default_factory=list)
    blocks: dict[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, int]:
        """The values of all nodes outside of the blocks, by a plain loop."""
        values: dict[str, int] = {}
        for name, takes in self.takes.items():
            if name in self.blocks or name in self.expanders:
                continue
            numbers = [values[need] for need in takes]
            if name in self.collects:
                collected = self.collects[name]
                block = self.blocks.get(collected, collected)
                for item in items(combined(block, [values[need] for need in self.takes[block]])):
                    inside = {**values, block: item}
                    for member, needs in self.takes.items():
                        if self.blocks.get(member) == block and set(needs) <= inside.keys():
                            inside[member] = combined(member, [inside[need] for need in needs])
                    numbers.append(inside[collected])
            values[name] = combined(name, numbers)
        return values

    def module(self, chance: random.Random) -> str:
        """The functions, in an order that says nothing."""
        nodes = [self._function(name, chance) for name in self.takes]
        chance.shuffle(nodes)
        return HEAD + "".join(nodes)

    def _function(self, name: str, chance: random.Random) -> str:
        takes, collected = self.takes[name], self.collects.get(name)
        parameters, numbers = [f"{need}: int" for need in takes], list(takes)
        if collected is not None:
            parameters.insert(chance.randrange(len(takes) + 1), f"{collected}: Collect[int]")
            numbers.append(f"*{collected}")
        value, returns = f"_combined({name!r}, [{', '.join(numbers)}])", "int"
        if name in self.expanders:
            value, returns = f"_items({value})", "Parallelizable[int]"
        return f"def {name}({', '.join(parameters)}) -> {returns}:\n    return {value}\n\n"


def items(number: int) -> list[int]:
    """From none to three numbers."""
    return [number + position for position in range(number % 4)]


def combined(name: str, numbers: list[int]) -> int:
    """A number that changes with the name, the numbers and their order."""
    total = sum(map(ord, name))
    for number in numbers:
        total = (31 * total + number) % 1009
    return total


def random_dag(chance: random.Random) -> RandomDag:
    """Some blocks, one after the other or side by side, with nodes between them.

    A block may have a second part, of nodes that take what the first part collects.
    """
    dag = RandomDag({"first": []})
    outside = ["first"]

    def some(names: list[str], least: int = 0) -> list[str]:
        return chance.sample(names, chance.randint(min(least, len(names)), min(3, len(names))))

    def add(name: str, takes: list[str]) -> str:
        dag.takes[name] = takes
        return name

    for number in range(chance.randint(1, 4)):
        expander = add(f"item{number}", some(outside))
        dag.expanders.append(expander)
        for part in "ab"[: chance.randint(1, 2)]:
            members = [expander]
            for position in range(chance.randint(0, 3)):
                # At least one node of the block; some members nobody takes.
                takes = list(dict.fromkeys([*some(members, 1), *some(outside)]))
                if not set(takes) & set(members):
                    takes.append(expander)
                chance.shuffle(takes)
                members.append(add(f"member{number}{part}{position}", takes))
                dag.blocks[members[-1]] = expander
            for position in range(chance.randint(1, 3)):
                name = add(f"collected{number}{part}{position}", some(outside))
                dag.collects[name] = chance.choice(members)
                outside.append(name)
        if chance.random() < 0.5:
            outside.append(add(f"between{number}", some(outside, 1)))
    return dag


def run_all(folder: Path) -> dict[str, dict[str, dict[str, int]]]:
    """What each pipeline puts out, by executor."""
    from flowerpower.pipeline import PipelineManager

    manager = PipelineManager(folder, quiet=True)
    names = sorted(path.stem for path in (folder / "conf" / "pipelines").iterdir())
    return {
        executor: {name: manager.run(name, executor=executor) for name in names}
        for executor in EXECUTORS
    }


if __name__ == "__main__":
    print(json.dumps(run_all(Path(sys.argv[1]))))
