"""Graphs end with the models and datasets that they belong to."""

import functools
import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.graph.func_graph import FuncGraph

pytestmark = pytest.mark.usefixtures("new_objects_only")


def graphs_left_by(build):
    """How many graphs are held after a call that were not held before it."""
    before = held_graphs()
    build()
    tf.keras.backend.clear_session()
    known = {id(graph) for graph in before}
    return sum(id(graph) not in known for graph in held_graphs())


def held_graphs():
    gc.collect()
    return [held for held in gc.get_objects() if issubclass(type(held), FuncGraph)]


def fit_a_model():
    x = np.ones((32, 8), np.float32)
    model = tf.keras.Sequential([tf.keras.Input((8,)), tf.keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, x[:, :1], verbose=0)


def test_models_built_again_and_again_leave_no_graphs():
    fit_a_model()
    assert [graphs_left_by(fit_a_model) for _ in range(3)] == [0] * 3


def fit_a_recurrent_model(width):
    x = np.ones((4, 5), np.int32)
    layers = [
        tf.keras.layers.Embedding(7, 3),
        tf.keras.layers.LSTM(width),
        tf.keras.layers.Dense(2),
    ]
    model = tf.keras.Sequential([tf.keras.Input((5,), dtype="int32"), *layers])
    model.compile("adam", "mse")
    model.fit(x, np.ones((4, 2), np.float32), verbose=0)


def test_kernels_of_models_of_ever_other_widths_hold_no_graphs():
    fit_a_recurrent_model(3)
    left = [graphs_left_by(functools.partial(fit_a_recurrent_model, n)) for n in (5, 6, 7)]
    assert left == [0] * 3
