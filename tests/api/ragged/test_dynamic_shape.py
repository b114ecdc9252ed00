"""tf.experimental.DynamicRaggedShape: construction and comparison; expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.ragged.row_partition import RowPartition

Shape = tf.experimental.DynamicRaggedShape
TWO_ROWS = RowPartition.from_row_lengths([1, 2])


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Shape(3, [2]), TypeError, "row_partitions should be a list"),
        (lambda: Shape([3], [2]), TypeError, "contains 3 which is not a RowPartition"),
        (lambda: Shape([TWO_ROWS, TWO_ROWS], [3], validate=True), Exception, "between 0 and 1"),
        (lambda: Shape([], tf.constant([2.0])), ValueError, "Illegal dtype: <dtype: 'float32'>"),
        (lambda: Shape.from_lengths((2, 3)), ValueError, "lengths should be a list"),
        (lambda: Shape.from_lengths([2, "a"]), ValueError, "should be int or tuple of ints"),
        (lambda: Shape.from_lengths([2, (1, 2, 3)]), ValueError, "Shape not consistent"),
        (lambda: Shape.from_lengths([2], 1), ValueError, "should be less than"),
        (lambda: Shape.from_lengths([], 1), ValueError, "==0 for a scalar shape"),
        (lambda: Shape.from_row_partitions([]), ValueError, "cannot be empty"),
    ],
)
def test_impossible_shapes_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_type_of_lengths_is_that_of_the_arguments():
    assert Shape([], [2, 3]).dtype == tf.int64
    assert Shape([], np.array([2], np.int32)).dtype == tf.int32
    assert Shape.from_tensor([1, 2]).dtype == tf.int32
    assert Shape.from_tensor(tf.ragged.constant([[1]])).dtype == tf.int64


def test_shapes_of_different_ranks_differ():
    assert not Shape.from_lengths([1]) == Shape.from_lengths([1, 1, 1])
    assert bool(Shape.from_lengths([2, (1, 2)]) == Shape.from_lengths([2, (1, 2)]))


def test_shapes_merge_what_is_known_of_them():
    uniform = Shape.from_lengths([2, 3])
    assert uniform._merge_with(Shape.from_lengths([2, 3], 1)).num_row_partitions == 1
    with pytest.raises(ValueError, match="not compatible"):
        uniform._merge_with_spec(Shape.from_lengths([2, 4])._type_spec)


def test_flat_values_are_as_many_as_the_partitions_say():
    shape = Shape.from_lengths([2, (1, 2)])
    assert shape._add_row_partitions(tf.range(3), validate=True).to_list() == [[0], [1, 2]]
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match="does not match flat_values"
    ):
        shape._add_row_partitions(tf.range(4), validate=True)


def test_rows_of_as_many_rows_become_one_array():
    ragged = tf.ragged.constant([[[0], [1, 2]], [[4, 5], [6]]])
    assert ragged.numpy().shape == (2, 2)
    assert repr(ragged) == "<tf.RaggedTensor [[[0], [1, 2]],\n [[4, 5], [6]]]>"
