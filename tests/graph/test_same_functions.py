"""Functions as readers see them, beside what TensorFlow makes of them (tools/compare_functions.py)."""

import importlib.util

import pytest

import penstock as tf
from tests.graph.recorded.functions import CASES
from tools import compare_functions


@pytest.fixture(scope="module")
def recorded():
    tf.install_as_tensorflow()
    return compare_functions.read()


@pytest.mark.parametrize("name", CASES)
def test_readers_see_what_they_see_of_tensorflow_s(name, recorded):
    if CASES[name].kind == "tf_keras" and not importlib.util.find_spec("tf_keras"):
        pytest.skip("tf_keras is not installed")
    found = compare_functions.compared(tf, name, recorded)
    assert not compare_functions.unknown_differences(name, found)


def test_most_functions_are_equal():
    assert len(CASES) - len(compare_functions.known_differences()) >= 193
    assert set(compare_functions.known_differences()) <= set(CASES)
