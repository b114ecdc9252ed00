"""Static shapes of sparse tensors whose dense shapes are known in part; those of TensorFlow."""

import pytest

import penstock as tf


def traced_shapes(function):
    """The static shapes that `function` lists for tensors of shapes (n, 4) and (n, m)."""
    shapes = []

    @tf.function(autograph=False)
    def trace(n, m):
        indices, values = tf.zeros([3, 2], tf.int64), tf.zeros([3])
        four = tf.constant(4, tf.int64)
        part = tf.SparseTensor(indices, values, tf.stack([n, four]))
        unknown = tf.SparseTensor(indices, values, tf.concat([[n], [m]], 0))
        shapes.extend(s.shape.as_list() for s in function(part, unknown))

    trace.get_concrete_function(*[tf.TensorSpec([], tf.int64)] * 2)
    return shapes


@pytest.mark.parametrize(
    ("axis", "extents"), [(0, [[None, 4], [None, None]]), (-1, [[None, 8], [None, None]])]
)
def test_concatenation_adds_known_extents(axis, extents):
    def join(part, unknown):
        return [tf.sparse.concat(axis, [part, part]), tf.sparse.concat(axis, [unknown, part])]

    assert traced_shapes(join) == extents


def test_expanded_extents_are_the_largest():
    wide, narrow = (tf.sparse.from_dense(tf.eye(2, n)) for n in (5, 3))
    joined = tf.function(lambda: tf.sparse.concat(0, [wide, narrow], True))
    assert joined.get_concrete_function().structured_outputs.shape == [4, 5]


def test_parts_keep_their_rank():
    assert traced_shapes(lambda part, _: tf.sparse.split(part, 2, axis=1)) == [[None, None]] * 2


def test_extents_of_a_concatenated_shape_are_known():
    def copied(part, _):
        shape = tf.concat([part.dense_shape[:1], tf.constant([7], tf.int64)], 0)
        return [tf.SparseTensor(part.indices, part.values, shape)]

    assert traced_shapes(copied) == [[None, 7]]


def test_parsed_sparse_features_have_their_size():
    features = {"x": tf.io.SparseFeature("at", "value", tf.float32, 10)}
    parse = tf.function(lambda texts: tf.io.parse_example(texts, features)["x"])
    parsed = parse.get_concrete_function(tf.TensorSpec([None], tf.string))
    assert parsed.structured_outputs.shape.as_list() == [None, 10]


def reshaped(places, shape):
    entries = [[0] * len(places)] if places else [[0, 0]]
    source = tf.SparseTensor(entries, [1.0], places or tf.raw_ops.Placeholder(dtype=tf.int64))
    return tf.sparse.reshape(source, shape)


@pytest.mark.parametrize("shape", [[3, 4], [3, -1], [-1, 4]])
def test_places_in_another_shape_are_known(shape):
    with tf.Graph().as_default():
        moved = reshaped([2, 6], shape)
        assert moved.shape == [3, 4] and tf.fill(moved.dense_shape, 0).shape == [3, 4]
        assert reshaped(None, shape).shape == [None, None]  # another number would be refused


def test_another_number_of_places_is_refused_in_graphs():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Cannot reshape a tensor"):
        reshaped([2, 6], [-1, 5])


def test_linear_models_know_their_rows():
    column = tf.feature_column.categorical_column_with_hash_bucket("c", 7)
    with tf.Graph().as_default():
        logits = tf.compat.v1.feature_column.linear_model({"c": [["a"], ["b"]]}, [column])
        assert logits.shape == [2, 1]
