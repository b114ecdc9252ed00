"""Sums of columns of narrow numbers, whose vectors must fit the stack in code that is not optimized, too."""

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
import penstock as tf

x = tf.cast(np.arange(8 * 6 * 12 * 5).reshape(8, 6, 12, 5) % 7, "int8")
trace = tf.function(tf.linalg.trace, input_signature=[tf.TensorSpec([None, 6, 12, 5], "int8")])
columns = tf.function(lambda x: tf.reduce_sum(tf.reshape(x, [8, 360]), 0))
assert np.array_equal(trace(x), np.trace(x.numpy(), axis1=-2, axis2=-1).astype("int8"))
assert np.array_equal(columns(x), x.numpy().reshape(8, 360).sum(0).astype("int8"))
"""


def test_sums_of_columns_without_optimization():
    environment = {**os.environ, "PENSTOCK_OPTIMIZE": "0", "PENSTOCK_CACHE_DIR": "none"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False)
    assert ended.returncode == 0
