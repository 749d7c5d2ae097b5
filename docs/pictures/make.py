"""Draws what a terminal shows after real commands in the weather example.

python docs/pictures/make.py [run] [dag]
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 100
SHOWN = {"run": "flowerpower pipeline run weather", "dag": "flowerpower pipeline dag weather"}
"""The command of each picture."""
ENVIRON = {
    "FORCE_COLOR": "1",
    "COLUMNS": str(COLUMNS),
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(HERE.parents[1]),
}
FLOWERPOWER = [sys.executable, "-m", "flowerpower_cli"]


def main() -> None:
    """Draw the pictures that are named, by default all."""
    for name in sys.argv[1:] or SHOWN:
        draw(name)


def draw(name: str) -> None:
    """Make a project from the example, run the command there, draw what the terminal showed."""
    with tempfile.TemporaryDirectory() as folder:
        init = [*FLOWERPOWER, "init", "my_weather", "--example", "weather", "--quiet"]
        environ = {**os.environ, **ENVIRON}
        subprocess.run(init, cwd=folder, env=environ, stdout=subprocess.DEVNULL, check=True)
        shown = in_terminal(SHOWN[name].split()[1:], Path(folder, "my_weather"))
    lines = settled(shown)
    text = "\n".join(lines)
    for private in (folder, str(Path.home()), str(HERE.parents[1])):
        assert private not in text, f"the picture would show {private}"
    target = HERE / f"{name}.svg"
    target.write_text(picture(name, lines), encoding="utf-8")
    print(f"Wrote {target.name}: {len(lines)} lines.")


def in_terminal(arguments: list[str], folder: Path) -> str:
    """All that `flowerpower ARGUMENTS` writes on a terminal, stdout and stderr as they come."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (50, COLUMNS))
    process = subprocess.Popen(
        [*FLOWERPOWER, *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRON},
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    written = b""
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    assert process.wait() == 0, written.decode()
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def settled(written: str) -> list[str]:
    """The lines that stay: of one that was drawn again and again, the last drawing."""
    lines = [line.rstrip("\r") for line in written.split("\n")]
    lines = [re.split(r"\r|\x1b\[2K", line)[-1] for line in lines]
    return [re.sub(r"\x1b\[[?0-9;]*[A-Zhln]", "", line).rstrip() for line in lines]


def picture(name: str, lines: list[str]) -> str:
    """The lines under a prompt, as SVG."""
    texts = [Text.from_ansi(line) for line in lines]
    width = max(text.cell_len for text in texts) + 2
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (SHOWN[name], "bold")))
    for text in texts:
        console.print(text)
    svg = console.export_svg(
        title="flowerpower", theme=MONOKAI, font_aspect_ratio=0.602, unique_id=name
    )
    # Rich would load its font from another host; one that the reader has will do.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "'DejaVu Sans Mono', Menlo, Consolas")
    # Some programs that draw SVG would drop the spaces that a text begins with.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    main()
