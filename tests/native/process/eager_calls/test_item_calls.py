"""Basic indexing as a builtin: slices as NumPy's, and what is left to the long way."""

import dataclasses
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager.execute import surroundings
from penstock._src.native.process.eager_calls.item_calls import item_call
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED

pytestmark = pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")
ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
BASIC = [
    0, -1, slice(1, 2), slice(None, None, -1), None, ..., (), (1, 2), (0, 1, 2), (..., 1), (None, 0, ..., None),
    (slice(None), 1), (slice(0, 9, 2), slice(2, 0, -1), 3), slice(5, 9),
]  # fmt: skip


def anywhere():
    """What calls look at, with whatever earlier tests have put in place of the executor."""
    return dataclasses.replace(surroundings(), run=slots.RUN_EAGERLY)


@pytest.fixture(scope="module")
def item():
    return item_call(anywhere(), [ARRAY.dtype, np.dtype(np.int64)])


@pytest.mark.parametrize("index", BASIC, ids=str)
def test_slices_are_numpys(item, index):
    result = item(tf.constant(ARRAY), index)
    expected = np.asarray(ARRAY[index])
    assert type(result) is type(tf.constant(0.0)) and result.dtype is tf.float32
    assert type(result._value) is np.ndarray and result._value.flags.c_contiguous
    assert result.shape == expected.shape and result.numpy().tolist() == expected.tolist()


@pytest.mark.parametrize(
    "index",
    [True, 2, (0, 3), (0, 0, 0, 0), [0], np.int64(0), np.array([0]), 0.0, "a", slice(0.0, 1), slice(np.int32(1)),
     (..., ...), ((0,),), (slice(None, None, 0),)],
    ids=repr,
)  # fmt: skip
def test_other_indices_are_left(item, index):
    assert item(tf.constant(ARRAY), index) is None


def test_tensors_in_indices_are_left(item):
    assert item(tf.constant(ARRAY), tf.constant(0)) is None


def test_other_objects_and_dtypes_are_left(item):
    for value in (
        ARRAY,
        tf.Variable(ARRAY),
        tf.constant(["a"]),
        tf.constant([1.0], tf.float16),
        None,
    ):
        assert item(value, 0) is None
    assert item(tf.constant(ARRAY)) is None


def test_tapes_and_graphs_are_left(item):
    x = tf.constant(ARRAY)
    with tf.GradientTape():
        assert item(x, 0) is None
    with tf.Graph().as_default():
        assert item(x, 0) is None


def test_references_are_given_back(item):
    x, index = tf.constant(ARRAY), (1, slice(None), 2)
    watched = [x, x._value, index, None, tf.float32, ARRAY.dtype]
    before = list(map(sys.getrefcount, watched))
    for _ in range(1000):
        item(x, index)
        item(x, 1)
        item(x, 5)
        item(x, (0, 0, 0))
    after = list(map(sys.getrefcount, watched))
    assert all(abs(a - b) < 100 for a, b in zip(before, after, strict=True))
