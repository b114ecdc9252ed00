"""Dtypes of functions that divide by NumPy's numbers, and of grids, where operators promote."""

import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
import penstock as tf
tnp, mode = tf.experimental.numpy, {mode!r}
tnp.experimental_enable_numpy_behavior(dtype_conversion_mode=mode)
def kinds(*values): return " ".join(x.dtype.name for x in values)
x = tf.constant([1.0, 2.0], tf.float32)
assert kinds(tnp.log2(x), tnp.log10(x), tnp.logaddexp2(x, x)) == "float64 float64 float64"
grids = tnp.meshgrid(tf.constant([1, 2], tf.uint8), tf.constant([3, 4, 5], tf.int16))
assert kinds(*grids) == "uint8 int16" and grids[1].numpy().tolist() == [[3, 3], [4, 4], [5, 5]]
order = tnp.argsort(tf.constant([3, 1, 2], tf.int8))
assert order.dtype == (tf.int64 if mode == "legacy" else tf.int32)
kind = tnp.hstack([[1, 2], tf.constant([3], tf.uint8)]).dtype
assert kind == (tf.int64 if mode == "legacy" else tf.uint8)
assert x[tnp.asarray([1, 1])].numpy().tolist() == [2, 2] and x[tnp.asarray(1)].numpy() == 2
if mode == "all":
    assert tnp.less(tf.constant([1], tf.uint32), tf.constant([2], tf.bfloat16)).numpy().tolist() == [True]
"""


@pytest.mark.parametrize("mode", ["legacy", "all"])
def test_dtypes_where_operators_promote(mode):
    script = SCRIPT.format(mode=mode)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
