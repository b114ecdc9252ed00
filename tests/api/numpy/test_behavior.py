"""NumPy's behavior of tensors; it holds for a process, so each mode is tried in one of its own."""

import subprocess
import sys

import pytest

HEAD = """
import numpy as np
import penstock as tf
tf.experimental.numpy.experimental_enable_numpy_behavior(dtype_conversion_mode={mode!r})
c = tf.constant
def dtype(x): return x.dtype.name
"""


def _run(mode, lines):
    script = HEAD.format(mode=mode) + lines
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_methods_and_indices():
    _run(
        "legacy",
        """
x = c([[1, 2], [3, 4]])
assert x.T.numpy().tolist() == [[1, 3], [2, 4]]
assert x.reshape(4).numpy().tolist() == x.reshape((4,)).numpy().tolist() == [1, 2, 3, 4]
assert x.ravel().shape == [4] and x.size == 4 and x.ndim == 2
assert dtype(x.astype(tf.float32)) == "float32"
assert x.clip(2, 3).numpy().tolist() == [[2, 2], [3, 3]]
assert x.max().numpy() == 4 and x.mean().numpy() == 2.5
assert x[:, [1, 0]].numpy().tolist() == [[2, 1], [4, 3]]
assert x[[0, -1], [1, 0]].numpy().tolist() == [2, 3]
assert x[x > 2].numpy().tolist() == [3, 4]
y = np.arange(24).reshape(2, 3, 4)
for at in [np.s_[:, [0, 2]], np.s_[0, :, [1, 3]], np.s_[..., [1, 0]], np.s_[[1], :, 2]]:
    assert (c(y)[at].numpy() == y[at]).all(), at
""",
    )


def test_numpys_promotion():
    _run(
        "legacy",
        """
assert dtype(c([1.0]) + c([1])) == "float64"
assert dtype(c([1.0]) * 2) == "float32"
assert dtype(c([1], tf.uint8) + c([1], tf.int8)) == "int16"
assert (c([1, 2]) == c([1.0, 3.0])).numpy().tolist() == [True, False]
""",
    )


def test_promotion_by_the_lattice():
    _run(
        "all",
        """
assert dtype(c([1], tf.int64) + c([1.0], tf.float32)) == "float32"
assert dtype(c([1.0], tf.bfloat16) + c([1.0], tf.float16)) == "float32"
assert dtype(c([1], tf.uint32) + c([1], tf.int32)) == "int64"
assert dtype(c([1], tf.int8) + 1) == "int8" and dtype(c([1]) * 2.5) == "float32"
assert dtype(tf.experimental.numpy.array(1.0)) == "float32"
""",
    )


@pytest.mark.parametrize(
    "sum_", ["c([1], tf.int64) + c([1.0])", "c([1], tf.uint8) + c([1], tf.int8)"]
)
def test_what_loses_digits_is_refused(sum_):
    _run(
        "safe",
        f"""
try:
    {sum_}
except TypeError as error:
    assert "disallowed" in str(error)
else:
    raise AssertionError
""",
    )
