"""Gradients stay IndexedSlices through the ops through which TensorFlow's do, and are dense after all others."""

import json

import numpy as np
import pytest

import penstock as tf
from tests.autodiff.kept_slices import MODES, PROGRAMS, RECORDED, W, kinds

TABLE = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(TABLE) == list(PROGRAMS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_slices_are_kept_as_in_tensorflow(name, mode):
    wanted = TABLE[name][mode]
    if "error" not in wanted:  # where TensorFlow has no gradient, ours may have one
        assert kinds(tf, name, mode) == wanted


def gradients(name, first_row, traced):
    program, further = PROGRAMS[name]

    def run(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = first_row(program(tf, *inputs))
            loss = tf.reduce_sum(tf.math.real(y * tf.cast(3, y.dtype)))
        found = tape.gradient(loss, inputs, unconnected_gradients="zero")
        return [tf.convert_to_tensor(g) for g in found]

    run = tf.function(run, autograph=False) if traced else run
    return [g.numpy() for g in run(*map(tf.constant, [W, *further]))]


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "function"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_slices_add_up_to_the_dense_gradient(name, traced):
    sliced = gradients(name, lambda y: tf.gather(y, [0]), traced)
    dense = gradients(name, lambda y: y[:1], False)
    for found, wanted in zip(sliced, dense, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
