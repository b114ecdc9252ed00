"""The logs, the TensorBoard and the browser that the tests of this folder share."""

import time
from pathlib import Path

import pytest

from tests.interop.board.browser import Tab, chromium
from tests.interop.board.server import Board, write_logs

RUNS = {"summaries", "graphs", "sessions", "trials", "trials/one", "trials/two"}
RUNS |= {"embeddings", "curves", "meshes", "fits/train"}


def pytest_addoption(parser):
    parser.addoption("--pictures", type=Path, help="folder for pictures of TensorBoard's pages")


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """The folder of the logs."""
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder)
    return folder


@pytest.fixture(scope="session")
def board(logs):
    """A TensorBoard that has read the logs."""
    started = Board(logs)
    try:
        end = time.time() + 60
        while not set(started.ask("runs")) >= RUNS:
            assert time.time() < end, started.ask("runs")
            time.sleep(0.2)
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window. While it is there, no other event loop runs in this thread."""
    with chromium() as started:
        yield started


@pytest.fixture
def tab(request, browser, board):
    """A tab for a page of TensorBoard, of which a picture is taken when the test ends."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield Tab(page, board.url)
    folder = request.config.getoption("pictures", None)
    if folder:
        page.wait_for_timeout(1000)  # for animations to end
        page.screenshot(path=folder / f"{request.node.name.removeprefix('test_')}.png")
    page.close()
