"""Graphs of programs, node by node beside those that TensorFlow makes (tools/compare_graphs.py)."""

import pytest

import penstock as tf
from tests.graph.recorded import programs
from tools import compare_graphs

# How many nodes have the name, the op and the inputs that they have in TensorFlow.
AGREE = {
    "variables": 40,
    "references": 17,
    "losses": 4,
    "gradient_descent": 22,
    "momentum": 26,
    "adam": 34,
    "other_optimizers": 51,
    "classifier": 43,
    "gradients": 42,
    "control_flow": 12,
    "control_flow_v1": 4,
    "saving": 41,
    "queues": 33,
    "metrics": 14,
    "function": 24,
    "tape": 10,
    "keras_dense": 31,
    "keras_convolutional": 46,
    "keras_recurrent": 157,
    "keras_training": 44,
}


@pytest.fixture(scope="module")
def recorded():
    tf.install_as_tensorflow()
    return compare_graphs.read()


@pytest.mark.parametrize("name", AGREE)
def test_nodes_are_those_of_tensorflow(name, recorded):
    ours = compare_graphs.graphs(getattr(programs, name)(tf))
    same, _ = compare_graphs.agreement(ours, recorded[name])
    assert same >= AGREE[name]
