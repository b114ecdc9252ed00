"""Both generations of columns: their protocols, configurations, variables and scopes."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.feature_column import feature_column as first
from penstock._src.v1.feature_column import serialization
from penstock._src.v1.feature_column.layers import InputLayer
from penstock._src.v1.feature_column.linear_model import LinearModel
from penstock._src.v1.feature_column.parsing import concatenate_context_input
from penstock._src.v1.feature_column.sources import FeatureTransformationCache
from penstock._src.v1.feature_column.state import LayerStateManager

fc = tf.feature_column
v1 = tf.compat.v1


def _run(*tensors):
    with v1.Session() as session:
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        return session.run(list(tensors))


def test_columns_of_the_first_generation_make_the_same_layer():
    features = {"a": [[1.0], [7.0]], "b": [["x"], ["q"]]}

    def layer(numeric, buckets, words, indicator):
        with tf.Graph().as_default():
            columns = [
                buckets(numeric("a"), [0.0, 5.0]),
                indicator(words("b", ("x", "y"), num_oov_buckets=2)),
            ]
            return _run(v1.feature_column.input_layer(features, columns))[0]

    earlier = layer(
        first._numeric_column,
        first._bucketized_column,
        first._categorical_column_with_vocabulary_list,
        first._indicator_column,
    )
    later = layer(
        fc.numeric_column,
        fc.bucketized_column,
        fc.categorical_column_with_vocabulary_list,
        fc.indicator_column,
    )
    np.testing.assert_array_equal(earlier, later)


def test_a_column_with_one_below_of_the_first_generation_is_no_v2_column():
    below = first._categorical_column_with_identity("a", 3)
    assert not fc.indicator_column(below)._is_v2_column
    assert fc.indicator_column(fc.categorical_column_with_identity("a", 3))._is_v2_column


def test_variables_of_an_input_layer_are_in_the_scope_of_their_column():
    with tf.Graph().as_default():
        column = fc.embedding_column(fc.categorical_column_with_identity("a", 3), 2)
        of_columns = {}
        v1.feature_column.input_layer({"a": [[0]]}, [column], cols_to_vars=of_columns)
        names = [v.name for v in v1.global_variables()]
        assert names == ["input_layer/a_embedding/embedding_weights:0"]
        assert of_columns[column] == v1.model_variables() == v1.trainable_variables()


def test_a_linear_model_learns_in_the_scopes_of_its_columns():
    with tf.Graph().as_default():
        columns = [fc.numeric_column("p"), fc.categorical_column_with_identity("c", 3)]
        features = {"p": [[1.0], [5.0]], "c": [[0, 2], [1, -1]]}
        of_columns = {}
        sums = v1.feature_column.linear_model(features, columns, cols_to_vars=of_columns)
        c, p, bias = v1.global_variables()
        assert [v.name for v in (c, p, bias)] == [
            "linear_model/c/weights:0",
            "linear_model/p/weights:0",
            "linear_model/bias_weights:0",
        ]
        assert of_columns == {columns[0]: [p], columns[1]: [c], "bias": [bias]}
        with v1.Session() as session:
            session.run([c.assign([[1.0], [2.0], [4.0]]), p.assign([[10.0]]), bias.assign([0.5])])
            assert session.run(sums).tolist() == [[15.5], [52.5]]


def test_models_and_layers_use_their_variables_again():
    column = first._embedding_column(first._categorical_column_with_identity("a", 3), 2)
    layer = InputLayer([column])
    with tf.Graph().as_default():
        model = LinearModel([fc.numeric_column("a")])
        model({"a": [[1.0]]})
        model({"a": [[2.0]]})
        assert len(v1.global_variables()) == len(model.variables) == 2
    once, again = layer({"a": [[0], [2]]}), layer({"a": [[0], [2]]})
    assert len(layer.variables) == 1
    np.testing.assert_array_equal(once, again)


def test_rows_of_columns_must_be_as_many():
    with tf.Graph().as_default():
        columns = [fc.numeric_column("a"), fc.numeric_column("b")]
        with pytest.raises(ValueError, match=r"Batch size .*\(a, b\): \(2, 1\)"):
            v1.feature_column.input_layer({"a": [[1.0], [2.0]], "b": [[1.0]]}, columns)


@pytest.mark.parametrize(
    "column",
    [
        fc.numeric_column("a", default_value=2, dtype=tf.int64),
        fc.bucketized_column(fc.numeric_column("a"), [1, 2]),
        fc.crossed_column(["k", fc.categorical_column_with_identity("i", 3)], 9, hash_key=4),
        fc.indicator_column(fc.categorical_column_with_hash_bucket("h", 4, tf.int32)),
        fc.weighted_categorical_column(fc.categorical_column_with_identity("i", 3), "w"),
        fc.sequence_categorical_column_with_vocabulary_list("s", ["x"], num_oov_buckets=1),
    ],
    ids=lambda column: type(column).__name__,
)
def test_configurations_make_equal_columns(column):
    config = serialization.serialize_feature_column(column)
    assert serialization.deserialize_feature_column(config) == column


def test_functions_of_configurations_are_found_by_name():
    def doubled(value):
        return value * 2

    config = fc.numeric_column("a", normalizer_fn=doubled).get_config()
    assert config["normalizer_fn"] == "doubled"
    made = fc.numeric_column("a").from_config(config, custom_objects={"doubled": doubled})
    assert made.normalizer_fn is doubled
    with pytest.raises(ValueError, match="Unknown object: doubled"):
        fc.numeric_column("a").from_config(config)


def test_a_state_manager_keeps_variables_and_tables():
    class Layer(tf.Module):
        def add_weight(self, name, shape, initializer, dtype, trainable, **_):
            return tf.Variable(initializer(shape, dtype=dtype), name=name, trainable=trainable)

    layer = Layer()
    state = LayerStateManager(layer, trainable=True)
    words = fc.categorical_column_with_vocabulary_list("w", ["x", "y"])
    column = fc.embedding_column(words, 2, initializer=tf.ones_initializer())
    column.create_state(state)
    cache = FeatureTransformationCache({"w": [["y"], ["x"]]})
    np.testing.assert_array_equal(column.get_dense_tensor(cache, state), np.ones((2, 2)))
    assert state.has_resource(words, "w_lookup")
    assert set(layer._trackable_children()) == {"_resources", "w_embedding/embedding_weights"}
    with pytest.raises(ValueError, match="already exists"):
        column.create_state(state)


def test_sequences_have_lengths_and_contexts():
    column = fc.indicator_column(fc.sequence_categorical_column_with_identity("s", 3))
    ids = tf.sparse.from_dense([[1, 2], [0, 0], [2, 0]])
    cache = FeatureTransformationCache({"s": ids})
    tensor, lengths = column.get_sequence_dense_tensor(cache, None)
    assert tensor.shape == (3, 2, 3)
    assert lengths.numpy().tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="must not be of type SequenceCategoricalColumn"):
        column.get_dense_tensor(cache, None)
    joined = concatenate_context_input(tf.constant([[7.0]]), tf.zeros([1, 2, 1]))
    assert joined.numpy().tolist() == [[[0, 7], [0, 7]]]


def test_features_of_unknown_rank():
    with tf.Graph().as_default():
        price = v1.placeholder(tf.float32)
        layer = v1.feature_column.input_layer({"p": price}, [fc.numeric_column("p")])
        with v1.Session() as session:
            assert session.run(layer, {price: [1.0, 2.0]}).tolist() == [[1.0], [2.0]]
            with pytest.raises(tf.errors.InvalidArgumentError, match="cannot have rank 0"):
                session.run(layer, {price: 1.0})
