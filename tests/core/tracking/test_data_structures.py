"""Containers that track tell of the variables and layers in them, as Keras 2 asks."""

import penstock as tf


def names(variables):
    return [v.name for v in variables]


def test_variables_of_containers():
    held = tf.Module()
    held.parts = [
        tf.Variable(1.0, name="x"),
        tf.Variable(2.0, trainable=False, name="y"),
        {"k": tf.Variable(3.0, name="z")},
    ]
    parts = held.parts
    assert parts.trainable and parts.losses == [] and parts.layers == []
    assert names(parts.trainable_weights) == ["z:0", "x:0"]
    assert names(parts.non_trainable_variables) == ["y:0"]
    assert names(parts.variables) == ["z:0", "x:0", "y:0"]
    parts.trainable = False
    assert parts.trainable_weights == []
    assert names(parts.non_trainable_weights) == ["z:0", "x:0", "y:0"]


def test_layers_of_containers():
    class Layer(tf.Module):
        _is_layer = True
        trainable_weights = non_trainable_weights = ()
        losses = (1.0,)

    held = tf.Module()
    held.parts = [Layer(), [Layer(), tf.Module()], tf.Module()]
    assert len(held.parts.layers) == 2 and held.parts.losses == [1.0, 1.0]
