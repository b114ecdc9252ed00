"""Every example runs as it is, in a process of its own in which `tensorflow` means Penstock."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.harness.processes import lean

from . import lean_running, running, table

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SAYS = {  # the last number of the last line: between
    "control_flow": (0.353, 0.354),
    "custom_training_loop": (0.85, 1.0),
    "graph_session": None,
    "input_pipeline": (2449.9, 2450.1),
    "linear_regression": (-0.6, -0.4),
    "sequence_lstm": None,
    "transformer_block": (0.0, 0.2),
}
NOT_HERE = {"demo", "picture"}  # `make demo`, and what draws for it
# Examples of folders have results with bounds (table.py); those of libraries/ are tested in tests/ecosystem, pipeline/ in its folder here,
# serving/ in test_serving.py, browser/ in test_browser.py, native/ in test_native.py.
ELSEWHERE = ("browser/", "libraries/", "native/", "pipeline/", "serving/")
SHARED = {"data/fetch", "sound/speak"} | {
    f"vision/{name}"
    for name in ("average_precision", "command_line", "images", "judge", "pretrained")
}


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*SAYS, *NOT_HERE}
    below = {
        path.relative_to(EXAMPLES).with_suffix("").as_posix() for path in EXAMPLES.glob("*/*.py")
    }
    below = {name for name in below if not name.startswith(ELSEWHERE)}
    assert below == {*table.BOUNDS, *SHARED}


@pytest.mark.parametrize("name", SAYS)
def test_example(name, tmp_path):
    file = EXAMPLES / f"{name}.py"
    texts = "".join(each.read_text() for each in file.parent.glob("*.py"))
    variables = {"PYTHONPATH": str(EXAMPLES.parent), "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "run", file],
        capture_output=True,
        text=True,
        timeout=300,
        env=lean(variables, texts),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "it prints nothing"
    if SAYS[name]:
        low, high = SAYS[name]
        number = float(
            re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", done.stdout.strip().splitlines()[-1])[-1]
        )
        assert low <= number <= high, done.stdout


def test_digits_are_there():
    digits = np.load(EXAMPLES / "data" / "mnist_10k.npz")
    assert digits["images"].shape == (10000, 28, 28) and digits["images"].dtype == np.uint8
    assert np.bincount(digits["labels"]).min() > 800


def test_picture(tmp_path):
    spec = importlib.util.spec_from_file_location("picture", EXAMPLES / "picture.py")
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    random = np.random.default_rng(0)
    labels = np.arange(200) % 10
    answers = np.where(random.random(200) < 0.1, random.integers(0, 10, 200), labels)
    right = float(np.mean(answers == labels))
    picture.draw(random.random((200, 28, 28)), labels, answers, right, tmp_path / "digits.png")
    assert (tmp_path / "digits.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.confusion(labels, answers).sum() == 200


QUICK = [name for name, bound in table.BOUNDS.items() if bound.quick]


@pytest.mark.parametrize("name", QUICK)
def test_short_run(name, tmp_path):
    bound, picture = table.BOUNDS[name], []
    if bound.picture:
        picture = ["--picture", str(tmp_path / bound.picture)]
    low, high = bound.quick
    assert low <= lean_running.run(name, "--quick", *picture).value(bound.measure) <= high
    assert [path.name for path in tmp_path.iterdir()] == [bound.picture][: len(picture)]


@pytest.mark.parametrize("name", table.BOUNDS)
def test_examples_are_short_and_say_what_they_do(name):
    lines = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert "Result:" in "\n".join(lines) and table.data_of(name)


def test_every_example_is_in_the_table_of_the_site():
    rows = table.rows(table.PAGE.read_text(encoding="utf-8"))
    assert list(rows) == list(table.BOUNDS)
    for name, (_, result, ours, _) in rows.items():
        bound = table.BOUNDS[name]
        low, high = bound.full
        assert low <= running.Run("", result, 0).value(bound.measure) <= high, name
        assert ours.endswith(" s"), name


def test_pictures_of_examples_are_small():
    folder = table.PAGE.parents[1] / "pictures" / "examples"
    drawn = {bound.picture for bound in table.BOUNDS.values()} - {None}
    assert {path.name for path in folder.iterdir()} == drawn
    pages = "".join(path.read_text(encoding="utf-8") for path in table.PAGE.parent.glob("*.md"))
    for path in folder.iterdir():
        assert path.stat().st_size < 150_000, path.name
        assert path.name in pages


def test_rows_replace_those_of_the_same_name():
    page = "# Title\n\n| example | data | result | Penstock | TensorFlow |\n|---|---|---|---:|---:|\n\nEnd.\n"
    name = next(iter(table.BOUNDS))
    once = table.with_rows(page, {name: ["old", "accuracy 0.1", "1 s", "2 s"]})
    twice = table.with_rows(once, {name: ["new", "accuracy 0.2", "3 s", "4 s"]})
    assert table.rows(twice) == {name: ["new", "accuracy 0.2", "3 s", "4 s"]}
    assert twice.startswith("# Title\n") and twice.endswith("\n\nEnd.\n")
