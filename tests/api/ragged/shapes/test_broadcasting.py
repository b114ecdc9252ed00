"""Broadcasting of ragged shapes and of tensors to them; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.api.ragged.shapes import broadcasting, layers
from penstock._src.api.ragged.shapes.elementwise import elementwise

Shape = tf.experimental.DynamicRaggedShape
ROWS = [2, (1, 2)]


def shape(lengths, partitions=None):
    return Shape.from_lengths(lengths, num_row_partitions=partitions)


@pytest.mark.parametrize(
    "x, y, result, partitions",
    [
        (shape([2, 1]), shape(ROWS), ROWS, 1),
        (shape([1]), shape(ROWS), ROWS, 1),
        (shape([]), shape(ROWS), ROWS, 1),
        (shape([2, 1, 3]), shape([2, (1, 2), 1]), [2, (1, 2), 3], 1),
        (shape([2, (1, 2), 1]), shape([3]), [2, (1, 2), 3], 1),
        (shape([2, 1, (3, 1)]), shape([2, 3, 1]), [2, 3, (3, 3, 3, 1, 1, 1)], 2),
        (shape([1, (3,)]), shape([2, 3]), [2, (3, 3)], 1),
        (shape([4, 1]), shape([3]), [4, 3], 0),
        (shape([1, 3], 1), shape([2, 1], 1), [2, 3], 1),
    ],
)
def test_shapes_broadcast_from_the_last_axis(x, y, result, partitions):
    for made in (tf.broadcast_dynamic_shape(x, y), tf.broadcast_dynamic_shape(y, x)):
        assert (made.static_lengths(), made.num_row_partitions) == (result, partitions)


@pytest.mark.parametrize("x, y", [(ROWS, [2, (2, 1)]), (ROWS, [2, 3]), (ROWS, [3, 1]), ([2], [3])])
def test_rows_that_do_not_match_are_refused(x, y):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Condition x == y did not hold"):
        tf.broadcast_dynamic_shape(shape(x), shape(y))


def test_tensors_broadcast_to_ragged_shapes():
    assert tf.broadcast_to([[1], [2]], shape(ROWS)).to_list() == [[1], [2, 2]]
    ragged = tf.ragged.constant([[[1], [2, 3]], [[4]]])
    columns = tf.ragged.constant([[[1], [2]], [[4]]], ragged_rank=1)
    wide = broadcasting.broadcast_to(columns, shape([2, (2, 1), 2]))
    assert wide.to_list() == [[[1, 1], [2, 2]], [[4, 4]]]
    with pytest.raises(ValueError, match="smaller rank"):
        tf.broadcast_to(ragged, shape(ROWS))
    with pytest.raises(ValueError, match="Cannot coerce row_splits.dtype"):
        tf.broadcast_to(ragged, shape([2, (2, 1), (1, 2, 1)]).with_dtype(tf.int32))


@tf.function(input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.int64)])
def rows_of_sum(row_lengths, columns):
    values = tf.range(tf.reduce_sum(row_lengths))
    x = tf.RaggedTensor.from_row_lengths(values, row_lengths)
    y = tf.ones(tf.stack([2, columns]), tf.int64)
    return elementwise(tf.add, x, y)


def test_lengths_may_be_known_only_when_a_graph_runs():
    assert rows_of_sum([1, 2], 1).to_list() == [[1], [2, 3]]
    assert rows_of_sum([3, 3], 3).to_list() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        rows_of_sum([1, 2], 2)


def test_broadcasters_say_where_slices_come_from():
    _, from_x, from_y = broadcasting.broadcast_shapes(shape([2, 1]), shape(ROWS))
    assert [x.gather_index.numpy().tolist() for x in from_x._layer_broadcasters] == [
        [0, 1],
        [0, 1, 1],
    ]
    assert from_y.broadcast(tf.ragged.constant([[5], [6, 7]])).to_list() == [[5], [6, 7]]
    assert from_x.with_dtype(tf.int32).dtype == tf.int32


def test_arguments_of_broadcasters_are_checked():
    ok, layer = shape([2]), layers.LayerBroadcaster([0, 1])
    with pytest.raises(TypeError, match="source_shape is not a DynamicRaggedShape"):
        broadcasting.ShapeBroadcaster(3, ok, [layer])
    with pytest.raises(TypeError, match="Not a LayerBroadcaster: 3"):
        broadcasting.ShapeBroadcaster(ok, ok, [3])
    with pytest.raises(ValueError, match="must be int64 or int32"):
        layers.LayerBroadcaster([0.5])
    with pytest.raises(TypeError, match="b_1 should be a RowPartition"):
        layers.next_layers(layer, layer, shape([1, 1], 1).row_partitions[0], None)
