"""Weak tensors: what is made of Python numbers gives way to other dtypes, while the lattice promotes."""

import subprocess
import sys

HEAD = """
import numpy as np
import penstock as tf
tf.experimental.numpy.experimental_enable_numpy_behavior(dtype_conversion_mode={mode!r})
tnp, c = tf.experimental.numpy, tf.constant
def kind(x): return x.dtype.name + ("w" if "weak=True" in repr(x) else "")
def kinds(*values): return " ".join(map(kind, values))
"""


def _run(lines, mode="all"):
    script = HEAD.format(mode=mode) + lines
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_constants_of_numbers_are_weak():
    _run(
        """
assert kinds(c(1), c([1.5, 2]), c(1j), c([])) == "int32w float32w complex128w float32w"
assert kinds(c(1, tf.int32), c(np.array([1.0])), c(True), c("a")) == "int32 float64 bool string"
assert kinds(c(c(1), tf.float32), tf.convert_to_tensor(c(1)), tf.cast(c(1), tf.int8)) == "float32 int32 int8"
assert c([1, 2]).numpy().tolist() == [1, 2] and int(c(3)) == 3 and len(c([1, 2])) == 2 and c([[1]]).shape == [1, 1]
assert not isinstance(c(1), tf.Tensor) and tf.is_tensor(c(1))
"""
    )


def test_operators_join_dtypes_and_weakness():
    _run(
        """
assert kinds(c(1) + 1, c(1) * 1.5, c(1, tf.int32) + 1, 1.5 + c(1, tf.int32)) == "int32w float32w int32 float64w"
assert kinds(c(1) + np.int8(1), np.float64(1) - c(1), c(1, tf.float16) / c(2.0)) == "int8 float64 float16"
assert kinds(c(1) == 1.0, c([[1]]) @ c([[1.0]]), -c(1), abs(c(-1)), ~c(1)) == "bool float32w int32w int32w int32w"
assert (c(3, tf.int64) * c(0.5)).numpy() == 1.5 and kind(tf.Variable(1) + 1.5) == "float64w"
"""
    )


def test_functions_keep_weakness_unless_a_dtype_is_given():
    _run(
        """
assert kinds(tf.reduce_sum([1, 2]), tf.exp(c(0.0)), tf.reshape(c([1, 2]), [2, 1]), tf.abs(c(-1j))) == "int32w float32w int32w float64w"
assert kinds(tf.ones_like(c(1), dtype=tf.int8), tf.reduce_sum(np.ones(2)), tf.maximum(1, 2.5)) == "int8 float64 float32"
assert kinds(tnp.sum([1, 2]), tnp.mean(c([1, 2])), tnp.array(1), tnp.zeros(2)) == "int32w float32w int32w float32"
assert kinds(tf.add(1, 2.5), tf.pow(c(2), 3), tf.math.floordiv(5, 2.0)) == "float32w int32w float32w"
assert kind(tf.ragged.constant([[1.0]]).values) == "float32"
"""
    )


def test_weak_tensors_pass_through_functions_gradients_and_structures():
    _run(
        """
twice = tf.function(lambda x: x + x)
assert kind(twice(c(1))) == "int32w" and kind(twice(c(1, tf.int32))) == "int32"
x = c(3.0)
with tf.GradientTape() as tape:
    tape.watch(x)
    y = x * x
assert tape.gradient(y, x).numpy() == 6
assert tf.nest.flatten({"a": c(1)})[0].dtype == tf.int32
total = tf.while_loop(lambda i: i.to_tensor() < 3, lambda i: [i + 1], [c(0)])[0]
assert int(total) == 3
"""
    )


def test_variables_take_what_their_dtype_holds():
    _run(
        """
v = tf.Variable(1.0, dtype=tf.float64)
v.assign(c(2)); v.assign_add(np.float32(0.5)); v.assign_sub(delta=1)
assert v.numpy() == 1.5
try:
    tf.Variable(1).assign(1.5)
except TypeError as error:
    assert "Variable dtype is immutable" in str(error)
else:
    raise AssertionError
"""
    )


def test_safe_refuses_what_only_all_allows():
    _run(
        """
assert kinds(c(1, tf.int32) + 1, c(1.0) + c(1, tf.float16)) == "int32 float16"
for call in (lambda: c(1, tf.int32) + 1.5, lambda: tf.add(c(1, tf.int8), c(1, tf.uint8))):
    try:
        call()
    except TypeError as error:
        assert "PromoMode.SAFE" in str(error)
    else:
        raise AssertionError
""",
        mode="safe",
    )


def test_numbers_that_int32_does_not_hold_are_refused():
    _run(
        """
try:
    c(1) + 2**40
except OverflowError as error:
    assert "too large" in str(error)
else:
    raise AssertionError
"""
    )
