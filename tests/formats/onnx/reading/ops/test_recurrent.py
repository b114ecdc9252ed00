"""Recurrent layers, beside ONNX Runtime."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.reading.ops.microsoft.beside import floats, node_model, same


def layer(kind, batch):
    """Inputs of a layer of four units, whose first state is a constant for one sequence."""
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    given = {
        "x": floats(6, batch, 3),
        "w": floats(1, gates * 4, 3, seed=1),
        "r": floats(1, gates * 4, 4, seed=2),
        "b": None,
        "lengths": None,
        "h": floats(1, 1, 4, seed=3),
    }
    return given | ({"c": floats(1, 1, 4, seed=4)} if kind == "LSTM" else {})


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_states_may_say_the_batch_that_inputs_leave_open(kind):
    given, weights = layer(kind, 1), ("w", "r", "h", "c")
    same(kind, given, weights=weights, dynamic=(0, 1), domain="", hidden_size=4)


def test_another_batch_than_that_of_the_state_is_refused():
    given = layer("GRU", 2)
    proto = node_model("GRU", given, {"y": np.float32}, ("w", "r", "h"), (0, 1), "", hidden_size=4)
    function = read_proto(proto).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[6,2,12\]"):
        function(x=tf.constant(given["x"]))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_last_states_of_empty_sequences_are_zero(kind):
    given = layer(kind, 3)
    given["lengths"] = np.array([6, 0, 4], np.int32)
    given["h"] = floats(1, 3, 4, seed=3)
    if kind == "LSTM":
        given["c"] = floats(1, 3, 4, seed=4)
    outputs = dict.fromkeys(["y", "h_last"] + ["c_last"] * (kind == "LSTM"), np.float32)
    same(kind, given, outputs, weights=("w", "r"), domain="", hidden_size=4)


def test_the_cell_of_an_lstm_is_not_clipped():
    given = layer("LSTM", 1)
    given["b"] = 2 * floats(1, 32, seed=5)
    same("LSTM", given, weights=("w", "r", "b"), domain="", hidden_size=4, clip=0.3)


def test_a_cell_without_a_first_state_of_the_output_may_have_any_batch():
    given = layer("LSTM", 2) | {"h": None, "c": floats(1, 2, 4, seed=4)}
    same("LSTM", given, weights=("w", "r"), dynamic=(0, 1, 2), domain="", hidden_size=4)
