"""What takes longer than `make test` may: a training that is killed, and Beam and Ray, where they are installed (`make pipeline`)."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import penstock as tf
from tests.examples.pipeline.flights import FOLDER

PROGRAM = [sys.executable, "-m", "penstock", "run", FOLDER / "run.py"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}


def weights(folder):
    return [v.numpy().tobytes() for v in tf.saved_model.load(str(folder)).variables]


def test_a_killed_training_goes_on_to_the_same_weights(example, first, data, tmp_path, capsys):
    more = [*first.options, str(data), "--epochs", "8", "--tolerance", "0.9"]
    process = subprocess.Popen([*PROGRAM, *more], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    unfinished = first.root / "unfinished"
    while not list(unfinished.glob("train-*/checkpoints/checkpoint")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    capsys.readouterr()
    assert example.run.main(more) == 0
    assert re.search(r"train goes on after epoch [1-7]\n", capsys.readouterr().out)
    assert not list(unfinished.glob("*"))
    newest = example.push.versions(first.serving)[-1]

    name = example.push.origin(newest)
    inputs = json.loads((first.root / "artifacts" / name / "record.json").read_text())["inputs"]
    examples = [first.root / "artifacts" / found for slot, found, _ in inputs if slot == "examples"]
    (rule,) = [first.root / "artifacts" / found for slot, found, _ in inputs if slot == "analysis"]
    whole = tmp_path / "whole"
    whole.mkdir()
    parameters = example.lineage.Lineage(first.root).execution(name)["parameters"]
    example.train.train(whole, examples, rule, **parameters)
    assert "goes on" not in capsys.readouterr().out
    assert weights(whole / "model") == weights(newest)


@pytest.mark.parametrize("runner", ["beam", "ray"])
def test_runners_make_the_same_bytes(first, data, tmp_path, runner):
    library = {"beam": "apache_beam", "ray": "ray"}[runner]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"not installed: {library}")
    options = [*first.options, str(data), "--root", str(tmp_path), "--runner", runner]
    done = subprocess.run([*PROGRAM, *options], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert weights(tmp_path / "serving" / "flights" / "1") == weights(first.serving / "1")
    for step in ("statistics", "schema", "validate", "analyze", "materialize"):
        made = {path.name: digest(path) for path in tmp_path.glob(f"artifacts/{step}/*")}
        local = {path.name: digest(path) for path in first.root.glob(f"artifacts/{step}/*")}
        assert made and made.items() <= local.items()


def digest(folder):
    return json.loads((folder / "record.json").read_text())["output"]
