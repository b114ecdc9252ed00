"""Zeros and sums of optionals, which gradients of functions with optionals use. Expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def optional(*components):
    return raw.OptionalFromValue(components=list(map(tf.constant, components)))


def values(variant, types=(tf.float32, tf.int32)):
    shapes = [None] * len(types)
    parts = raw.OptionalGetValue(optional=variant, output_types=types, output_shapes=shapes)
    return [part if part.dtype == tf.variant else part.numpy().tolist() for part in parts]


PAIR = optional(np.float32([1, 2]), 7)


def test_zeros_of_each_component():
    assert values(raw.ZerosLike(x=PAIR)) == [[0.0, 0.0], 0]
    empty = raw.ZerosLike(x=raw.OptionalNone())
    assert not raw.OptionalHasValue(optional=empty).numpy()


def test_sums_of_each_component():
    assert values(raw.AddN(inputs=[PAIR, optional(np.float32([3, 5]), 1)])) == [[4.0, 7.0], 8]
    empty = raw.AddN(inputs=[raw.OptionalNone(), raw.OptionalNone()])
    assert not raw.OptionalHasValue(optional=empty).numpy()


def test_nested_optionals():
    outer = raw.OptionalFromValue(components=[PAIR])
    (total,) = values(raw.AddN(inputs=[outer, outer]), [tf.variant])
    assert values(total) == [[2.0, 4.0], 14]
    (zeros,) = values(raw.ZerosLike(x=outer), [tf.variant])
    assert values(zeros) == [[0.0, 0.0], 0]


def test_other_types_are_refused():
    for first, second in (("a", "b"), (True, False)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="unsupported dtype"):
            raw.AddN(inputs=[optional(first), optional(second)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="incompatible element types"):
        raw.AddN(inputs=[optional(1.0), optional(1)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="unsupported dtype string"):
        raw.ZerosLike(x=optional("a"))


def test_a_value_and_no_value_do_not_add():
    with pytest.raises(tf.errors.InvalidArgumentError, match="one has a value"):
        raw.AddN(inputs=[optional(1.0), raw.OptionalNone()])
