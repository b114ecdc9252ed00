"""`import tensorflow` that means Penstock, in a process of its own."""

import subprocess
import sys

import pytest

from tests.harness.processes import bare

PROGRAMS = {
    "penstock alone leaves tensorflow alone": """
import sys, penstock
penstock.constant(1)
assert "tensorflow" not in sys.modules
try:
    import tensorflow
except ModuleNotFoundError:
    pass
""",
    "names and submodules are one": """
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf
import tensorflow.nn as nn
from tensorflow.io import gfile
from tensorflow.python.framework import tensor_util
from tensorflow.python.ops import math_ops, gen_math_ops
import tensorflow.compat.v1 as v1
import tensorflow.compat.v2 as v2
assert tf is penstock and nn.relu is penstock.nn.relu and v2.nn.relu is nn.relu
import tensorflow.compat.v2.nn, tensorflow._api.v2.compat.v2.nn
v2.enable_v2_behavior()
assert v2 is tf.compat.v2 and "enable_v2_behavior" in dir(v2) and not hasattr(tf, "enable_v2_behavior")
assert math_ops.add is not None and tensor_util.is_tf_type(tf.constant(1))
assert v1.Session and [int(part) for part in tf.__version__.split(".")][:2] == [2, 21]
""",
    "keras is one": """
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf, keras
from tensorflow import keras as k
from tensorflow.keras.layers import Dense
from tensorflow.keras import layers
assert tf.keras.layers.Dense is keras.layers.Dense is Dense is layers.Dense is k.layers.Dense
assert keras.config.backend() == "tensorflow"
import tensorflow.keras.backend as K
assert float(K.sum(K.ones([2, 2]))) == 4.0 and tf.keras.losses.MAE and tf.compat.v1.keras.Model is keras.Model
""",
    "modules of Keras below penstock": """
from penstock.keras.layers import Dense
import penstock.keras.layers as layers, penstock.keras.applications.mobilenet
from penstock import keras
import penstock as tf
assert Dense is layers.Dense is keras.layers.Dense is tf.keras.layers.Dense
try:
    import penstock.keras.nowhere
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("penstock.keras.nowhere was imported")
""",
    "keras finds its backend after penstock": """
import importlib.util
import penstock as tf
assert importlib.util.find_spec("tensorflow") is None
import keras
assert keras.config.backend() == "tensorflow"
assert keras.layers.Dense(2)(tf.ones([1, 3])).shape == (1, 2) and tf.keras.layers.Dense is keras.layers.Dense
""",
    "keras keeps another backend": """
import os, sys
os.environ["KERAS_BACKEND"] = "numpy"
import penstock, keras  # whose backend for NumPy imports jax
assert keras.config.backend() == "numpy" and "tensorflow" not in sys.modules
""",
    "tf.keras without the stand-in": """
import os
os.environ["KERAS_BACKEND"] = "jax"
import penstock as tf
assert tf.keras.layers.Dense(2)(tf.ones([1, 3])).shape == (1, 2)
import keras
assert keras.config.backend() == "tensorflow"
""",
    "unknown private names say so": """
import penstock
penstock.install_as_tensorflow()
try:
    from tensorflow.python.framework.ops import there_is_no_such_name
except ImportError as error:
    assert "there_is_no_such_name" in str(error)
try:
    import tensorflow.there_is_no_such_module
except ModuleNotFoundError as error:
    assert error.name == "tensorflow.there_is_no_such_module"
""",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_program(what, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[what]],
        cwd=tmp_path,
        env=bare(PROGRAMS[what], tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
