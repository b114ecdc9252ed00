"""TensorBoard's pages in a browser without a window: Chromium, driven by Playwright."""

import io
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 60_000  # for anything that a page shows
CLOSED = "iron-collapse.iron-collapse-closed"  # a group of tags that is not open


@contextmanager
def chromium() -> Iterator[Any]:
    """Chromium of the system or of Playwright; skips the test where there is neither."""
    name = "playwright.sync_api"
    driver = pytest.importorskip(name, reason="TensorBoard's pages need `pip install playwright`")
    with driver.sync_playwright() as playwright:
        found = [path for path in map(shutil.which, PROGRAMS) if path]
        found.append(playwright.chromium.executable_path)
        if not Path(found[0]).exists():
            pytest.skip("TensorBoard's pages need Chromium")
        browser = playwright.chromium.launch(
            executable_path=found[0],
            args=["--enable-unsafe-swiftshader"],  # WebGL without a graphics card
        )
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A tab of the browser that shows TensorBoard.

    Args:
      page: Playwright's page.
      url: of TensorBoard.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page, self._url = page, url
        page.set_default_timeout(WAIT_MS)

    def open(self, plugin: str) -> None:
        """Goes to a plugin's page."""
        self.page.goto(f"{self._url}/#{plugin}")

    def expand(self, count: int) -> None:
        """Opens all groups of tags, of which TensorBoard opens two: waits until there are `count`."""
        self.page.locator("button.heading").nth(count - 1).wait_for()
        groups = self.page.locator("tf-category-paginated-view")
        for group in (groups.nth(at) for at in range(groups.count())):
            closed = group.locator(CLOSED)
            if closed.count():
                group.locator("button.heading").click()  # once: a second click would close it
                closed.wait_for(state="detached")

    def cards(self, kind: str, count: int) -> dict[str, Any]:
        """The cards of an element's name by their titles, once there are `count`."""
        titles = self.page.locator(f"{kind} tf-card-heading .heading-label.name")
        titles.nth(count - 1).wait_for()
        names = titles.all_inner_texts()
        return {name: self.page.locator(kind).nth(at) for at, name in enumerate(names)}


def eventually(check: Callable[[], bool]) -> bool:
    """Whether a check holds before long: canvases do not say when they are drawn."""
    end = time.monotonic() + WAIT_MS / 1000
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def colors(element: Any) -> set[tuple[int, int, int]]:
    """The colors of an element as it is shown."""
    picture = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    counted = picture.getcolors(picture.width * picture.height) or []
    return {color for _, color in counted}


def shows(element: Any, color: tuple[int, int, int], within: int = 60) -> bool:
    """Whether an element has a color, but for what its rim mixes into it."""
    near = (max(abs(a - b) for a, b in zip(color, one, strict=True)) for one in colors(element))
    return min(near) <= within
