"""Sources and targets of every kind, and the form that their gradients have, as TensorFlow 2.21 gives them."""

import numpy as np
import pytest

import penstock as tf

ROWS = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def gradient(function, x, **kwargs):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x, **kwargs)


def test_a_variable_as_its_own_target():
    variable = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(variable)
    assert tape.gradient(variable, variable).numpy().tolist() == [1.0, 1.0]


def test_a_sparse_tensor_is_no_source():
    with tf.GradientTape() as tape:
        tape.watch(ROWS)
    with pytest.raises(ValueError, match="SparseTensor is not supported as a gradient source"):
        tape.gradient(ROWS, tf.sparse.from_dense([[1.0, 0.0]]))


def test_slices_as_the_gradient_of_a_target():
    given = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    found = gradient(lambda x: x * 2.0, ROWS, output_gradients=given)
    assert found.numpy().tolist() == [[0, 0], [2, 4], [0, 0]]


def test_an_unknown_kind_of_unconnected_gradients():
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'foo'"):
        gradient(tf.identity, ROWS, unconnected_gradients="foo")


@pytest.mark.parametrize("second, kind", [(tf.int32, "int32"), (tf.int64, "int64")])
def test_slices_of_two_gathers(second, kind):
    joined = gradient(
        lambda x: tf.concat([tf.gather(x, [0]), tf.gather(x, tf.constant([1, 1], second))], 0), ROWS
    )
    assert isinstance(joined, tf.IndexedSlices)
    assert joined.indices.dtype == kind and joined.indices.numpy().tolist() == [0, 1, 1]


@pytest.mark.parametrize("taken", [True, False])
def test_slices_come_out_of_branches(taken):
    variable = tf.Variable(ROWS)

    @tf.function
    def pick(p):
        return tf.cond(p, lambda: tf.gather(variable, [0]), lambda: tf.gather(variable, [2]) * 2.0)

    found = gradient(lambda _: pick(tf.constant(taken)), variable)
    assert isinstance(found, tf.IndexedSlices)
    assert found.indices.numpy().tolist() == ([0] if taken else [2])


@pytest.mark.parametrize(
    "function, of_rows",
    [
        (lambda x: tf.repeat(x, [1, 2, 1], axis=0), [1.0, 2.0, 1.0]),
        (lambda x: tf.repeat(x, 2, axis=0), [2.0, 2.0, 2.0]),
        (lambda x: tf.boolean_mask(x, [True, False, True]), [1.0, 0.0, 1.0]),
    ],
)
def test_gradients_of_repeated_and_masked_rows_are_whole_tensors(function, of_rows):
    found = gradient(function, ROWS)
    assert isinstance(found, tf.Tensor)
    np.testing.assert_array_equal(found, np.repeat(of_rows, 2).reshape(3, 2))


def test_stopped_tensors_among_the_sources():
    @tf.function
    def gradients(x):
        square = x * x
        return tf.gradients(x * square, [x, square], stop_gradients=[x, square])

    found = gradients(tf.constant([1.0, 2.0]))
    assert [g.numpy().tolist() for g in found] == [[1.0, 4.0], [1.0, 2.0]]


def test_a_loop_without_back_prop():
    @tf.function
    def cube(x):
        loop = tf.while_loop(
            lambda i, _: i < 2, lambda i, y: (i + 1, y * x), [0, x], back_prop=False
        )
        return loop[1]

    assert gradient(cube, ROWS) is None


def test_an_array_of_elements_of_different_lengths():
    @tf.function(autograph=False)
    def joined(x):
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False)
        return array.write(0, x[:1]).write(1, x[1:] * 2.0).concat()

    assert joined(ROWS).numpy().tolist() == [[1, 2], [6, 8], [10, 12]]
    assert gradient(joined, ROWS).numpy().tolist() == [[1, 1], [2, 2], [2, 2]]


COMPLEX = tf.constant([[1 + 0.5j, 2 - 0.3j, 0.4 + 1j], [0.3j, 1, 2]], tf.complex128)


@pytest.mark.parametrize(
    "function",
    [
        tf.abs,
        tf.sigmoid,
        tf.tanh,
        lambda x: tf.linalg.svd(x, compute_uv=False),
        lambda x: [tf.abs(t) for t in tf.linalg.svd(x)[1:]],
    ],
)
def test_gradients_of_complex_functions_are_slopes(function):
    """By the slope along a direction: the real part of <gradient, direction>."""
    direction = tf.constant(np.random.default_rng(0).normal(size=(2, 3)) * (1 - 0.5j))

    def total(x):
        parts = tf.nest.flatten(function(x))
        return tf.add_n([tf.reduce_sum(tf.math.real(p) * 0.7) for p in parts])

    step = 1e-6
    slope = (total(COMPLEX + step * direction) - total(COMPLEX - step * direction)) / (2 * step)
    found = gradient(total, COMPLEX)
    np.testing.assert_allclose(
        tf.reduce_sum(tf.math.real(tf.math.conj(found) * direction)), slope, rtol=1e-6, atol=1e-8
    )


def test_no_gradient_passes_a_stop_that_is_itself_a_source():
    @tf.function
    def gradients(x):
        first = tf.stop_gradient(x * 1.0)
        second = tf.stop_gradient(2.0 * first)
        return tf.gradients(first + second * 3.0, [first, second, x], unconnected_gradients="zero")

    assert [float(g) for g in gradients(tf.constant(1.0))] == [1.0, 3.0, 0.0]


def test_targets_without_an_output_gradient_count_with_ones():
    with tf.GradientTape() as tape:
        tape.watch(ROWS)
        targets = [ROWS * 2, ROWS * 3]
    found = tape.gradient(targets, ROWS, output_gradients=[tf.fill([3, 2], 10.0)])
    assert (found.numpy() == 23).all()


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (3.0, AttributeError),
        (np.ones(2, np.float32), AttributeError),
        (np.float32(1), AttributeError),
        ("text", TypeError),
    ],
    ids=["number", "array", "NumPy's number", "text"],
)
@pytest.mark.parametrize("is_alone", [True, False])
def test_targets_that_are_no_tensors_are_refused(target, error, is_alone):
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
    with pytest.raises(error):
        tape.gradient(target if is_alone else [y, target], x)
