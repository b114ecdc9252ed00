"""Every example runs as it is, in a process of its own in which `tensorflow` means Penstock."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*SAYS, *NOT_HERE}


@pytest.mark.parametrize("name", SAYS)
def test_example(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "run", EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "http_proxy": "http://127.0.0.1:9"},
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
