"""Custom gradients of functions of composite tensors get and return gradients that are composite as well."""

import pytest

import penstock as tf


@pytest.mark.parametrize("decorate", [lambda f: f, tf.function])
def test_gradients_of_ragged_tensors_are_ragged(decorate):
    @tf.custom_gradient
    def f(x, y):
        return (x * x, 2 * y), lambda dx, dy: (3 * dx, 4 * dy)

    x = tf.ragged.constant([[1.0, 2.0], [3.0]])
    y = tf.ragged.constant([[4.0], [5.0, 6.0]])
    with tf.GradientTape() as tape:
        tape.watch((x, y))
        results = decorate(f)(x, y)
        of_x, of_y = tape.gradient(results, (x, y))
    assert results[1].to_list() == [[8.0], [10.0, 12.0]]
    assert of_x.to_list() == [[3.0, 3.0], [3.0]] and of_y.to_list() == [[4.0], [4.0, 4.0]]


def test_dense_and_ragged_arguments_mix():
    @tf.custom_gradient
    def f(x, scale):
        return x * scale, lambda dx: (dx * scale, None)

    x, scale = tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.constant(5.0)
    with tf.GradientTape() as tape:
        tape.watch((x, scale))
        result = f(x, scale)
    of_x, of_scale = tape.gradient(result, (x, scale))
    assert of_x.to_list() == [[5.0], [5.0, 5.0]] and of_scale is None


def test_the_number_of_gradients_is_that_of_arguments():
    @tf.custom_gradient
    def f(x, y):
        return x + y, lambda dz: dz

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = f(x, x)
    with pytest.raises(ValueError, match="expected to return 2 gradients, but returned 1"):
        tape.gradient(z, x)


def test_unknown_values_of_unconnected_gradients_are_named():
    with (
        tf.Graph().as_default(),
        pytest.raises(ValueError, match="Unknown value for unconn.*'none?sense'"),
    ):
        x = tf.constant(1.0)
        tf.gradients(x, x, unconnected_gradients="nonsense")
