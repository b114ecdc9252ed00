"""Feature columns: their arguments, what they ask of examples, and what they make of features."""

import numpy as np
import pytest

import penstock as tf

fc = tf.feature_column
v1 = tf.compat.v1


def _layer(features, *columns):
    with tf.Graph().as_default():
        features = {k: tf.constant(v) for k, v in features.items()}
        layer = v1.feature_column.input_layer(features, columns)
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            return session.run(layer)


def test_columns_are_named_tuples():
    column = fc.numeric_column("a", shape=2, default_value=1.0)
    assert column.shape == (2,) and column.default_value == (1.0, 1.0)
    assert column == fc.numeric_column("a", shape=(2,), default_value=[1.0, 1.0])
    assert column.get_config()["dtype"] == "float32"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: fc.numeric_column("a", dtype=tf.string), "convertible to float"),
        (lambda: fc.bucketized_column(fc.numeric_column("a"), [5, 0]), "sorted list"),
        (lambda: fc.categorical_column_with_vocabulary_list("a", ["x", "x"]), "Duplicate keys"),
        (lambda: fc.categorical_column_with_identity("a", 0), "num_buckets 0 < 1"),
        (lambda: fc.crossed_column(["a"], 10), "length > 1"),
        (lambda: fc.indicator_column(3), "must be a CategoricalColumn"),
        (lambda: fc.make_parse_example_spec([3]), "must be FeatureColumn"),
    ],
)
def test_bad_arguments_are_rejected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_examples_must_hold():
    spec = fc.make_parse_example_spec(
        [
            fc.bucketized_column(fc.numeric_column("b"), [1]),
            fc.crossed_column(["e", "f"], 3),
            fc.weighted_categorical_column(fc.categorical_column_with_identity("h", 3), "w"),
        ]
    )
    assert spec["b"] == tf.io.FixedLenFeature((1,), tf.float32)
    assert spec["h"] == tf.io.VarLenFeature(tf.int64)
    assert sorted(spec) == ["b", "e", "f", "h", "w"]


def test_indicators():
    words = fc.categorical_column_with_vocabulary_list("b", ["x", "y"], num_oov_buckets=1)
    buckets = fc.bucketized_column(fc.numeric_column("a"), [0.0, 5.0])
    layer = _layer({"a": [[1.0], [7.0]], "b": [["y"], ["q"]]}, buckets, fc.indicator_column(words))
    np.testing.assert_array_equal(layer, [[0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1]])


def test_weights_of_categories():
    column = fc.weighted_categorical_column(fc.categorical_column_with_identity("c", 3), "w")
    layer = _layer({"c": [[0], [2]], "w": [[1.0], [2.0]]}, fc.indicator_column(column))
    np.testing.assert_array_equal(layer, [[1, 0, 0], [0, 0, 2]])


def test_hashes_of_combinations():
    # recorded from TensorFlow 2.21
    buckets = fc.bucketized_column(fc.numeric_column("a"), [0.0, 5.0])
    column = fc.indicator_column(fc.crossed_column(["b", buckets], 7))
    layer = _layer({"a": [[1.0], [2.0], [7.0]], "b": [["x"], ["y"], ["z"]]}, column)
    np.testing.assert_array_equal(layer.argmax(1), [5, 0, 0])


def test_embeddings():
    column = fc.embedding_column(
        fc.categorical_column_with_identity("c", 3),
        2,
        initializer=lambda shape, **_: tf.ones(shape),
    )
    np.testing.assert_array_equal(_layer({"c": [[0], [2]]}, column), np.ones((2, 2)))


def test_a_linear_model_starts_at_zero():
    with tf.Graph().as_default():
        features = {"a": tf.constant([[1.0], [2.0]])}
        model = v1.feature_column.linear_model(features, [fc.numeric_column("a")])
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            np.testing.assert_array_equal(session.run(model), [[0], [0]])


def test_shared_embedding_columns_of_v1():
    columns = [tf.feature_column.categorical_column_with_identity(key, 3) for key in "ab"]
    with tf.Graph().as_default():
        shared = tf.compat.v1.feature_column.shared_embedding_columns(
            columns, 2, initializer=tf.compat.v1.constant_initializer([[1.0, 2], [3, 4], [5, 6]])
        )
        assert shared[0].shared_embedding_collection_name == "a_b_shared_embedding"
        features = {"a": tf.constant([[0], [2]]), "b": tf.constant([[1], [1]])}
        dense = tf.compat.v1.feature_column.input_layer(features, shared)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            assert session.run(dense).tolist() == [[1, 2, 3, 4], [5, 6, 3, 4]]
        assert len(tf.compat.v1.global_variables()) == 1
