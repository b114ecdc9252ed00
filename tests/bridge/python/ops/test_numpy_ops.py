"""NumPy's functions under TensorFlow's private names."""

import subprocess
import sys

SCRIPT = """
import penstock; penstock.install_as_tensorflow()
import numpy as np
from tensorflow.python.framework import ops
from tensorflow.python.ops.numpy_ops import np_dtypes
from tensorflow.python.ops.numpy_ops.np_math_ops import *
import tensorflow as tf
assert np_dtypes._result_type(1.5) == tf.float64
np_dtypes.set_allow_float64(False)
assert np_dtypes.default_float_type() == tf.float32
assert np_dtypes._result_type(np.zeros([]), 1.5) == tf.float32
np_dtypes.set_allow_float64(True)
enable_numpy_methods_on_tensor()
assert tf.constant([1, 2]).tolist() == [1, 2]
ops.set_dtype_conversion_mode("legacy")
assert (tf.constant([1]) + tf.constant([1.5])).dtype == tf.float64
assert power(2, 3) == 8
"""


def test_settings_and_star_imports():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
