"""`aksdisks walk` as a user runs it, and the JupyterLab that it serves as a headless Chromium shows it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.cli.command import AKSDISKS
from tests.processes import in_background, running

CHROMIUM = "chromium"
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
# The page's colours follow the browser's wish, and all cells are in the page, whether in sight or not.
_SETTINGS = {
    "apputils-extension/themes": {"adaptive-theme": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass(frozen=True)
class Walking:
    """A walk that goes on: where JupyterLab answers, and the folder with the copies."""

    process: subprocess.Popen[str]
    url: str
    token: str
    folder: Path
    environment: dict[str, str]


@contextmanager
def walking(home: Path, *options: str) -> Iterator[Walking]:
    """A walk with a home of its own, the background job of a script; ended by SIGINT, as by Ctrl-C."""
    settings = home / "settings"
    for name, values in _SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    environment = os.environ | {
        "HOME": str(home), "AKSDISKS_STATE_DIR": str(home / "state"), "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "KUBECACHEDIR": str(home / "kube-cache"), "SHELL": "/bin/bash",
    }  # fmt: skip
    command = in_background([AKSDISKS, "walk", "--no-browser", "--folder", str(home / "walk"), *options])
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with running(command, seconds=900, env=environment, text=True, **streams) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/00-overview\.ipynb\?token=(\S+)", line):
                try:
                    yield Walking(process, found[1], found[2], home / "walk", environment)
                finally:
                    if process.poll() is None:
                        process.send_signal(signal.SIGINT)
                        process.communicate(timeout=60)
                return
        raise AssertionError(f"it never said where JupyterLab answers: {said}")


@contextmanager
def chromium(executable: str) -> Iterator[Page]:
    """A page of Debian's browser, headless; nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="light")
        page.set_default_timeout(15_000)
        yield page
        browser.close()


class NotebookPage:
    """A notebook as it stands in the page."""

    def __init__(self, page: Page, walk: Walking, name: str) -> None:
        """Opens it, and waits until its kernel is there."""
        self.page, self.path = page, walk.folder / f"{name}.ipynb"
        page.goto(f"{walk.url}/lab/tree/{self.path.name}?token={walk.token}&reset")
        self._idle()

    def run_all(self) -> list[Any]:
        """Run all cells by the menu, wait until the page says that the kernel is idle, and give the code cells."""
        self.start()
        return self.ended()

    def start(self) -> None:
        """Run all cells by the menu, and see the kernel take them up."""
        self._menu("Run", "Run All Cells")
        expect(self._kernel("Busy")).to_be_visible()

    def ended(self) -> list[Any]:
        """The code cells, once all have run and the notebook is saved."""
        self._idle()
        self._menu("File", "Save Notebook")
        expect(self.page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)
        cells = nbformat.read(self.path, as_version=4).cells
        return [cell for cell in cells if cell.cell_type == "code"]

    def select(self, text: str) -> Locator:
        """Select the code cell with this text in it."""
        cell = self.page.locator(".jp-CodeCell", has_text=text)
        cell.locator(".jp-InputPrompt").click()
        return cell

    def run(self, item: str) -> None:
        """An item of the menu Run, and its end."""
        self._menu("Run", item)
        self._idle()

    def terminal(self, command: str) -> None:
        """Type a command into a new terminal, and come back."""
        self._menu("File", "New", "Terminal")
        self.page.locator(".jp-Terminal .xterm-screen").click()
        self.page.keyboard.type(f"{command}\n")
        self.page.locator(".lm-TabBar-tab", has_text=self.path.name).click()

    def photograph(self, folder: str | None) -> None:
        """Leave the whole notebook as a picture, light and dark."""
        if folder is None:
            return
        script = "() => Math.max(...[...document.querySelectorAll('.jp-NotebookPanel *')].map(e => e.scrollHeight))"
        self.page.set_viewport_size({"width": 1300, "height": self.page.evaluate(script) + 200})
        self.page.evaluate("() => document.querySelectorAll('.jp-NotebookPanel *').forEach(e => e.scrollTop = 0)")
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.wait_for_timeout(1000)
            self.page.screenshot(path=Path(folder) / f"{self.path.stem}-{scheme}.png")
        self.page.set_viewport_size({"width": 1200, "height": 900})

    def _menu(self, *items: str) -> None:
        for item in items:
            label = self.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel")
            label.filter(has_text=re.compile(f"^{re.escape(item)}$")).click()

    def _idle(self) -> None:
        """No cell waits for its turn, and the kernel has nothing to do."""
        expect(self.page.locator(".jp-InputPrompt").filter(has_text="[*]")).to_have_count(0, timeout=60_000)
        expect(self._kernel("Idle")).to_be_visible(timeout=60_000)

    def _kernel(self, state: str) -> Locator:
        return self.page.locator("#jp-main-statusbar").get_by_text(f"Python 3 | {state}")
