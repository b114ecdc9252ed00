"""Gradients of lists with elements that are read or written twice, or differ in shape: compiled, they are those of the tensors."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw

X = tf.constant([1.0, 2.0, 3.0])


def compiled_gradient(function, *args):
    def run(*args):
        with tf.GradientTape() as tape:
            tape.watch(X)
            y = function(*args)
        return tape.gradient(y, X)

    return tf.function(run)(*args).numpy().tolist()


def read_twice(indices):
    array = tf.TensorArray(tf.float32, 3).unstack(tf.stack([X, X * X, X * 3]))
    return tf.reduce_sum(array.gather(indices) * [[1.0], [2.0], [3.0], [4.0]])


def test_elements_that_are_gathered_twice_get_both_gradients():
    expected = (5 + 10 * X.numpy()).tolist()  # 5 of X, and 5 of its squares
    assert compiled_gradient(lambda: read_twice([0, 1, 1, 0])) == expected
    assert compiled_gradient(read_twice, tf.constant([0, 1, 1, 0])) == expected


@pytest.mark.parametrize("existing", [False, True])
def test_rows_that_later_ones_replace_have_no_gradient(existing):
    def put():
        rows, indices = tf.stack([X, X * X, X * 3]), tf.constant([2, 0, 2])
        if existing:
            empty = raw.TensorListReserve([3], 4, element_dtype=tf.float32)
            array = raw.TensorListScatterIntoExistingList(empty, rows, indices)
        else:
            array = raw.TensorListScatterV2(rows, indices, [3], 4)
        return tf.reduce_sum(raw.TensorListStack(array, [3], element_dtype=tf.float32))

    assert compiled_gradient(put) == (2 * X.numpy() + 3).tolist()


def second_of_split():
    return tf.TensorArray(tf.float32, 2).split(X, [1, 2]).read(1) * 2


def all_of_split():
    array = tf.TensorArray(tf.float32, 3).split(X, [2, 0, 1])
    parts = [array.read(i) for i in range(3)]
    return tf.reduce_sum(parts[0] * 2) + tf.reduce_sum(parts[1]) + tf.reduce_sum(parts[2] * 5)


def written_apart():
    array = tf.TensorArray(tf.float32, 2, infer_shape=False, element_shape=None)
    array = array.write(0, X[:1]).write(1, X)
    return tf.reduce_sum(array.read(0) * 2) + tf.reduce_sum(array.concat() * tf.range(4.0))


@pytest.mark.parametrize(
    ("function", "expected"),
    [(second_of_split, [0, 2, 2]), (all_of_split, [2, 2, 5]), (written_apart, [3, 2, 3])],
)
def test_elements_of_different_shapes(function, expected):
    assert compiled_gradient(function) == expected


def test_a_scattered_list_is_just_long_enough():
    rows = tf.stack([X, X * X])

    def length(indices, count=None):
        if count is None:
            made = raw.TensorListScatter(rows, indices, [3])
        else:
            made = raw.TensorListScatterV2(rows[: len(indices)], indices, [3], count)
        return raw.TensorListLength(made)

    assert tf.function(lambda: length(tf.constant([0, 0])))() == 1
    assert tf.function(lambda: length(tf.zeros([0], tf.int32), -1))() == 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="index 0 in list with size 0"):
        tf.function(lambda: length(tf.constant([0]), 0))()


def test_lists_of_other_shapes_do_not_broadcast():
    def listed(*items):
        made = raw.EmptyTensorList(-1, -1, element_dtype=tf.float32)
        for item in items:
            made = raw.TensorListPushBack(made, np.array(item, np.float32))
        return made

    with pytest.raises(tf.errors.InvalidArgumentError, match="the same shapes"):
        raw.AddN([listed([1], [2, 3]), listed([1, 2], [2, 3])])
