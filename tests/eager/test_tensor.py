"""Eager tensors as Python and NumPy see them."""

import numpy as np
import pytest

import penstock as tf


def test_tensors_print_as_tensorflows():
    assert f"{tf.constant([1, 2])}" == "[1 2]" and f"{tf.constant(3.14159):.2f}" == "3.14"
    assert str(tf.ones([2, 1])) == "tf.Tensor(\n[[1.]\n [1.]], shape=(2, 1), dtype=float32)"
    assert repr(tf.constant(1)) == "<tf.Tensor: shape=(), dtype=int32, numpy=1>"


def test_arrays_share_memory_and_are_not_written():
    tensor = tf.constant([1.0, 2.0])
    shared = np.asarray(tensor)
    assert not shared.flags.writeable and np.array(tensor).flags.writeable
    copy = tensor.numpy()
    copy[0] = 9
    assert tensor.numpy()[0] == 1


def test_the_shared_value_of_a_scalar_is_a_numpy_scalar():
    assert tf.constant(b"text")._numpy() == b"text" and type(tf.constant(1)._numpy()) is np.int32
    tensor = tf.constant([1.0, 2.0])
    assert np.shares_memory(tensor._numpy(), np.asarray(tensor))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([np.int64(1), 2], "int32"),
        ([np.arange(2), [1, 2]], "int32"),
        ([1, np.float64(2)], "float32"),
        ([np.float64(2), 1], "float64"),
        ([1, True], "int32"),
        ([1j, 2], "complex128"),
        (bytearray(b"ab"), "int32"),
    ],
)
def test_types_of_sequences(value, dtype):
    assert tf.convert_to_tensor(value).dtype == dtype


@pytest.mark.parametrize("value", [[True, 1], [True, 1.0], [1.0, 1j], [1, "a"]])
def test_mixed_sequences(value):
    with pytest.raises(ValueError, match="mixed types"):
        tf.convert_to_tensor(value)


def test_operators_name_their_operations():
    @tf.function
    def f(x):
        return [t.op.name for t in (x + 1, x * x, x - x, x / x, x**2, x[None])]

    assert [n.numpy().decode() for n in f(tf.constant(2.0))] == [
        "add", "mul", "sub", "truediv", "pow", "strided_slice",
    ]  # fmt: skip
