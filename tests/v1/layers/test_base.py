"""Layers of TensorFlow 1: the names, sharing and tracking of their variables."""

import types

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.layers.base import Layer
from penstock._src.v1.layers.core import Dense, Flatten, dense, dropout, flatten

v1 = tf.compat.v1


def names(variables):
    return [variable.name for variable in variables]


def test_variables_are_in_the_scope_of_the_layer():
    with tf.Graph().as_default(), v1.variable_scope("root"):
        layer = Dense(2)
        output = layer(tf.ones([1, 3]))
        assert names(layer.weights) == ["root/dense/kernel:0", "root/dense/bias:0"]
        assert (layer.name, layer.scope_name) == ("dense_1", "root/dense")
        assert output.name == "root/dense/BiasAdd:0"
        assert names(Dense(2).weights) == []


def test_reuse_shares_the_variables_of_a_name():
    with tf.Graph().as_default():
        dense(tf.ones([1, 3]), 2, name="shared")
        dense(tf.ones([1, 3]), 2, name="shared", reuse=True)
        assert names(v1.global_variables()) == ["shared/kernel:0", "shared/bias:0"]
        with pytest.raises(ValueError, match="already exists"):
            dense(tf.ones([1, 3]), 2, name="shared")


def test_dtype_is_that_of_the_first_inputs():
    layer = Dense(2)
    assert layer.dtype is None
    assert layer(tf.ones([1, 3], tf.float64)).dtype == tf.float64
    assert layer.dtype == "float64"


def test_inputs_of_a_wrong_rank_are_refused():
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        Dense(2)(tf.ones([3]))
    layer = Dense(2)
    layer(tf.ones([1, 3]))
    with pytest.raises(ValueError, match="axis -1 of input shape to have value 3"):
        layer(tf.ones([1, 4]))


def test_regularizers_are_in_their_collection():
    with tf.Graph().as_default():
        layer = Dense(2, kernel_regularizer=tf.reduce_sum)
        layer(tf.ones([1, 3]))
        assert len(v1.losses.get_regularization_losses()) == 1 == len(layer.losses)


def test_a_scope_that_is_not_trainable_moves_weights():
    def frozen(getter, name, **options):
        return getter(name, **{**options, "trainable": False})

    with tf.Graph().as_default(), v1.variable_scope("root", custom_getter=frozen):
        layer = Dense(2)
        layer(tf.ones([1, 3]))
        assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 2


def test_updates_are_in_their_collection():
    class Counting(Layer):
        def build(self, shape):
            self.count = self.add_weight("count", [], trainable=False)

        def call(self, inputs):
            self.add_update(self.count.assign_add(1.0))
            return inputs

    with tf.Graph().as_default():
        Counting()(tf.ones([1]))
        assert len(v1.get_collection(v1.GraphKeys.UPDATE_OPS)) == 1


def test_weights_are_saved_under_their_names(tmp_path):
    layer = Dense(2)
    layer(tf.ones([1, 3]))
    path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "ckpt"))
    keys = dict(tf.train.list_variables(path))
    assert "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE" in keys
    other = Dense(2)
    tf.train.Checkpoint(layer=other).restore(path)
    other(tf.ones([1, 3]))
    np.testing.assert_array_equal(other.kernel, layer.kernel)


def test_functions_of_the_other_layers():
    assert flatten(tf.ones([2, 3, 4])).shape == (2, 12)
    assert Flatten(data_format="channels_first")(np.arange(8.0).reshape(1, 2, 2, 2))[0, 1] == 4
    np.testing.assert_array_equal(dropout(tf.ones([4]), 0.5), np.ones(4))
    assert set(dropout(tf.ones([64]), 0.5, training=True).numpy()) == {0, 2}


def test_dense_over_more_axes_and_names_of_its_parts():
    layer = Dense(2, activation="relu", kernel_initializer="ones", bias_initializer="zeros")
    np.testing.assert_array_equal(layer(-tf.ones([1, 2, 3])), np.zeros([1, 2, 2]))
    assert layer.get_config()["activation"] == "relu"
    assert Dense.from_config(layer.get_config()).units == 2
    with pytest.raises(ValueError, match="Unknown activation"):
        Dense(2, activation="nothing")
    with pytest.raises(ValueError, match="Unknown initializer"):
        Dense(2, kernel_initializer="nothing")


def test_a_shared_weight_has_one_penalty():
    with tf.Graph().as_default():
        for reuse in (None, True):
            dense(tf.ones([2, 3]), 4, kernel_regularizer=tf.nn.l2_loss, name="a", reuse=reuse)
        assert len(v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_a_layer_of_a_user_has_a_penalty_on_its_outputs():
    class Doubled(Layer):
        def call(self, inputs):
            return inputs * 2

    with tf.Graph().as_default(), v1.Session() as session:
        Doubled(activity_regularizer=tf.reduce_sum, name="d")(tf.ones([4, 3]))
        (penalty,) = v1.get_collection(v1.GraphKeys.REGULARIZATION_LOSSES)
        assert session.run(penalty) == 6


def test_requirements_on_inputs_may_be_of_the_class_of_keras():
    layer = Dense(2)
    layer.input_spec = types.SimpleNamespace(
        ndim=3, max_ndim=None, min_ndim=None, axes=None, shape=None
    )
    with tf.Graph().as_default(), pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        layer(tf.ones([2, 3]))
