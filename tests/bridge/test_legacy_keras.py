"""TF_USE_LEGACY_KERAS=1: tf.keras is Keras 2."""

import operator
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import penstock as tf
from penstock._src.bridge.tensorflow_alias import asks_for_keras_2
from tests.harness.processes import lean

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
    environment = lean({"TF_USE_LEGACY_KERAS": asked, "PYTHONPATH": str(ROOT)})
    command = [sys.executable, "-c", PROGRAM.format(package=package)]
    subprocess.run(command, check=True, env=environment, timeout=120)


CHANGED_LATER = """
import os
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf
first = tf.keras.Model
os.environ["TF_USE_LEGACY_KERAS"] = "1"
from tensorflow.keras import layers
assert tf.keras.Model is first and tf.keras.layers is layers
assert layers.Dense.__module__.startswith("keras."), layers.Dense
"""


def test_a_library_that_changes_the_environment_does_not_change_keras():
    environment = lean({"TF_USE_LEGACY_KERAS": "0", "PYTHONPATH": str(ROOT)})
    subprocess.run([sys.executable, "-c", CHANGED_LATER], check=True, env=environment, timeout=120)


PATHS = """
import penstock
penstock.install_as_tensorflow()
from tensorflow.compat.v2.keras import *
from tensorflow.compat.v2.keras import __internal__
from tensorflow.compat.v1.keras import layers
import tensorflow as tf
assert tf.keras.__internal__ is __internal__ and tf.keras.Model is Model
assert tf.compat.v1.keras.layers is layers is not tf.keras.layers
assert "legacy" in tf.compat.v1.layers.Dense.__module__
assert tf.compat.v1.nn.rnn_cell.LSTMCell(2).state_size.c == 2
"""


def test_keras_2_is_found_at_the_paths_of_each_version():
    if find_spec("tf_keras") is None:
        pytest.skip("tf_keras is not installed")
    environment = lean({"TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(ROOT)})
    subprocess.run([sys.executable, "-c", PATHS], check=True, env=environment, timeout=120)


@pytest.mark.skipif(asks_for_keras_2(), reason="with Keras 3")
@pytest.mark.parametrize("part", ["layers", "nn.rnn_cell"])
def test_what_only_keras_2_has_says_so(part):
    module = operator.attrgetter(part)(tf.compat.v1)
    with pytest.raises(AttributeError, match="`LSTMCell` is not available with Keras 3"):
        _ = module.LSTMCell


REPLICATED = """
import penstock
penstock.install_as_tensorflow()
import sys
import tensorflow as tf
strategy = tf.distribute.MirroredStrategy(["CPU:0"])
with strategy.scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile("adam", "mse")
model.fit(tf.ones([4, 2]), tf.ones([4, 1]), batch_size=2, verbose=0, callbacks=[tf.keras.callbacks.TensorBoard(sys.argv[1])])
assert model.optimizer.iterations.numpy() == 2
"""


def test_keras_2_trains_in_replicas_beside_its_callback(tmp_path):
    if find_spec("tf_keras") is None:
        pytest.skip("tf_keras is not installed")
    environment = lean({"TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(ROOT)})
    command = [sys.executable, "-c", REPLICATED, str(tmp_path)]
    subprocess.run(command, check=True, env=environment, timeout=120)


SET_BY_THE_PROGRAM = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow as tf
from tensorflow.keras.layers import Dense
assert tf.keras.layers.Dense is Dense and Dense.__module__.startswith("tf_keras."), Dense
assert type(tf.keras.Sequential([Dense(2)])).__module__.startswith("tf_keras.")
"""


@pytest.mark.skipif(find_spec("tf_keras") is None, reason="tf_keras is not installed")
def test_a_program_may_choose_keras_before_it_imports_tensorflow(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SET_BY_THE_PROGRAM)
    command = [sys.executable, "-m", "penstock", "run", str(program)]
    environment = lean({"PYTHONPATH": str(ROOT)})
    subprocess.run(command, check=True, env=environment, timeout=120)


SET_AFTER_THE_IMPORT = """
import os
import tensorflow as tf
first = tf.keras.Model
os.environ["TF_USE_LEGACY_KERAS"] = "1"
from tensorflow.keras import layers
assert tf.keras.Model is first and layers.Dense.__module__.startswith("keras."), layers.Dense
"""


def test_the_import_of_a_program_decides(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SET_AFTER_THE_IMPORT)
    environment = lean({"PYTHONPATH": str(ROOT)})
    environment.pop("TF_USE_LEGACY_KERAS", None)
    command = [sys.executable, "-m", "penstock", "run", str(program)]
    subprocess.run(command, check=True, env=environment, timeout=120)
