"""TF_USE_LEGACY_KERAS=1: tf.keras is Keras 2."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf
from tensorflow.keras.layers import Dense
assert tf.keras.layers.Dense is Dense and Dense.__module__.startswith("{package}"), Dense
assert tf.optimizers.Adam is tf.keras.optimizers.Adam and tf.losses.Loss is tf.keras.losses.Loss
assert Dense(2)(tf.ones([1, 3])).shape == [1, 2]
"""


@pytest.mark.parametrize("asked, package", [("1", "tf_keras."), ("0", "keras.")])
def test_the_environment_chooses_keras(asked, package):
    if find_spec(package[:-1]) is None:
        pytest.skip(f"{package[:-1]} is not installed")
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": asked, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM.format(package=package)]
    subprocess.run(command, check=True, env=environment, timeout=120)
