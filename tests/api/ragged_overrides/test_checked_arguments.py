"""Arguments of functions of ragged tensors: what is taken, and what is refused as TensorFlow refuses it."""

import re

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
ROWS = [[1, 2], [], [3, 4, 5]]


def rows():
    return tf.ragged.constant(ROWS)


def deep():
    return tf.ragged.constant([[[1, 2], [3]], [], [[4], [5, 6, 7]]])


@pytest.mark.parametrize(
    "call, error, text",
    [
        (
            lambda: tf.expand_dims(rows(), 3),
            ValueError,
            r"axis=3 out of bounds: expected -3<=axis<3",
        ),
        (lambda: tf.gather(rows(), [0], axis=2), ValueError, "axis=2 out of bounds"),
        (lambda: tf.reverse(rows(), [2]), ValueError, r"axis\[0\]=2 out of bounds"),
        (lambda: tf.reverse(rows(), 0), TypeError, "must be a list of int or a constant"),
        (lambda: tf.tile(rows(), [[2, 1]]), ValueError, r"Shape \(1, 2\) must have rank 1"),
        (lambda: tf.tile(rows(), [2]), ValueError, "must have 2 entries"),
        (lambda: tf.split(rows(), [1, 1, 1], num=2), ValueError, "`num` does not match the size"),
        (lambda: tf.split(rows(), [[1, 2]]), TypeError, "must be an `int` or 1-D list"),
        (lambda: tf.split(rows(), 1.5), TypeError, "must be an `int` or 1-D list"),
        (lambda: tf.split(rows(), tf.constant(3)), TypeError, "must be an `int` or 1-D list"),
        (lambda: tf.gather_nd(rows(), 2), ValueError, "indices.rank must be at least 1"),
        (lambda: tf.ragged.stack([]), ValueError, "rt_inputs may not be empty"),
        (lambda: tf.ragged.segment_ids_to_row_splits([0.0, 1]), TypeError, "integer"),
        (lambda: tf.ragged.segment_ids_to_row_splits([[0]]), ValueError, "must have rank 1"),
        (lambda: tf.ragged.row_splits_to_segment_ids([[0]]), ValueError, "must have rank 1"),
        (lambda: rows().merge_dims("a", 1), TypeError, "outer_axis must be an int; got str"),
        (
            lambda: tf.RaggedTensor.from_tensor([[1, 2]], lengths=[1.0]),
            TypeError,
            "integer",
        ),
        (lambda: rows()[5], IndexError, "Row key 5 out of bounds"),
        (
            lambda: tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2]),
            tf.errors.InvalidArgumentError,
            "Arguments to _from_row_partition do not form a valid RaggedTensor",
        ),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_graph_refuses_to_convert_with_a_type_error():
    with tf.Graph().as_default(), pytest.raises(TypeError, match="Failed to convert elements of"):
        tf.convert_to_tensor(rows())
    with pytest.raises(ValueError, match="has no len"):
        tf.convert_to_tensor(rows())


@pytest.mark.parametrize(
    "value, multiples, expected",
    [
        (rows, [2, 1], ROWS + ROWS),
        (rows, [0, 2], []),
        (rows, [1, 2], [[1, 2, 1, 2], [], [3, 4, 5, 3, 4, 5]]),
        (
            deep,
            [1, 1, 2],
            [[[1, 2, 1, 2], [3, 3]], [], [[4, 4], [5, 6, 7, 5, 6, 7]]],
        ),
        (deep, [1, 2, 0], [[[], [], [], []], [], [[], [], [], []]]),
    ],
)
def test_tiled_by_numbers_known_or_not(value, multiples, expected):
    assert tf.tile(value(), multiples).to_list() == expected
    tiled = tf.function(lambda counts: tf.tile(value(), counts))
    assert tiled(tf.constant(multiples)).to_list() == expected


def test_uniform_rows_stay_uniform_when_tiled():
    pairs = tf.RaggedTensor.from_uniform_row_length(rows()[:2], 2)
    assert tf.tile(pairs, [1, 2, 1]).uniform_row_length == 4


def test_a_ragged_tensor_alone_is_stacked_and_a_vector_indexes():
    assert tf.ragged.stack(rows()).to_list() == [ROWS]
    assert tf.gather_nd(rows(), [2]).to_list() == [[3, 4, 5]]
    assert tf.gather_nd(rows(), [2, 1]) == 4
    assert tf.gather_nd(rows(), []).to_list() == ROWS


def test_numpy_leaves_operators_to_ragged_tensors():
    assert (np.asarray(1) + rows()).to_list() == [[2, 3], [], [4, 5, 6]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.split(rows(), [1, 1])[0].flat_values,
        lambda: tf.split(rows(), 2)[0].flat_values,
        lambda: tf.matmul(tf.ragged.constant([[1.0, 2.0], [3.0]]), [[1.0], [2.0]]),
        lambda: tf.math.unsorted_segment_sum(rows(), tf.ragged.constant([[0, 1], [0], [0, 1]]), 2),
    ],
)
def test_graphs_of_tensorflow_1_check_as_well(call):
    with tf.Graph().as_default(), v1.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(call())


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: tf.gather(x, [0], batch_dims=1), ValueError, "batch shape from indices (1,)"),
        (
            lambda x: tf.gather(x, 0, batch_dims=1),
            ValueError,
            "batch_dims=1 out of bounds: expected 0<=batch_dims<0",
        ),
        (
            lambda x: tf.gather(x, [[0], [0]], batch_dims=2),
            ValueError,
            "batch_dims must be less than rank(params)",
        ),
        (
            lambda x: tf.concat([x, tf.ragged.constant([[4]])], 1),
            tf.errors.InvalidArgumentError,
            "Input tensors at index 0 (=x) and 1 (=y) have incompatible shapes.",
        ),
        (
            lambda x: tf.split(x, [1, 2]),
            tf.errors.InvalidArgumentError,
            "Cannot exactly split the `axis` dimension of `value`",
        ),
        (
            lambda x: x + tf.ragged.constant([[1], [2, 3]]),
            tf.errors.InvalidArgumentError,
            "Condition x == y did not hold.",
        ),
    ],
)
def test_ragged_functions_refuse_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(tf.ragged.constant([[1, 2], [3]]))


def test_an_ellipsis_does_not_hide_that_indices_are_too_many():
    with pytest.raises(IndexError, match="Too many indices for RaggedTensor"):
        rows()[..., 0, 0, 0]


def test_batches_of_one_length_are_gathered_from_ragged_tensors():
    params = tf.RaggedTensor.from_uniform_row_length(tf.ragged.constant([[1, 2], [3]]), 1)
    indices = tf.constant([[[1]], [[0]]])
    assert tf.gather(params, indices, batch_dims=2).numpy().tolist() == [[[2]], [[3]]]
    with pytest.raises(ValueError, match="corresponds to uniform indices dimension"):
        tf.gather(tf.ragged.constant([[[1, 2], [3]], [[4]]]), [[0], [0]], batch_dims=2)


@pytest.mark.parametrize(
    "axis, error, message",
    [
        (-4, ValueError, "axis=-4 out of bounds: expected -3<=axis<3"),
        (3, ValueError, "axis=3 out of bounds: expected -3<=axis<3"),
        (1.5, TypeError, "axis must be an int; got float"),
    ],
)
def test_softmax_refuses_axes_that_do_not_exist(axis, error, message):
    rows = tf.ragged.constant([[[1.0], [2.0]], [[3.0]]], ragged_rank=1)
    with pytest.raises(error, match=message):
        tf.nn.softmax(rows, axis)
