"""Maps of tensors: gradients by key, and what their keys have to be."""

import pytest

import penstock as tf


def _insert(where, key, value):
    return tf.raw_ops.TensorMapInsert(input_handle=where, key=key, value=value)


def _lookup(where, key):
    return tf.raw_ops.TensorMapLookup(input_handle=where, key=key, value_dtype=tf.float32)


def test_each_key_has_its_own_gradient():
    x, y = tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        both = _insert(_insert(tf.raw_ops.EmptyTensorMap(), "x", x), "y", y)
        first, second = _lookup(both, "x"), _lookup(both, "y")
        product, square = first * second, first * first
    assert [g.numpy() for g in tape.gradient(product, [x, y])] == [5.0, 3.0]
    assert [g.numpy() for g in tape.gradient(square, [x, y])] == [6.0, 0.0]


def test_a_replaced_value_has_a_gradient_of_zero():
    x, y = tf.constant(3.0), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        found = _lookup(_insert(_insert(tf.raw_ops.EmptyTensorMap(), "k", x), "k", y), "k")
    assert [g.numpy() for g in tape.gradient(found, [x, y])] == [0.0, 1.0]


def test_stacked_keys_are_of_one_type_and_shape():
    where = _insert(tf.raw_ops.EmptyTensorMap(), "a", 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not match requested dtype"):
        tf.raw_ops.TensorMapStackKeys(input_handle=where, key_dtype=tf.float32)
    where = _insert(where, ["b"], 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must all have the same shape"):
        tf.raw_ops.TensorMapStackKeys(input_handle=where, key_dtype=tf.string)
