"""DLPack capsules."""

import numpy as np
import pytest

import penstock as tf

to_dlpack, from_dlpack = tf.experimental.dlpack.to_dlpack, tf.experimental.dlpack.from_dlpack


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "uint16", "int64", "bool", "bfloat16", "complex64"]
)
def test_there_and_back(dtype):
    x = tf.cast([[1, 0], [1, 1]], dtype)
    back = from_dlpack(to_dlpack(x))
    assert back.dtype == x.dtype
    np.testing.assert_array_equal(back.numpy(), x.numpy())


def test_memory_is_shared():
    array = np.arange(3.0)
    tensor = from_dlpack(array.__dlpack__())
    array[0] = 7
    assert tensor.numpy()[0] == 7
    assert np.from_dlpack(tf.constant([1.0, 2.0])).tolist() == [1, 2]


def test_wrong_arguments():
    capsule = to_dlpack(tf.constant([1.0]))
    from_dlpack(capsule)
    with pytest.raises(tf.errors.InvalidArgumentError):
        from_dlpack(capsule)
    with pytest.raises(tf.errors.InvalidArgumentError):
        to_dlpack(1)
    with pytest.raises(tf.errors.InvalidArgumentError):
        to_dlpack(tf.constant("a"))
    with pytest.raises(TypeError):
        from_dlpack(1)
