"""Whole programs on XLA, as a device that one row of the table of devices names."""

import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices import table
from penstock._src.util import flags
from tests.formats.stablehlo import xla_device


@pytest.fixture
def xla(monkeypatch):
    monkeypatch.setitem(sys.modules, "penstock._src.devices.xla.device", xla_device)
    monkeypatch.setitem(table.FOLDERS, "xla", "xla")
    table.find_device.cache_clear()
    yield
    table.find_device.cache_clear()


def trained(device):
    """Losses and weights of three steps of a small convolutional network with dropout."""
    random = np.random.default_rng(0)
    images = tf.constant(random.standard_normal((8, 10, 10, 2)), tf.float32)
    labels = tf.constant(random.integers(0, 4, 8))
    filters = tf.Variable(tf.constant(0.3 * random.standard_normal((3, 3, 2, 6)), tf.float32))
    weights = tf.Variable(tf.constant(0.1 * random.standard_normal((6, 4)), tf.float32))

    @tf.function
    def step(seed):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(tf.nn.conv2d(images, filters, 2, "SAME"))
            hidden = tf.reduce_mean(tf.nn.max_pool2d(hidden, 2, 1, "VALID"), [1, 2])
            hidden = tf.nn.experimental.stateless_dropout(hidden, 0.3, seed)
            logits = hidden @ weights
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        for variable, gradient in zip(
            [filters, weights], tape.gradient(loss, [filters, weights]), strict=True
        ):
            variable.assign_sub(0.5 * gradient)
        return loss

    with flags.override(device=device):
        losses = [step(tf.constant([1, number])).numpy() for number in range(3)]
    return [*losses, filters.numpy(), weights.numpy()]


def test_a_training_step(xla):
    for made, expected in zip(trained("xla"), trained("CPU"), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)


def test_loops_over_what_grows_and_sorts(xla):
    @tf.function
    def program(x, count):
        rows = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in tf.range(count):
            rows = rows.write(i, tf.sort(x * tf.cast(i, tf.float32), direction="DESCENDING"))
            if tf.reduce_sum(x) > 100.0:
                break
            x = tf.cumsum(x, exclusive=True) + 1.0
        best, at = tf.math.top_k(rows.stack(), 2)
        return best, tf.gather(x, at), tf.math.unsorted_segment_max(x, [0, 1, 0, 1, 2], 3)

    x = tf.constant([3.0, -1.0, 4.0, 1.0, -5.0])
    with flags.override(device="xla"):
        made = program(x, 5)
    for result, wanted in zip(made, program.python_function(x, tf.constant(5)), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5)


def test_a_check_that_does_not_hold_raises(xla):
    @tf.function
    def program(x):
        tf.debugging.assert_positive(x, "not positive")
        return x + 1.0

    with flags.override(device="xla"):
        assert program(tf.constant(1.0)).numpy() == 2.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="not positive"):
            program(tf.constant(-1.0))
