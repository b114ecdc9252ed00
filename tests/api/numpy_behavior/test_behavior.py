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
assert x.tolist() == [[1, 2], [3, 4]] and x.flatten("F").tolist() == [1, 3, 2, 4]
assert x.ravel().shape == [4] and x.size == 4 and x.ndim == 2
assert dtype(x.astype(tf.float32)) == "float32"
assert x.clip(2, 3).numpy().tolist() == [[2, 2], [3, 3]]
assert x.max().numpy() == 4 and x.mean().numpy() == 2.5
assert x[:, [1, 0]].numpy().tolist() == [[2, 1], [4, 3]]
assert x[[0, -1], [1, 0]].numpy().tolist() == [2, 3]
assert x[x > 2].numpy().tolist() == [3, 4]
y = np.arange(24).reshape(2, 3, 4)
for at in [np.s_[:, (True, False, True)], np.s_[(False, True),], np.s_[:, [0, 2]], np.s_[0, :, [1, 3]], np.s_[..., [1, 0]], np.s_[[1], :, 2]]:
    assert (c(y)[at].numpy() == y[at]).all(), at
""",
    )


def test_variables_are_indices_as_tensors_are():
    _run(
        "legacy",
        """
y = np.arange(24).reshape(2, 3, 4)
x, places, place, mask = c(y), tf.Variable([1, 0]), tf.Variable(1), tf.Variable(y > 7)
assert (x[places].numpy() == y[[1, 0]]).all()
assert (x[:, places, 2].numpy() == y[:, [1, 0], 2]).all()
assert (x[place, places].numpy() == y[1, [1, 0]]).all()
assert (x[place, place:].numpy() == y[1, 1:]).all()
assert (x[mask].numpy() == y[y > 7]).all()
assert (tf.function(lambda a: a[:, places])(x).numpy() == y[:, [1, 0]]).all()
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


def test_functions_and_variables_promote_as_operators():
    _run(
        "all",
        """
assert dtype(tf.add(c([1, 2]), 1.5)) == "float32"
assert tf.add(c([1.0]), np.array([0.1])).numpy() == 1.1
assert dtype(tf.multiply(c([1], tf.int64), c([1]))) == "int64"
assert dtype(tf.matmul(c([[1]]), c([[1.0]]))) == "float32"
assert dtype(tf.Variable([1, 2]) + np.array([0.5, 1.5])) == "float64"
assert dtype(c([1], tf.uint8) + 1.5) == "float64"
assert tf.experimental.numpy.result_type(tf.int16, True) == tf.int16
""",
    )


def test_safe_promotion_refuses_numbers_that_widen():
    _run(
        "safe",
        """
for pair in [(np.int32(1), 1.5), (np.float32(1), 1j), (np.uint8(1), 0.5)]:
    try:
        tf.experimental.numpy.result_type(*pair)
    except TypeError as error:
        assert "PromoMode.SAFE" in str(error)
    else:
        raise AssertionError(pair)
""",
    )


def test_preferred_float32_concerns_pythons_numbers_only():
    _run(
        "legacy",
        """
tnp = tf.experimental.numpy
tnp.experimental_enable_numpy_behavior(prefer_float32=True)
assert dtype(tnp.array(1.5)) == dtype(tnp.array([1.5, 2])) == "float32"
assert dtype(tnp.array(np.zeros(2))) == dtype(tnp.zeros(2)) == "float64"
assert tnp.result_type(np.zeros(2, np.int32), np.float64) == tf.float64
assert tnp.result_type(1.5j) == tf.complex64
x = tf.constant([1.0])
assert dtype(x + np.float64(1)) == dtype(tnp.sin(np.float64(1))) == dtype(tnp.array([np.float64(1)])) == "float32"
assert dtype(x + np.complex128(1)) == "complex64" and dtype(x + np.float64(1) * np.ones(1)) == "float64"
""",
    )


def test_methods_are_named_where_numpys_behavior_is_off():
    _run(
        "off",
        """
tnp = tf.experimental.numpy
assert tnp.geomspace(-1, -100, 3).numpy().round(9).tolist() == [-1, -10, -100]
try:
    tnp.average(np.ones([2, 3]), weights=np.ones([2, 4]))
except tf.errors.InvalidArgumentError:
    pass
else:
    raise AssertionError("weights of another shape")
""",
    )
    script = """
import penstock as tf
try:
    tf.constant(1.0).astype
except AttributeError as error:
    assert "experimental_enable_numpy_behavior" in str(error)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
