"""Elementwise functions of ragged and dense operands; expected values as TensorFlow 2.21 gives them."""

import pytest

import penstock as tf

ROWS = tf.ragged.constant([[1, 2], [3]])


def traced(x, y):
    return tf.function(tf.add)(x, y)


@pytest.fixture(params=[tf.add, traced])
def plus(request):
    return request.param


CASES = [
    (tf.constant([[10], [20]]), ROWS, [[11, 12], [23]]),
    (tf.constant([[10]]), ROWS, [[11, 12], [13]]),
    (tf.ones([4, 1, 1], tf.int32), ROWS, [[[2, 3], [4]]] * 4),
    (tf.ones([2, 2, 1], tf.int32), ROWS, [[[2, 3], [4]]] * 2),
    (
        tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1),
        tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]]),
        [[[2, 4], [6, 8]], [[10, 12]]],
    ),
    (
        tf.ragged.constant([[[1], [3]], [[5]]], ragged_rank=1),
        tf.ragged.constant([[[1, 2], [3]], [[5, 6, 7]]]),
        [[[2, 3], [6]], [[10, 11, 12]]],
    ),
    (tf.ragged.constant([[1, 2]]), tf.ragged.constant([[1, 2], [3, 4]]), [[2, 4], [4, 6]]),
    (tf.RaggedTensor.from_uniform_row_length([1, 2], 1), ROWS, [[2, 3], [5]]),
]


@pytest.mark.parametrize("x, y, expected", CASES)
def test_axes_are_matched_from_the_last(plus, x, y, expected):
    assert plus(x, y).to_list() == expected
    assert plus(y, x).to_list() == expected


@pytest.mark.parametrize(
    "other",
    [
        tf.ragged.constant([[1], [2, 3]]),
        tf.ragged.constant([[1, 2], [3], [4]]),
        tf.ragged.constant([[1], [2]]),
        tf.ones([4, 3, 1], tf.int32),
        tf.constant([[5, 6]]),
    ],
)
def test_rows_that_do_not_match_are_refused(plus, other):
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        plus(ROWS, other)


def test_row_splits_of_two_types_are_refused():
    with pytest.raises(ValueError, match="mismatched row_splits dtypes"):
        ROWS + tf.ragged.constant([[1, 2], [3]], row_splits_dtype=tf.int32)


def test_an_unknown_rank_is_refused_while_the_graph_is_built():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)])
    def f(values):
        return ROWS + values

    with pytest.raises(ValueError, match="unknown rank"):
        f(tf.constant([[1], [2]]))


def test_lengths_unknown_while_tracing_are_matched_when_it_runs():
    f = tf.function(lambda d: ROWS + d, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    assert f([[10], [20]]).to_list() == [[11, 12], [23]]
    assert f([[10]]).to_list() == [[11, 12], [13]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to broadcast"):
        f([[1, 2, 3], [4, 5, 6]])


def test_gradients_add_up_what_was_repeated():
    x = tf.constant([[1.0], [2.0]])
    rows = tf.cast(ROWS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum((x * rows).flat_values)
    assert tape.gradient(total, x).numpy().tolist() == [[3.0], [3.0]]


def test_ragged_shapes_broadcast():
    shape = tf.experimental.DynamicRaggedShape.from_lengths([2, (2, 3), 1])
    wide = tf.broadcast_dynamic_shape(shape, [5])
    assert wide.static_lengths() == [2, (2, 3), 5]
    column = tf.RaggedTensor.from_uniform_row_length(tf.constant([["a"], ["b"]]), 1)
    target = tf.experimental.DynamicRaggedShape.from_lengths([2, (2, 1), 1])
    assert tf.broadcast_to(column, target).to_list() == [[[b"a"], [b"a"]], [[b"b"]]]


def test_dropout_keeps_its_seed():
    rows = tf.ragged.constant([[1.0] * 40])
    for dropout in (tf.nn.dropout, tf.compat.v1.nn.dropout):
        tf.random.set_seed(7)
        ragged = dropout(rows, rate=0.5, seed=1)
        tf.random.set_seed(7)
        dense = dropout(rows.flat_values, rate=0.5, seed=1)
        assert ragged.flat_values.numpy().tolist() == dense.numpy().tolist()


def test_images_of_different_sizes_become_a_batch():
    images = tf.ragged.stack([tf.ones([2, 8, 3]), tf.ones([3, 5, 3])])
    for resize in (tf.image.resize, tf.compat.v1.image.resize):
        assert resize(images, (4, 4)).shape == [2, 4, 4, 3]


def test_an_axis_must_be_known():
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def f(axis):
        return tf.reduce_sum(ROWS, axis)

    assert tf.reduce_sum(ROWS, tf.constant(1)).numpy().tolist() == [3, 3]
    with pytest.raises(ValueError, match="axis must be known"):
        f(1)


def test_places_in_uniform_inner_axes_are_found():
    rows = tf.ragged.constant([[[True, False]], [[False, True], [True, True]]], ragged_rank=1)
    assert tf.where(rows).numpy().tolist() == [[0, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]]
