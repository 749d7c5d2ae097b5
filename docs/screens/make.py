"""Takes the pictures of the dashboard with headless Chromium.

python docs/screens/make.py CHROMIUM [FOLDER]

CHROMIUM is the browser's program; playwright and Pillow must be installed. FOLDER is by default
this one.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import demo
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
SCREENS = (
    # name, address, dark, width, height
    ("overview", "/", False, 1200, 900),
    ("overview-dark", "/", True, 1200, 900),
    ("job", "/jobs/training-27", False, 1200, 1000),
    ("job-phone", "/jobs/training-27", True, 390, 844),
    ("chain", "/jobs/release-after-training-27", False, 1200, 430),
    ("schedules", "/schedules", False, 1200, 640),
    ("pipeline", "/pipelines/orders", False, 1200, 900),
)


def main() -> None:
    """Make the demo project, and a picture of each page."""
    chromium, folder = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else HERE)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary, "shop")
        environ = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        demo.make(root, environ)
        worker = demo.fill(root, environ)
        try:
            take(chromium, folder, root, environ)
        finally:
            worker.close()


def take(chromium: str, folder: Path, root: Path, environ: dict[str, str]) -> None:
    """The pictures of the project at `root`."""
    report = root / "report.html"
    command = [*demo.FLOWERPOWER, "report", "-o", str(report)]
    subprocess.run(command, cwd=root, env=environ, check=True)
    with dashboard(root, environ) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, address, is_dark, width, height in SCREENS:
            picture(browser, folder / f"{name}.png", url + address[1:], is_dark, width, height)
        picture(browser, folder / "report.png", report.as_uri(), False, 1200, 900)
        browser.close()


def picture(browser: Browser, path: Path, url: str, is_dark: bool, width: int, height: int) -> None:
    """A picture of what the browser shows first."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if is_dark else "light",
    )
    page = context.new_page()
    page.goto(url)
    if "/jobs/training" in url:
        page.locator('svg[aria-label^="DAG of"]').wait_for(timeout=300_000)
    page.wait_for_timeout(1500)
    # Few colours: a third of the bytes, and nobody sees it.
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize(128).save(path, optimize=True)
    context.close()
    print(f"Wrote {path.name}: {path.stat().st_size // 1024} KB.")


@contextmanager
def dashboard(root: Path, environ: dict[str, str]) -> Iterator[str]:
    """The address of a dashboard of the project."""
    command = [*demo.FLOWERPOWER, "dashboard", "--port", "0"]
    with subprocess.Popen(
        command, cwd=root, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
