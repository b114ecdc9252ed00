"""pfor: reductions over its iterations, variables, composites, and rules of single operations."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.vectorized.functions import pfor
from penstock._src.bridge.python.ops.parallel_for.control_flow_ops import for_loop

X = np.arange(12.0, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("name", ["reduce_mean", "reduce_sum"])
def test_iterations_are_reduced_over(name):
    def deviation(i, pfor_config):
        return tf.gather(X, i) - getattr(pfor_config, name)(tf.gather(X, i))

    np.testing.assert_allclose(pfor(deviation, 4), X - getattr(tf, name)(X, axis=0))


def test_any_function_reduces_over_iterations():
    def largest(i, pfor_config):
        return pfor_config.reduce(lambda rows: tf.reduce_max(rows, 0), tf.gather(X, i))

    np.testing.assert_array_equal(pfor(largest, 4), np.tile(X[3], [4, 1]))
    with pytest.raises(ValueError, match="parallel_iterations` currently unsupported"):
        pfor(largest, 4, parallel_iterations=2)


@pytest.mark.parametrize("count, text", [(0, "positive integer"), (1, "Use `for_loop`")])
def test_parallel_iterations_are_checked(count, text):
    with pytest.raises(ValueError, match=text):
        pfor(lambda i: i, 4, parallel_iterations=count)


def test_a_loop_without_iterations_has_the_results_shape():
    assert for_loop(lambda i: tf.zeros([10, 3]), tf.float32, 0).shape == [0, 10, 3]


def test_gradients_reach_variables_that_rows_read():
    v = tf.Variable(tf.range(5.0))
    with tf.GradientTape(persistent=True) as tape:
        product = tf.vectorized_map(lambda x: x * v, tf.constant([1.0, 2.0]))
        taken = tf.vectorized_map(lambda i: tf.gather(v, i), tf.constant([1, 1, 3]))
    assert tape.gradient(product, v).numpy().tolist() == [3.0] * 5
    assert tf.convert_to_tensor(tape.gradient(taken, v)).numpy().tolist() == [0, 2, 0, 1, 0]


class Point(tf.experimental.BatchableExtensionType):
    x: tf.Tensor
    y: tf.Tensor


def test_extension_types_are_rows_and_results():
    points = Point(x=tf.constant(X[:, 0]), y=tf.constant(X[:, 1]))
    swapped = tf.vectorized_map(lambda p: Point(x=p.y, y=p.x), points)
    assert isinstance(swapped, Point)
    np.testing.assert_array_equal(swapped.x, X[:, 1])


def test_ragged_rows_are_mapped():
    ragged = tf.ragged.constant([[1, 2], [3, 4, 5]])
    assert tf.vectorized_map(tf.reduce_sum, ragged).numpy().tolist() == [3, 12]


def test_elements_of_unknown_length_broadcast():
    add = tf.function(
        lambda a, b: tf.vectorized_map(sum, (a, b)), input_signature=[tf.TensorSpec(None)] * 2
    )
    assert add(tf.constant([3.0]), tf.constant([1.0, 2.0])).numpy().tolist() == [4, 5]


IMAGES = np.random.default_rng(0).normal(size=(3, 2, 5, 5, 2)).astype(np.float32)
FILTERS = np.random.default_rng(1).normal(size=(3, 2, 2, 2, 2)).astype(np.float32)
SHIFTS = tf.constant([1, 2, -1])
RULES = {
    "roll": lambda i: tf.roll(tf.gather(IMAGES, i), tf.gather(SHIFTS, i), axis=1),
    "roll axes": lambda i: tf.roll(tf.gather(IMAGES, i), [tf.gather(SHIFTS, i), 1], axis=[1, -1]),
    "l2 loss": lambda i: tf.nn.l2_loss(tf.gather(IMAGES, i)),
    "filter gradient": lambda i: tf.raw_ops.Conv2DBackpropFilter(
        input=tf.gather(IMAGES, i), filter_sizes=[2, 2, 2, 2], out_backprop=IMAGES[0, :, :4, :4],
        strides=[1] * 4, padding="VALID",
    ),
    "depthwise": lambda i: tf.nn.depthwise_conv2d(
        tf.gather(IMAGES, i), tf.gather(FILTERS, i), [1] * 4, "SAME"
    ),
    "max pool": lambda i: tf.raw_ops.MaxPoolV2(
        input=tf.gather(IMAGES, i), ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME"
    ),
    "update": lambda i: tf.tensor_scatter_nd_update(tf.zeros([4], tf.int32), [[i]], [i + 5]),
    "csv": lambda i: tf.io.decode_csv(tf.gather(["1,2", "3,4", ","], i), [[8], [9]]),
    "sampling": lambda i: tf.random.stateless_categorical(
        tf.gather(FILTERS, i)[0, 0], 4, seed=[1, 2]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_gives_what_single_iterations_give(name):
    fn = RULES[name]
    dtypes = tf.nest.map_structure(lambda t: t.dtype, fn(tf.constant(0)))
    wanted = for_loop(fn, dtypes, 3)
    found = pfor(fn, 3, fallback_to_while_loop=False)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, wanted
    )


def test_what_is_printed_is_printed_once_for_all_rows(capfd):
    tf.vectorized_map(lambda x: tf.print("rows", x) or x, tf.constant([1, 2]))
    assert capfd.readouterr().err.strip() == "rows [1 2]"


def test_a_poisson_sample_for_each_rate_of_a_scalar_shape():
    drawn = tf.raw_ops.RandomPoissonV2(shape=tf.constant([], tf.int32), rate=3.0)
    assert drawn.shape == []


def test_operations_of_iterations_run_in_graphs_of_tensorflow_1():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        holds = pfor(lambda i: tf.debugging.Assert(i < 3, [i]), 3)
        fails, numbers = pfor(lambda i: (tf.debugging.Assert(i < 2, [i]), i), 3)
        assert session.run(holds) is None
        np.testing.assert_array_equal(session.run(numbers), [0, 1, 2])
        with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
            session.run(fails)


def test_a_function_makes_its_variables_once():
    made = []

    def once(row):
        made[:] = made or [tf.Variable(2.0)]
        return row * made[0]

    np.testing.assert_array_equal(tf.vectorized_map(once, X), X * 2)
    with pytest.raises(ValueError, match="singleton tf.Variables created on the first call"):
        tf.vectorized_map(lambda row: row * tf.Variable(2.0), X)


def test_decompositions_without_vectors():
    matrices = tf.constant(np.random.default_rng(2).normal(size=(3, 2, 2)), tf.float32)
    matrices += tf.transpose(matrices, [0, 2, 1])
    for function in (
        tf.linalg.eigvalsh,
        tf.linalg.eigvals,
        lambda x: tf.linalg.svd(x, False, False),
    ):
        for values in (
            tf.function(lambda f=function: pfor(lambda i: f(tf.gather(matrices, i)), 3, False))(),
            tf.vectorized_map(function, matrices, fallback_to_while_loop=False),
        ):
            np.testing.assert_allclose(values, function(matrices), rtol=1e-5, atol=1e-6)
    mapped, expected = tf.vectorized_map(tf.linalg.eigh, matrices), tf.linalg.eigh(matrices)
    for parts in zip(mapped, expected, strict=True):
        np.testing.assert_allclose(*parts, rtol=1e-5, atol=1e-6)
