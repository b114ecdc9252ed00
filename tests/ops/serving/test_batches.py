"""Requests in batches of their own."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
LIMITS = {"num_batch_threads": 1, "max_batch_size": 4, "batch_timeout_micros": 0}


def test_there_and_back():
    x = tf.constant([[1.0], [2.0], [3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        (batched,), index, number = raw.Batch(
            in_tensors=[x], grad_timeout_micros=0, allowed_batch_sizes=[2, 4], **LIMITS
        )
    assert batched.numpy().ravel().tolist() == [1, 2, 3, 1]
    assert index.numpy()[:, 1:].tolist() == [[0, 3]]
    back = raw.Unbatch(batched_tensor=batched, batch_index=index, id=number, timeout_micros=0)
    np.testing.assert_array_equal(back, x)
    gradient = raw.UnbatchGrad(original_input=batched, batch_index=index, grad=x, id=number)
    assert gradient.numpy().ravel().tolist() == [1, 2, 3, 0]


def test_functions_of_batches():
    double = tf.function(lambda x, y: x * 2 + y)
    captured = tf.constant([[10.0]])
    spec = tf.TensorSpec([None, 1], tf.float32)
    function = double.get_concrete_function(spec, tf.TensorSpec([1, 1], tf.float32))

    def called(rows, **more):
        return raw.BatchFunction(
            in_tensors=[tf.ones([rows, 1])],
            captured_tensors=[captured],
            f=function,
            Tout=[tf.float32],
            **LIMITS,
            **more,
        )[0]

    assert called(3, allowed_batch_sizes=[4]).numpy().ravel().tolist() == [12] * 3
    assert called(9, enable_large_batch_splitting=True).shape == (9, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than maximum"):
        called(5)
