"""Graphs of programs, node by node beside those that TensorFlow makes (tools/compare_graphs.py)."""

import pytest

import penstock as tf
from tests.graph.recorded import programs
from tools import compare_graphs

# How many nodes have the name, the op and the inputs that they have in TensorFlow.
AGREE = {
    "variables": 49,
    "references": 25,
    "losses": 22,
    "gradient_descent": 40,
    "momentum": 51,
    "adam": 81,
    "other_optimizers": 168,
    "classifier": 92,
    "gradients": 104,
    "control_flow": 16,
    "control_flow_v1": 4,
    "saving": 46,
    "queues": 33,
    "metrics": 18,
    "function": 26,
    "tape": 14,
    "keras_dense": 33,
    "keras_convolutional": 57,
    "keras_recurrent": 158,
    "keras_training": 45,
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
