"""`import tensorflow_decision_forests` where Penstock stands for TensorFlow; without ydf, models say what is missing."""

import subprocess
import sys

import pytest

from penstock._src.bridge.decision_forests import learners
from tests.harness.processes import lean

PROGRAM = """
import penstock
penstock.install_as_tensorflow()
import tensorflow_decision_forests as forests
import tensorflow_decision_forests.component.inspector.inspector as inspector
assert forests.inspector.make_inspector is inspector.make_inspector
print(*sorted(n for n in dir(forests) if not n.startswith("_")))
print(len(dir(forests.keras)), forests.keras.RandomForestModel.__name__)
"""


def test_the_stand_in_is_imported_under_its_name():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=lean(), capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first == "builder component inspector keras model_plotter py_tree tuner"
    assert second == "12 RandomForestModel"


def test_what_fits_is_named_if_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ydf", None)
    with pytest.raises(ImportError, match=r"\[trees\]"):
        learners.ydf()
