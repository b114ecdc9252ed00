"""Graphs end with the models and datasets that they belong to."""

import gc

import numpy as np

import penstock as tf
from penstock._src.graph.func_graph import FuncGraph


def graphs_after_a_model():
    x = np.ones((32, 8), np.float32)
    model = tf.keras.Sequential([tf.keras.Input((8,)), tf.keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, x[:, :1], verbose=0)
    del model
    tf.keras.backend.clear_session()
    gc.collect()
    return sum(isinstance(held, FuncGraph) for held in gc.get_objects())


def test_models_built_again_and_again_leave_no_graphs():
    first = graphs_after_a_model()
    assert [graphs_after_a_model() for _ in range(3)] == [first] * 3


def graphs_after_a_recurrent_model(width):
    x = np.ones((4, 5), np.int32)
    layers = [
        tf.keras.layers.Embedding(7, 3),
        tf.keras.layers.LSTM(width),
        tf.keras.layers.Dense(2),
    ]
    model = tf.keras.Sequential([tf.keras.Input((5,), dtype="int32"), *layers])
    model.compile("adam", "mse")
    model.fit(x, np.ones((4, 2), np.float32), verbose=0)
    del model, layers
    tf.keras.backend.clear_session()
    gc.collect()
    return sum(isinstance(held, FuncGraph) for held in gc.get_objects())


def test_kernels_of_models_of_ever_other_widths_hold_no_graphs():
    first = graphs_after_a_recurrent_model(3)
    assert [graphs_after_a_recurrent_model(width) for width in (5, 6, 7)] == [first] * 3
