"""Integers of 4 and 2 bits are compiled where a cast reads them."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes

NARROW = [dtypes.int4, dtypes.uint4, dtypes.int2, dtypes.uint2]


@pytest.mark.parametrize("target", [tf.int32, tf.float32, tf.int8], ids=str)
@pytest.mark.parametrize("narrow", NARROW, ids=str)
def test_a_constant_of_few_bits_is_read_as_bytes(narrow, target, capfd):
    values = np.arange(200).reshape(8, 25).astype(np.int32).astype(narrow.np)
    shift = tf.ones([8, 25], target)
    f = tf.function(lambda y: tf.cast(tf.constant(values, narrow), target) + y)
    np.testing.assert_array_equal(f(shift), values.astype(target.as_numpy_dtype) + 1)
    assert "interpreted" not in capfd.readouterr().err


@pytest.mark.parametrize("source", [tf.int8, tf.uint8, tf.int32, tf.int64, tf.uint64], ids=str)
@pytest.mark.parametrize("narrow", NARROW, ids=str)
def test_casts_through_few_bits_keep_the_low_ones(narrow, source, capfd):
    x = tf.cast(np.arange(-300, 300), source)
    f = tf.function(lambda x: tf.cast(tf.cast(x, narrow), tf.int32) * 3)
    wrapped = x.numpy().astype(narrow.np).astype(np.int32)
    np.testing.assert_array_equal(f(x), wrapped * 3)
    assert "interpreted" not in capfd.readouterr().err


MOVED = {
    "transpose": tf.transpose,
    "reshape": lambda x: tf.reshape(x, [25, 8]),
    "gather": lambda x: tf.gather(x, [3, 0, 3]),
    "columns": lambda x: tf.gather(x, [3, 0, 3], axis=1),
    "slice": lambda x: x[2:, ::-2],
    "concat": lambda x: tf.concat([x, x[:1]], 0),
    "tile": lambda x: tf.broadcast_to(x[:, None], [8, 3, 25]),
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
def test_parts_of_a_constant_are_moved_as_bytes(move, capfd):
    values = np.arange(200).reshape(8, 25).astype(np.int32).astype(dtypes.int4.np)
    f = tf.function(lambda y: tf.cast(move(tf.constant(values, dtypes.int4)), tf.float32) * y)
    moved = move(tf.constant(values.astype(np.int32))).numpy()
    np.testing.assert_array_equal(f(tf.constant(2.0)), moved * 2.0)
    assert "interpreted" not in capfd.readouterr().err
