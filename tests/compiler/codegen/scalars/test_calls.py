"""Functions that a kernel has many of: written once, with the bits of those that are written out."""

import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.scalars.calls import LONG, MOST_COPIES
from penstock._src.compiler.codegen.scalars.operations import OPERATIONS

FUNCTIONS = {
    "sin": tf.sin,
    "tanh": tf.tanh,
    "exp": lambda x: tf.exp(x * 0.1),
    "atan2": lambda x: tf.atan2(x, x * 2.0 + 1.0),
    "lgamma": lambda x: tf.math.lgamma(tf.abs(x) + 0.5),
    "erfc": tf.math.erfc,
}


def chain(function, rounds):
    def body(x):
        for _ in range(rounds):
            x = function(x + 0.25) * 1.25
        return x, tf.reduce_sum(x, -1)

    return tf.function(body)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bits_are_those_of_functions_written_out(name, dtype):
    x = tf.cast(np.random.default_rng(0).normal(size=(5, 70)) * 9, dtype)
    got, total = chain(FUNCTIONS[name], 3 * MOST_COPIES)(x)
    few = chain(FUNCTIONS[name], MOST_COPIES)
    for _ in range(3):
        x, wanted = few(x)
    assert got.numpy().tobytes() == x.numpy().tobytes()
    assert total.numpy().tobytes() == wanted.numpy().tobytes()


@pytest.mark.parametrize(("rounds", "written"), [(MOST_COPIES, 0), (MOST_COPIES + 1, 1)])
def test_a_function_is_written_once_if_a_kernel_has_many(rounds, written):
    function = chain(tf.sin, rounds).get_concrete_function(tf.TensorSpec([70], tf.float32))
    function(tf.ones([70]))
    text = function.graph_function.executable.text("llvm")
    assert len(re.findall(r"define internal .*@sin_float32_float32", text)) == written
    assert (
        len(re.findall(r"call .*@sin_float32_float32", text)) == 2 * rounds * written
    )  # and of the rest


def test_called_functions_are_operations():
    assert LONG <= set(OPERATIONS)
