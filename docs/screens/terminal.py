"""Draws what `status`, `job-queue watch` and `schedule import` show, on terminals of several sizes.

python docs/screens/terminal.py [FOLDER]

It needs tmux, which is the terminal, Pillow, which draws it, and the font DejaVu Sans Mono.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.ansi import AnsiDecoder
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI, TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype/dejavu")
SIZE = 16
FLOWERPOWER = shutil.which("flowerpower") or "flowerpower"
PROJECT = """\
name: shop
timezone: Europe/Berlin
job_queue: {backend: {queues: [default, reports]}}
limits: {warehouse: 2}
"""
SETTINGS = {"daily_report": "run: {limits: [warehouse]}\n"}
"""Of the pipelines that have any."""
CRONTAB = """\
30 2 * * *     flowerpower pipeline run cleanup
47 6 * * 7     flowerpower job-queue add-job daily_report --priority 5
0 3 */2 * *    flowerpower pipeline run cleanup -i days=90
*/15 8-18 * * 1-5 flowerpower pipeline run invoices -i region=south
0 5 * * fri-mon /usr/local/bin/rotate --all
@reboot        flowerpower job-queue start-worker
"""
PIPELINES = {
    "daily_report": """\
import time


def orders(seconds: float = 24) -> int:
    for part in range(12):
        print(f"read {part * 1000} orders", flush=True)
        time.sleep(seconds / 36)
    return 12_000


def customers(orders: int, seconds: float = 24) -> int:
    print("joining customers", flush=True)
    time.sleep(seconds / 3)
    return orders // 7


def revenue(orders: int, customers: int, seconds: float = 24) -> float:
    time.sleep(seconds / 3)
    return orders * 1.5


def report(revenue: float) -> str:
    return f"revenue {revenue}"
""",
    "invoices": """\
def invoices(region: str = "north") -> int:
    raise ValueError(f"no such region: {region}")
""",
    "cleanup": "def deleted(days: int = 30) -> int:\n    return days\n",
}


@dataclass(frozen=True)
class Shot:
    """A picture: what is typed into a terminal of that size before it is taken."""

    name: str
    command: str
    columns: int
    lines: int
    theme: TerminalTheme = MONOKAI
    keys: tuple[str, ...] = ()
    until: str = "q quit"
    """What it shows once it is drawn."""


SHOTS = (
    Shot("status", "status", 80, 46, until="Problems"),
    Shot(
        "import",
        "schedule import crontab.txt --dialect busybox --dry-run",
        100,
        62,
        until="would be declared",
    ),
    Shot("watch", "job-queue watch", 80, 24),
    Shot("watch-wide", "job-queue watch", 140, 40),
    Shot("watch-light", "job-queue watch", 100, 24, DEFAULT_TERMINAL_THEME),
    Shot("watch-job", "job-queue watch", 100, 34, keys=("Enter",)),
    Shot("watch-log", "job-queue watch", 80, 24, keys=("l",)),
    Shot("watch-help", "job-queue watch", 80, 24, keys=("?",)),
)


def main() -> None:
    """Make a project with work in it, and take all pictures."""
    target = Path(sys.argv[1]) if sys.argv[1:] else HERE
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        root = Path(folder, "shop")
        make_project(root)
        worker = subprocess.Popen(
            [FLOWERPOWER, "job-queue", "start-worker", "-n", "3"],
            cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            time.sleep(15)
            for shot in SHOTS:
                image = picture(shown(shot, root), shot).quantize(256, Image.Quantize.MAXCOVERAGE)
                image.save(target / f"{shot.name}.png", optimize=True)
                print(f"Wrote {shot.name}.png.")
        finally:
            worker.terminate()
            worker.wait()


def make_project(root: Path) -> None:
    """Pipelines that run for a while, fail or end at once, and jobs for them."""
    (root / "conf" / "pipelines").mkdir(parents=True)
    (root / "pipelines").mkdir()
    (root / "conf" / "project.yml").write_text(PROJECT)
    (root / "crontab.txt").write_text(CRONTAB)
    for name, module in PIPELINES.items():
        settings = SETTINGS.get(name, "run: {}\n")
        (root / "conf" / "pipelines" / f"{name}.yml").write_text(settings)
        (root / "pipelines" / f"{name}.py").write_text(module)
    commands = [
        "schedule add daily_report --cron '0 8 * * 1-5'",
        "schedule add cleanup --interval 1h",
        "job-queue add-job invoices",
        "job-queue add-job cleanup",
        *["job-queue add-job daily_report"] * 9,
        "job-queue add-job cleanup --job-id tonight --run-in 9h",
        "job-queue add-job invoices --queue reports",
        "job-queue pause reports",
    ]
    for command in commands:
        subprocess.run(f"{FLOWERPOWER} {command} -q", shell=True, cwd=root, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip


def shown(shot: Shot, root: Path) -> list[Text]:
    """The lines of the terminal, once it has drawn the command."""
    tmux = ["tmux", "-L", "flowerpower-screens"]
    size = ["-x", str(shot.columns), "-y", str(shot.lines)]
    command = f"{FLOWERPOWER} {shot.command}; sleep 60"
    subprocess.run([*tmux, "new-session", "-d", *size, "-c", root, command], check=True,
                   env={**os.environ, "LANG": "C.UTF-8"})  # fmt: skip
    try:
        while shot.until not in captured(tmux):
            time.sleep(0.2)
        for key in shot.keys:
            subprocess.run([*tmux, "send-keys", key], check=True)
            time.sleep(2)
        content = captured(tmux)
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    # By one decoder: tmux says only what differs from the line before.
    return list(AnsiDecoder().decode(content.rstrip("\n")))


def captured(tmux: Sequence[str]) -> str:
    """What the terminal shows, with its colours."""
    command = [*tmux, "capture-pane", "-e", "-N", "-p"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def picture(lines: Sequence[Text], shot: Shot) -> Image.Image:
    """The lines as they are seen."""
    fonts = [ImageFont.truetype(str(FONTS / f"DejaVuSansMono{kind}.ttf"), SIZE)
             for kind in ("", "-Bold")]  # fmt: skip
    width, height = round(fonts[0].getlength("x")), SIZE + 4
    theme, console = shot.theme, Console()
    size = shot.columns * width + 16, max(len(lines), 4) * height + 16
    image = Image.new("RGB", size, tuple(theme.background_color))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        column = 0
        for segment in line.render(console):
            style = segment.style or Style()
            ink, paper = colors(style, theme)
            for character in segment.text:
                left, top = 8 + column * width, 8 + row * height
                draw.rectangle((left, top, left + width - 1, top + height - 1), fill=paper)
                draw.text((left, top + 1), character, ink, fonts[bool(style.bold)])
                column += 1
    return image


def colors(style: Style, theme: TerminalTheme) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The colours of a text and of what is below it."""

    def rgb(color: Color | None, default: Sequence[int]) -> tuple[int, ...]:
        if color is None or color.is_default:
            return tuple(default)
        return tuple(color.get_truecolor(theme))

    ink, paper = (
        rgb(style.color, theme.foreground_color),
        rgb(style.bgcolor, theme.background_color),
    )
    if style.dim:
        ink = tuple((3 * a + 2 * b) // 5 for a, b in zip(ink, paper, strict=True))
    return (paper, ink) if style.reverse else (ink, paper)


if __name__ == "__main__":
    main()
