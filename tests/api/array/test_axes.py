"""Functions along axes of tensors whose rank is known only when the function runs: as eagerly."""

import numpy as np
import pytest

import penstock as tf

enp = tf.experimental.numpy
LOSS = tf.nn.softmax_cross_entropy_with_logits


def array(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def unknown(f, x):
    """f(x) in a function that does not know the rank."""
    return tf.function(f, input_signature=[tf.TensorSpec(None, x.dtype)])(tf.constant(x))


ALONG = {
    "softmax": tf.nn.softmax,
    "log_softmax": tf.nn.log_softmax,
    "cross_entropy": lambda x, axis: LOSS(tf.nn.softmax(x, axis), x, axis=axis),
    "swapaxes": lambda x, axis: enp.swapaxes(x, axis, 0),
    "moveaxis": lambda x, axis: enp.moveaxis(x, axis, 1),
    "take": lambda x, axis: enp.take(x, [0, 1, 9, -3], axis=axis),
    "take wrapped": lambda x, axis: enp.take(x, [0, 1, 9, -3], axis=axis, mode="wrap"),
    "take_along_axis": lambda x, axis: enp.take_along_axis(x, tf.zeros_like(x, tf.int32), axis),
}


@pytest.mark.parametrize("name", sorted(ALONG))
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (2, 3, 1, 2)], ids=str)
def test_along_an_axis(name, axis, shape):
    x = array(*shape)
    f = ALONG[name]
    np.testing.assert_allclose(
        unknown(lambda x: f(x, axis), x), f(tf.constant(x), axis), rtol=1e-5, atol=1e-6
    )


def test_losses_are_along_the_axis_that_is_named():
    x = array(2, 3)
    labels = np.eye(2, 3, dtype=np.float32)
    expected = -(labels * (x - np.log(np.exp(x).sum(0)))).sum(0)
    loss = unknown(lambda x: LOSS(labels, x, axis=0), x)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "destination"), [([0, 2], [1, 0]), ([-1, 0], [0, 1]), ([2, 1, 0], [0, -1, 1]), ([0, -1], [-1, 0])]
)  # fmt: skip
def test_several_axes_are_moved(source, destination):
    x = array(2, 3, 4, 5)
    moved = unknown(lambda x: enp.moveaxis(x, source, destination), x)
    np.testing.assert_array_equal(moved, np.moveaxis(x, source, destination))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 2)], ids=str)
def test_new_axes(shape):
    x = array(*shape)
    for ours, theirs in [
        (enp.atleast_1d, np.atleast_1d),
        (enp.atleast_2d, np.atleast_2d),
        (enp.atleast_3d, np.atleast_3d),
        (enp.transpose, np.transpose),
    ]:
        np.testing.assert_array_equal(unknown(ours, x), theirs(x))


SHAPED = {
    "tile": lambda x: enp.tile(x, [2, 1, 3]),
    "rot90": enp.rot90,
    "rot90 at others": lambda x: enp.rot90(x, 3, axes=(1, 0)),
    "pad": lambda x: enp.pad(x, 1, "constant"),
    "pad a pair": lambda x: enp.pad(x, [[1, 2]], "symmetric"),
    "broadcast_arrays": lambda x: enp.broadcast_arrays(x, tf.ones([4, 1, 1]))[1],
    "diagonal": lambda x: enp.diagonal(x, 1),
    "diagonal of others": lambda x: enp.diagonal(x, 0, -1, 0),
    "trace": enp.trace,
    "array_equal": lambda x: enp.array_equal(x, x),
    "linspace": lambda x: enp.linspace(x, x + 1.0, 3),
    "linspace at the end": lambda x: enp.linspace(x, 2.0, 3, axis=-1),
}


@pytest.mark.parametrize("name", sorted(SHAPED))
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2)], ids=str)
def test_functions_of_shapes(name, shape):
    x, f = array(*shape), SHAPED[name]
    if name == "broadcast_arrays":
        x = x[:1] if x.ndim == 3 else x
    expected = f(tf.constant(x))
    np.testing.assert_allclose(unknown(f, x), expected, rtol=1e-6)
    unsized = tf.TensorSpec([None] * x.ndim)
    np.testing.assert_allclose(tf.function(f, input_signature=[unsized])(x), expected, rtol=1e-6)


def test_powers_of_a_vector():
    x = array(3)
    np.testing.assert_allclose(unknown(enp.vander, x), np.vander(x), rtol=1e-6)
    powers = unknown(lambda x: enp.vander(x, 5, True), x)
    np.testing.assert_allclose(powers, np.vander(x, 5, True), rtol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2])
def test_dilated_pools_of_unknown_shapes_equal_those_of_known_ones(dilation):
    x = array(2, 7, 6, 3)

    def pool(x):
        return tf.nn.pool(x, [2, 2], "AVG", dilations=[dilation, dilation])

    expected = pool(tf.constant(x))
    np.testing.assert_allclose(unknown(pool, x), expected, rtol=1e-5, atol=1e-6)
    by_size = tf.function(pool, input_signature=[tf.TensorSpec([None, None, None, 3])])
    np.testing.assert_allclose(by_size(x), expected, rtol=1e-5, atol=1e-6)
    assert tf.function(pool).get_concrete_function(tf.TensorSpec(None)).output_shapes.rank == 4
    with pytest.raises(tf.errors.InvalidArgumentError):
        unknown(pool, array(2, 3))


def test_indices_along_axes_of_unknown_extents():
    x = array(2, 3)
    spec = [tf.TensorSpec([None, None])]
    take = tf.function(lambda x: enp.take(x, [5, 0], axis=1), input_signature=spec)
    np.testing.assert_array_equal(take(x), x[:, [2, 0]])
    along = tf.function(lambda x: enp.take_along_axis(x, [[1, 0]], 1), input_signature=spec)
    np.testing.assert_array_equal(along(x), x[:, [1, 0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((i for i in (1, 2)), "'generator' object is not subscriptable"),
        ({1, 2}, "'set' object is not subscriptable"),
        ({"a": 1}, "Expected list for 'values' argument to 'pack' Op"),
    ],
)
def test_stacked_values_are_a_sequence(values, message):
    with pytest.raises(TypeError, match=message):
        tf.stack(values)


def test_an_element_of_another_shape_is_refused_by_an_eager_array():
    array = tf.TensorArray(tf.float32, 3, element_shape=[2])
    with pytest.raises(
        ValueError, match=r"Incompatible shape for value \(\(3,\)\), expected \(\(2,\)\)"
    ):
        array.write(0, tf.ones([3]))
