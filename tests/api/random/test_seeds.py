"""Seeds of any kind give TensorFlow's streams; the numbers were recorded from it."""

import numpy as np
import pytest

import penstock as tf


def test_seeds_below_zero_and_above_31_bits():
    tf.random.set_seed(-1)
    np.testing.assert_allclose(tf.random.normal([2], seed=3), [-0.078857, 1.257187], atol=1e-6)
    np.testing.assert_allclose(tf.random.normal([2]), [-0.173955, 1.27238], atol=1e-6)
    tf.random.set_seed(2**31)
    np.testing.assert_allclose(tf.random.normal([2], seed=0), [0.305205, 0.567138], atol=1e-6)


@pytest.mark.parametrize("seed", [np.int64(7), tf.constant(7), True])
def test_seeds_that_are_no_ints(seed):
    tf.random.set_seed(int(seed))
    expected = tf.random.normal([2]).numpy()
    tf.random.set_seed(seed)
    np.testing.assert_array_equal(tf.random.normal([2]), expected)


def test_another_type_of_shape_has_a_stream_of_its_own():
    tf.random.set_seed(1)
    first, second = (tf.random.uniform(s, seed=1) for s in ([3], np.array([3])))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_raises(
        AssertionError, np.testing.assert_array_equal, tf.random.uniform([3], seed=1), first
    )


def test_poisson_numbers_do_not_depend_on_the_rates_type():
    tf.random.set_seed(1)
    rates = tf.constant([0.5, 3.0, 30.0, -1.0])
    found = tf.random.poisson([2], rates, seed=9)
    np.testing.assert_array_equal(found, [[0, 6, 28, 0], [2, 1, 31, 0]])
    np.testing.assert_array_equal(tf.random.poisson([1], rates.numpy(), seed=9), [[0, 4, 25, 0]])


@pytest.mark.parametrize("seed", [np.int64(1234), tf.constant(1234), 1234.0])
def test_generators_from_any_seed(seed):
    generator = tf.random.Generator.from_seed(seed, alg="PHILOX")
    np.testing.assert_allclose(generator.normal([2]), [-0.302002, 1.995495], atol=1e-6)


@pytest.mark.parametrize("function", [tf.random.normal, tf.random.truncated_normal])
def test_normal_numbers_are_floats(function):
    with pytest.raises(TypeError, match="dtype int32"):
        function([2], dtype=tf.int32)


def test_names_of_algorithms():
    with pytest.raises(ValueError, match="unsupported value bad"):
        tf.random.stateless_uniform([2], seed=[1, 2], alg="bad")


@pytest.mark.parametrize("seed", ["a", float("nan"), float("inf")])
def test_what_is_no_seed(seed):
    tf.random.set_seed(1)
    with pytest.raises(TypeError, match="seed"):
        tf.random.uniform([1], seed=seed)


def test_graphs_count_the_random_ops_without_a_seed():
    """As recorded with TensorFlow 2.21: operations that draw nothing do not count."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        v1.set_random_seed(7)
        tf.zeros([3])
        first, second = tf.random.uniform([2]), tf.random.normal([2])
        kernel = v1.get_variable("kernel", [2, 2])
        with v1.Session() as session:
            session.run(kernel.initializer)
            uniform, normal, weights = session.run([first, second, kernel])
    np.testing.assert_allclose(uniform, [0.7537285, 0.0779376], rtol=1e-6)
    np.testing.assert_allclose(normal, [-0.5408054, 1.122033], rtol=1e-6)
    np.testing.assert_allclose(
        weights, [[-0.5388648, 0.4577297], [0.37380517, 1.0637995]], rtol=1e-6
    )


def test_a_seed_set_in_a_graph_is_the_graphs():
    # as in TensorFlow 2.21
    tf.random.set_seed(5)
    with tf.Graph().as_default():
        tf.random.set_seed(1066)
        order = tf.random.shuffle(tf.range(5), seed=2021)
        assert (order.op.get_attr("seed"), order.op.get_attr("seed2")) == (1066, 2021)
        with tf.compat.v1.Session() as session:
            assert session.run(order).tolist() == [0, 1, 4, 2, 3]
    traced = tf.function(lambda: tf.random.uniform([], seed=1)).get_concrete_function()
    (drawn,) = [op for op in traced.graph.get_operations() if op.type == "RandomUniform"]
    assert drawn.get_attr("seed") == 5


def test_a_seed_may_be_a_constant_of_a_graph():
    with tf.Graph().as_default():
        seed = tf.constant(5, tf.int64)
        assert tf.compat.v1.get_seed(seed) == tf.compat.v1.get_seed(5)
        tf.data.Dataset.range(4).shuffle(4, seed=seed)


def test_stateless_gamma_numbers_follow_each_other_for_one_alpha():
    drawn = tf.random.stateless_gamma([3, 2], [1, 2], alpha=[1.5, 0.2], dtype=tf.float64)
    expected = [[2.16338, 0.000184392], [1.38412, 0.00454016], [2.62919, 0.498275]]
    np.testing.assert_allclose(drawn, expected, rtol=1e-4)


@pytest.mark.parametrize(("shape", "alpha"), [([5], [2.0]), ([2, 3], [[1.0, 2.0, 3.0]])])
def test_a_shape_of_gamma_numbers_ends_in_that_of_alpha(shape, alpha):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must end with broadcasted shape"):
        tf.random.stateless_gamma(shape, [1, 2], alpha=alpha)


def test_functions_draw_from_their_first_numbers_after_the_global_seed_is_set():
    draw = tf.function(lambda: tf.random.normal([2]))
    outer = tf.function(lambda: tf.map_fn(lambda _: draw(), tf.zeros([2])))

    def drawn(seed):
        tf.random.set_seed(seed)
        return [np.asarray(run()).tolist() for run in (draw, draw, outer, outer)]

    first = drawn(9)
    assert first[0] != first[1] and first[2] != first[3]
    assert drawn(9) == drawn(5) == first  # the seed is that of the trace, as in TensorFlow


def test_gradients_draw_from_their_first_numbers_after_the_global_seed_is_set():
    drop = tf.function(lambda x: tf.nn.dropout(x, 0.5))

    def dropped():
        x = tf.ones([9])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = drop(x)
        return y.numpy().tolist(), tape.gradient(y, x).numpy().tolist()

    tf.random.set_seed(1)
    first, second = dropped(), dropped()
    assert first[0] == first[1] and first != second
    tf.random.set_seed(1)
    assert [dropped(), dropped()] == [first, second]


def test_sessions_and_iterators_go_on_after_the_global_seed_is_set():
    tf.random.set_seed(1)
    numbers = tf.data.Dataset.range(2).map(lambda _: tf.random.uniform([]))
    whole, cut = [x.numpy() for x in numbers], []
    for number in numbers:
        cut.append(number.numpy())
        tf.random.set_seed(1)
    assert cut == whole
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        drawn = tf.random.uniform([], seed=3)
        first = session.run(drawn)
        tf.random.set_seed(1)
        assert session.run(drawn) != first
