"""Every notebook runs from top to bottom in a kernel of its own, and shows what it says."""

import html
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest
from tensorboard import manager

NOTEBOOKS = Path(__file__).resolve().parents[2] / "examples" / "notebooks"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The first line of each cell of `seeing.ipynb` -> what the cell shows, by its media type."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(NOTEBOOKS / "seeing.ipynb", as_version=4)
    settings = {
        "PYTHONPATH": str(NOTEBOOKS.parents[1]),
        "TENSORBOARD_BINARY": str(Path(sys.executable).with_name("tensorboard")),
        "PENSTOCK_PROGRESS": "0",  # on a busy machine there would be lines of it
        "TMPDIR": str(folder),
        "IPYTHONDIR": str(folder),
    }
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env={**os.environ, **settings})
    finally:
        _end_tensorboard(folder)
    return {
        cell.source.partition("\n")[0]: _shown(cell) for cell in notebook.cells if "outputs" in cell
    }


def _end_tensorboard(folder):
    """Ends the server that the notebook started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager.tempfile, "gettempdir", lambda: str(folder))
        for server in manager.get_all():
            os.kill(server.pid, signal.SIGTERM)


def _shown(cell):
    shown = {}
    for output in cell.outputs:
        assert output.get("name") != "stderr", output.text
        data = output.get("data", {"text/plain": output.get("text", "")})
        for kind, text in data.items():
            shown[kind] = shown.get(kind, "") + text
    return shown


def test_the_summary_and_the_drawing_of_the_model(outputs):
    assert "1,891" in outputs["model = keras.Sequential("]["text/html"]
    drawn = outputs['if shutil.which("dot"):']
    if shutil.which("dot"):
        assert len(drawn["image/png"]) > 5000
    else:
        assert drawn["text/plain"] == "Graphviz is not installed.\n"


@pytest.mark.plain_kernels
def test_the_page_of_a_training_step(outputs):
    shown = outputs["model.make_train_function()"]
    page = html.unescape(shown["text/html"])
    assert page.startswith("<iframe") and "within stripes_1/conv2d_1" in page
    assert not re.findall(r"""(?:src|href)=["']|https?://""", page)
    assert shown["text/plain"].startswith("__inference_one_step_on_data")
    slowest = outputs[
        "for kernel in sorted(report.kernels, key=lambda kernel: -kernel.seconds)[:5]:"
    ]
    assert {"conv2d_1", "dense_1"} <= set(re.findall(r"\w+_1", slowest["text/plain"]))


def test_lines_of_cells_are_in_reports(outputs):
    assert "squares = tf.reduce_sum(x * x, 1)[:, None]" in outputs["@tf.function"]["text/plain"]


def test_training_is_shown_by_tensorboard(outputs):
    accuracy = outputs['board = keras.callbacks.TensorBoard(logs / "fit", profile_batch=(4, 6))']
    assert float(accuracy["text/plain"].split()[1]) > 0.6
    assert "tensorboard-frame" in outputs["%load_ext tensorboard"]["text/html"]


def test_the_profile_has_kernels_of_three_steps(outputs):
    lines = outputs['(trace,) = logs.glob("fit/**/*.trace.json.gz")']["text/plain"].splitlines()
    assert len(lines) == 5 and all(int(line.split()[3]) % 3 == 0 for line in lines)


def test_notebooks_are_kept_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell.outputs for cell in cells if cell.get("outputs")], path.name
        assert not [cell for cell in cells if cell.get("execution_count")], path.name
