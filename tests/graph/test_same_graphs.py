"""Graphs of programs (tools/compare_graphs.py) and functions (tools/compare_functions.py) beside those that TensorFlow makes."""

import importlib.util

import pytest

import penstock as tf
from tests.graph.recorded import programs
from tests.graph.recorded.functions import CASES
from tools import compare_functions, compare_graphs

# How many nodes have the name, the op and the inputs that they have in TensorFlow.
AGREE = {
    "variables": 93,
    "references": 25,
    "losses": 308,
    "gradient_descent": 40,
    "momentum": 51,
    "adam": 81,
    "other_optimizers": 179,
    "classifier": 165,
    "gradients": 104,
    "control_flow": 38,
    "control_flow_v1": 4,
    "saving": 49,
    "queues": 70,
    "metrics": 38,
    "function": 33,
    "tape": 19,
    "keras_dense": 33,
    "keras_convolutional": 59,
    "keras_recurrent": 252,
    "keras_training": 54,
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


@pytest.fixture(scope="module")
def recorded_functions():
    tf.install_as_tensorflow()
    return compare_functions.read()


@pytest.mark.parametrize("name", CASES)
def test_readers_of_functions_see_what_they_see_of_tensorflow_s(name, recorded_functions):
    if CASES[name].kind == "tf_keras" and not importlib.util.find_spec("tf_keras"):
        pytest.skip("tf_keras is not installed")
    found = compare_functions.compared(tf, name, recorded_functions)
    assert not compare_functions.unknown_differences(name, found)


def test_most_functions_are_equal():
    known = compare_functions.known_differences()
    assert len(CASES) - len(known) >= 198
    assert set(known) <= set(CASES)
