"""TensorBoard's page "Debugger V2", which reads dumps by TensorFlow's own reader: TENSORFLOW_PYTHON names a Python that has both."""

import os
import subprocess
import sys

import pytest

from tests.interop.board.browser import WAIT_MS, Tab
from tests.interop.board.server import Board

driver = pytest.importorskip(
    "playwright.sync_api", reason="TensorBoard's pages need `pip install playwright`"
)
PYTHON = os.environ.get("TENSORFLOW_PYTHON")
PROGRAM = """
import sys
import tensorflow as tf

tf.debugging.experimental.enable_dump_debug_info(sys.argv[1], "FULL_HEALTH", circular_buffer_size=-1)

@tf.function
def forward(x):
    h = tf.matmul(x, tf.ones([3, 2]))
    return tf.math.log(h)

forward(tf.constant([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]))
tf.debugging.experimental.disable_dump_debug_info()
"""


@pytest.fixture
def debugger(browser, tmp_path):
    """A tab with the page, of a program's dump."""
    if not PYTHON:
        pytest.skip("TENSORFLOW_PYTHON names no Python with TensorFlow and TensorBoard")
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "penstock", "run", "program.py", str(tmp_path / "logs")]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    board = Board(tmp_path / "logs", [PYTHON])
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    try:
        tab = Tab(page, board.url)
        tab.open("debugger-v2")
        yield tab
    finally:
        page.close()
        board.close()


def test_alerts_values_graph_and_lines(debugger, request):
    expect, page = driver.expect, debugger.page
    expect.set_options(timeout=WAIT_MS)
    page.get_by_text("NaN/∞").click()
    tensors = page.locator("graph-executions-component .tensor-name")
    expect(tensors.filter(has_text="Log:0")).to_be_visible()
    tensors.filter(has_text="Log:0").click()
    graph = page.locator("graph-component")
    expect(graph).to_contain_text("MatMul")
    frames = page.locator("stack-trace-component")
    expect(frames).to_contain_text("program.py")
    expect(frames).to_contain_text("forward")
    folder = request.config.getoption("pictures", None)
    if folder:
        page.screenshot(path=folder / "debugger.png")
