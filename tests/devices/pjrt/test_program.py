"""Functions on a plugin's device: values, variables, what may not be."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices.pjrt.client import Client
from penstock._src.util.flags import override
from tests.devices.pjrt.plugin import needs_plugin, on_plugin  # noqa: F401 - a fixture
from tests.formats.stablehlo.programs import trained

pytestmark = [needs_plugin, pytest.mark.usefixtures("on_plugin")]


@pytest.fixture
def puts(monkeypatch):
    """The shapes of arrays that were put onto the device."""
    shapes, put = [], Client.put

    def counted(client, array):
        shapes.append(array.shape)
        return put(client, array)

    monkeypatch.setattr(Client, "put", counted)
    return shapes


def test_a_training_step():
    for made, expected in zip(trained("PJRT"), trained("CPU"), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)


def test_variables_stay_on_the_device(puts):
    v = tf.Variable(np.zeros(100, np.float32))
    step = tf.function(lambda x: v.assign_add(tf.fill([100], x * 2.0)))
    x = tf.constant(1.0)
    step(x)
    assert sorted(puts) == [(), (100,)]
    np.testing.assert_array_equal(step(x), np.full(100, 4.0))
    assert sorted(puts) == [(), (), (100,)]
    before = v.read_value()
    v.assign(np.full(100, 10, np.float32))
    step(x)
    np.testing.assert_array_equal(v.numpy(), np.full(100, 12.0))
    np.testing.assert_array_equal(before, np.full(100, 4.0))


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_outside_is_named_and_variables_stay(index):
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def step(i):
        x = tf.gather(v, i)
        v.assign(v * 2.0)
        return x

    with pytest.raises(
        tf.errors.InvalidArgumentError, match=rf"indices\[1\] = {index} is not in \[0, 3\)"
    ):
        step(tf.constant([0, index]))
    np.testing.assert_array_equal(v.numpy(), [1, 2, 3])
    np.testing.assert_array_equal(step(tf.constant([2])).numpy(), [3])
    np.testing.assert_array_equal(v.numpy(), [2, 4, 6])


def test_a_scatter_outside_is_named():
    @tf.function
    def scattered(x, i):
        return tf.tensor_scatter_nd_update(x, i, tf.ones(2))

    x = tf.zeros([3])
    np.testing.assert_array_equal(scattered(x, [[0], [2]]), [1, 0, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[4\]"):
        scattered(x, [[0], [4]])


def test_indices_that_a_loop_checks_are_not_clamped():
    @tf.function
    def program(x, i):
        total = 0.0
        for _ in tf.range(3):
            total += tf.gather(x, i)
            i += 1
        return total

    x = tf.constant([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.UnimplementedError, match="a gather in a loop or branch"):
        program(x, tf.constant(1))
    with override(verify=0):  # the interpreter, then
        assert program(x, tf.constant(0)).numpy() == 6
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"= 3 is not in \[0, 3\)"):
            program(x, tf.constant(1))


def test_an_assertion_that_does_not_hold_raises():
    @tf.function
    def program(x):
        tf.debugging.assert_positive(x, "not positive")
        return x + 1.0

    assert program(tf.constant(1.0)).numpy() == 2.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="not positive"):
        program(tf.constant(-1.0))


def test_batches_of_several_sizes_and_of_none():
    double = tf.function(
        lambda x: tf.reduce_sum(x * 2.0, 1), input_signature=[tf.TensorSpec([None, 3], tf.float32)]
    )
    for size in (2, 5, 0, 2):
        np.testing.assert_array_equal(double(tf.ones([size, 3])), np.full(size, 6))


def test_the_larger_of_a_nan_and_a_number_is_nan():
    x, y = tf.constant([np.nan, 1.0, np.inf]), tf.constant([2.0, np.nan, np.nan])
    larger, total = tf.function(lambda x, y: (tf.maximum(x, y), tf.reduce_max(x)))(x, y)
    np.testing.assert_array_equal(larger, np.full(3, np.nan, np.float32))
    assert np.isnan(total)
