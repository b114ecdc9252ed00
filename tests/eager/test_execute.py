"""Eager execution: ops kept with the types they were bound to, lists, numbers and variables among the inputs."""

import warnings

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import find, raw


def test_ops_of_lists_are_bound_by_the_types_of_the_elements():
    one, two = tf.constant([1.0]), tf.constant([2.0])
    for _ in range(2):
        assert tf.concat([one, two], 0).numpy().tolist() == [1.0, 2.0]
        assert tf.concat([one, two, one], 0).shape == [3]
        assert tf.concat([tf.cast(one, tf.int32)] * 2, 0).dtype == tf.int32
        assert tf.stack([tf.Variable(1.0), 2.0]).numpy().tolist() == [1.0, 2.0]
        assert raw.AddN(inputs=[one, two]).numpy().tolist() == [3.0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        raw.ConcatV2([one, tf.constant([2])], 0)
    with pytest.raises(TypeError, match="list"):
        raw.AddN(inputs=one)


def test_lists_of_other_types_are_bound_anew():
    pack = find("Pack")
    raw.Pack([tf.constant(1), tf.constant(2)])
    raw.Pack([tf.constant(1), tf.constant(2)])
    assert ((tf.int32, tf.int32),) in pack.bound
    assert raw.Pack([tf.constant(1.0)]).dtype == tf.float32


def test_gradients_flow_through_ops_of_lists():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0])
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.concat([x, y, x], 0) * tf.constant([1.0, 2.0, 3.0, 4.0, 5.0])
        gx, gy = tape.gradient(z, [x, y])
        assert gx.numpy().tolist() == [5.0, 7.0] and gy.numpy().tolist() == [3.0]


def test_reads_of_a_variable_add_up():
    v = tf.Variable(3.0)
    fixed = tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        z = v * v * fixed
        tape.watch(fixed)
        w = v * fixed
    assert float(tape.gradient(z, v)) == 12.0
    assert tape.gradient(z, fixed) is None
    assert float(tape.gradient(w, fixed)) == 3.0


def test_numbers_beside_tensors_keep_their_own_values():
    x = tf.zeros([2, 3])
    for axis, shape in [(0, [1, 2, 3]), (1, [2, 1, 3]), (0, [1, 2, 3])]:
        assert tf.expand_dims(x, axis).shape == shape


def test_functions_of_numpy_warn_of_nothing_and_name_their_op():
    zero = tf.constant([0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert np.isinf(tf.math.log(zero).numpy()).all()
            assert np.isnan((zero * np.float32(np.inf)).numpy()).all()
    for _ in range(2):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[Op:Mul\]"):
            raw.Mul(tf.ones([2]), tf.ones([3]))


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.bool, tf.int64, tf.complex64])
def test_small_constants_are_what_the_op_gives(dtype):
    for shape in ([2, 3], (), [0, 2]):
        ones = tf.ones(shape, dtype)
        dims = tf.constant(shape, tf.int32, shape=[len(shape)])
        filled = raw.Fill(dims=dims, value=tf.cast(1, dtype))
        assert ones.dtype == dtype and ones.shape == shape
        assert (ones.numpy() == filled.numpy()).all()
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.zeros([-1], dtype)


def test_lists_of_tensors_of_several_types_are_packs_error_outside_of_functions():
    float_, half = tf.constant(2.0), tf.constant(1.0, tf.float16)
    message = r"cannot compute Pack as input #1\(zero-based\) was expected to be a float tensor"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.reduce_sum([float_, half])
    with pytest.raises(TypeError, match="list containing a tensor of dtype"):
        tf.convert_to_tensor([float_, half, 1.0])
    with pytest.raises(TypeError, match="list containing a tensor of dtype"):
        tf.function(lambda: tf.reduce_sum([float_, half]))()
