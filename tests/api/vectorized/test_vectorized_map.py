"""tf.vectorized_map: all rows at once give what each row gives; random numbers are TensorFlow's."""

import inspect

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.vectorized.functions import pfor

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])

drawn = np.random.default_rng(0)
ARGUMENTS = {
    "a": drawn.normal(size=(3, 4, 5)).astype(np.float32),
    "b": drawn.normal(size=(3, 5, 2)).astype(np.float32),
    "v": drawn.normal(size=(3, 5)).astype(np.float32),
    "i": drawn.integers(0, 4, (3, 2)).astype(np.int32),
    "s": np.array([0.5, -1.5, 2.0], np.float32),
    "x": drawn.normal(size=(3, 2, 6, 6, 3)).astype(np.float32),
}
W = drawn.normal(size=(5, 2)).astype(np.float32)
K = drawn.normal(size=(2, 2, 3, 4)).astype(np.float32)
VARIABLE = tf.Variable(W)


def gradient(a):
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.tanh(tf.matmul(a, VARIABLE)))
    return tape.gradient(y, VARIABLE)


def square(a):
    return tf.matmul(a, a, transpose_b=True) + 3 * tf.eye(4)


FUNCTIONS = [
    lambda a, s: a * s + 1,
    lambda s, v: tf.where(s > 0, v, -v),
    lambda a, b: a @ b,
    lambda a: a @ W,
    lambda b: tf.matmul(W, b, transpose_a=True),
    lambda a: tf.reduce_sum(a, -1) + tf.reduce_max(a, 1) + tf.reduce_mean(a),
    lambda a: (tf.argmax(a, -1), tf.cumsum(a, 0), tf.reverse(a, [1]), tf.roll(a, 1, -1)),
    lambda a: (tf.reshape(a, [-1, 2]), tf.transpose(a), tf.tile(a, [2, 1]), tf.squeeze(a[None])),
    lambda a: (a[1:, ::2], a[..., None, 1], a[-1], tf.split(a, 2)[1], tf.unstack(a, axis=1)[1]),
    lambda a, b: tf.concat([tf.reshape(a, [-1]), tf.reshape(b, [-1]), [1.0, 2.0]], 0),
    lambda s: (tf.stack([s, 1.0], -1), tf.fill([2, 3], s), tf.constant([1.0, 2.0])),
    lambda a, i: (tf.gather(a, i), tf.gather_nd(a, i[:, None]), tf.gather(a, [0, 2], axis=1)),
    lambda i: (tf.gather(W, i), tf.gather(W, i % 2, axis=1), tf.one_hot(i, 4)),
    lambda a, i: tf.tensor_scatter_nd_add(a, i[:, None], tf.ones([2, 5])),
    lambda i, s: tf.scatter_nd(i[:, None], tf.stack([s, s]), [4]),
    lambda a: (tf.linalg.cholesky(square(a)), tf.linalg.logdet(square(a))),
    lambda a: tf.linalg.triangular_solve(tf.linalg.cholesky(square(a)), a),
    lambda v: (tf.linalg.diag(v), tf.sort(v), tf.math.top_k(v, 2)[0], tf.broadcast_to(v, [4, 5])),
    lambda a, b: tf.einsum("ij,jk->ki", a, b) + tf.shape(a, tf.int32).dtype.size,
    lambda x: (tf.nn.conv2d(x, K, 1, "SAME"), tf.nn.max_pool2d(x, 2, 2, "VALID")),
    lambda a: tf.math.unsorted_segment_sum(a, [0, 1, 0, 1], 2),
    lambda s: tf.cond(s > 0, lambda: s * 2, lambda: s - 1),
    lambda s: tf.while_loop(lambda i, t: i < 3, lambda i, t: (i + 1, t * s), (0, s))[1],
    lambda a: tf.map_fn(lambda row: row * 2, a),
    lambda s: tf.strings.as_string(s, precision=3),
    lambda i: tf.random.stateless_normal([2], i),
    gradient,
]


@BOTH
@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_all_rows_at_once_give_what_each_gives(number, wrap):
    f = FUNCTIONS[number]
    elems = [tf.constant(ARGUMENTS[name]) for name in inspect.signature(f).parameters]
    found = tf.nest.flatten(wrap(lambda: tf.vectorized_map(lambda row: f(*row), elems))())
    rows = [tf.nest.flatten(f(*(e[k] for e in elems))) for k in range(3)]
    for k, column in enumerate(found):
        expected = [row[k].numpy() for row in rows]
        assert column.dtype == rows[0][k].dtype
        if column.dtype == tf.string:
            assert column.numpy().tolist() == expected
        else:
            np.testing.assert_allclose(column, np.stack(expected), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_rows_of_an_operation_without_a_rule_draw_one_after_another(compiled):
    def bounded():
        rows = tf.constant([[6]] * 12)
        return tf.vectorized_map(lambda n: tf.random.uniform([1], 0, n[0], tf.int32), rows)

    def shuffled():
        rows = tf.reshape(tf.range(48), [12, 4])
        return tf.vectorized_map(tf.random.shuffle, rows) - rows[:, :1]

    tf.random.set_seed(5)
    drawn = (tf.function(bounded) if compiled else bounded)()
    assert drawn[:, 0].numpy().tolist() == [1, 0, 1, 5, 4, 1, 2, 0, 5, 2, 4, 3]
    orders = (tf.function(shuffled) if compiled else shuffled)().numpy()
    assert (np.sort(orders) == np.arange(4)).all() and len(np.unique(orders, axis=0)) > 4


def test_a_seed_gives_tensorflows_numbers():
    recorded = {
        lambda i: tf.random.uniform([2]): [0.7537285, 0.0779376, 0.45880914, 0.856827],
        lambda i: tf.random.uniform([], seed=3): [0.40108788, 0.37683892, 0.3092928],
        lambda i: tf.random.uniform([2], maxval=100, dtype=tf.int32): [37, 60, 34, 30, 27, 31],
        lambda i: tf.random.gamma([2], tf.cast(i + 1, tf.float32)): [1.1100975, 1.4603331],
        lambda i: tf.random.categorical([[0.1, 0.2, 0.3]], 4): [0, 2, 2, 2, 2, 0, 0, 0],
    }
    for draw, expected in recorded.items():
        tf.random.set_seed(7)
        for _ in range(2):
            found = tf.vectorized_map(draw, tf.range(3)).numpy().ravel()[: len(expected)]
            np.testing.assert_allclose(found, expected, rtol=2e-6)


@BOTH
def test_gradients_flow_back_through_it(wrap):
    x = tf.constant(ARGUMENTS["v"])

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.vectorized_map(lambda v: tf.reduce_sum(v**2) * v[0], x)
        return tape.gradient(y, x)

    expected = np.stack([2 * v * v[0] for v in x.numpy()])
    expected[:, 0] += (x.numpy() ** 2).sum(1)
    np.testing.assert_allclose(wrap(run)(), expected, rtol=1e-5)


def test_images_without_rows_whose_width_is_unknown_are_pooled():
    @tf.function(input_signature=[tf.TensorSpec([1, 0, None, 3])], autograph=False)
    def pooled(images):
        return tf.vectorized_map(lambda image: tf.nn.max_pool1d(image, 2, 2, "SAME"), images)

    assert pooled(tf.zeros([1, 0, 6, 3])).shape == [1, 0, 3, 3]


def test_numbers_of_rows_that_are_one_unknown_or_none():
    f = tf.function(
        lambda x, y: tf.vectorized_map(lambda row: row[0] * row[1] + 1, (x, y)),
        input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([1, 2])],
    )
    assert f(tf.ones([3, 2]), tf.fill([1, 2], 2.0)).numpy().tolist() == [[3, 3]] * 3
    assert tf.vectorized_map(lambda x: x + 1, tf.ones([1, 2])).numpy().tolist() == [[2, 2]]
    assert tf.vectorized_map(lambda x: x + 1, tf.ones([0, 2])).shape == [0, 2]
    assert pfor(lambda i: i * 2, 4).numpy().tolist() == [0, 2, 4, 6]


def test_what_is_refused():
    with pytest.raises(ValueError, match="equal first dimensions"):
        tf.vectorized_map(lambda row: row[0], (tf.ones([2]), tf.ones([3])))
    with pytest.raises(ValueError, match="No pfor vectorization"):
        draw = lambda i: tf.random.stateless_normal([2], i)  # noqa: E731
        tf.vectorized_map(draw, tf.ones([3, 2], tf.int32), fallback_to_while_loop=False)


def test_inputs_that_do_not_broadcast_have_a_row_each():
    rows = tf.reshape(tf.range(6.0), [3, 2])
    whole, first = tf.vectorized_map(lambda row: tf.identity_n([row, row[0]]), rows)
    np.testing.assert_array_equal(whole, rows)
    np.testing.assert_array_equal(first, [0, 2, 4])
    total = tf.vectorized_map(lambda row: tf.add_n([row, tf.constant([1.0, 2.0])]), rows)
    np.testing.assert_array_equal(total, [[1, 3], [3, 5], [5, 7]])


ONE_BY_ONE = {
    "DiagPart": lambda a: tf.linalg.tensor_diag_part(a[:, :4]),
    "LowerBound": lambda a: tf.searchsorted(tf.sort(a[0]), a[1]),
    "UpperBound": lambda a: tf.searchsorted(tf.sort(a[0]), a[1], side="right"),
    "SpaceToBatchND": lambda a: tf.space_to_batch(a[None, ..., None], [2], [[0, 0]]),
    "BatchToSpaceND": lambda a: tf.batch_to_space(a[..., None], [2], [[0, 0]]),
}


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_rows_of_ops_without_a_batch_need_no_fallback(name):
    function = ONE_BY_ONE[name]
    rows = tf.constant(ARGUMENTS["a"])
    found = tf.vectorized_map(function, rows, fallback_to_while_loop=False)
    np.testing.assert_array_equal(found, np.stack([function(row).numpy() for row in rows]))


def test_comparisons_of_shapes_that_do_not_fit_are_one_value_for_each_row():
    other = tf.constant([1.0, 2.0, 3.0])
    rows = tf.zeros([4, 2])
    expected = [False] * 4  # as tf.map_fn gives
    assert tf.vectorized_map(lambda x: x == other, rows).numpy().tolist() == expected


def pair_of_draws(generator):
    def draw(a):
        return tf.stack([generator.uniform([]), generator.uniform([], 0.0, a)])

    return draw


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_draws_of_a_generator_are_tensorflows(wrap):
    # each operation draws for all rows, the last input first, after one run of the function for its effects
    generator = tf.random.Generator.from_seed(1)
    drawn = wrap(lambda: tf.vectorized_map(pair_of_draws(generator), tf.range(1.0, 3.0)))()
    np.testing.assert_allclose(drawn, [[0.68051, 0.26457], [0.87047, 1.3883]], rtol=1e-4)
    assert generator.state[0].numpy() == 1 + 6 * 256


def test_binomial_draws_and_seeds_of_a_generator_are_tensorflows():
    generator = tf.random.Generator.from_seed(1)
    drawn = tf.vectorized_map(lambda _: generator.binomial([2], 10.0, 0.3), tf.zeros(3))
    assert drawn.numpy().tolist() == [[2, 3], [2, 2], [3, 4]]
    generator.reset_from_seed(1)
    seeds = tf.vectorized_map(lambda _: generator.make_seeds(2), tf.zeros(3))
    assert seeds[0, 0].numpy().tolist() == [-1648345058620875413, 1494989255412213957]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_a_variable_that_rows_assign_gets_the_value_of_the_first_row(wrap):
    v = tf.Variable(0.0)

    def row(a):
        v.assign(a + 1.0)
        return a * 2.0

    mapped = wrap(lambda: tf.vectorized_map(row, tf.constant([4.0, 6.0])))()
    assert mapped.numpy().tolist() == [8.0, 12.0] and v.numpy() == 5.0


def test_effects_of_no_rows_do_not_run():
    v = tf.Variable(0.0)
    tf.vectorized_map(lambda a: (v.assign(a), a)[1], tf.zeros([0]))
    assert v.numpy() == 0.0


def test_draws_in_functions_are_counted_with_those_around():
    def draw(_):
        return tf.random.uniform([])

    @tf.function
    def several(x):
        first = tf.vectorized_map(draw, x)
        return tf.random.uniform([]), first, tf.vectorized_map(draw, x), tf.random.uniform([])

    tf.random.set_seed(4)
    numbers = tf.concat([tf.reshape(t, [-1]) for t in several(tf.ones([2]))], 0)
    expected = [0.7331659, 0.8043033, 0.9943951, 0.6136271, 0.6189775, 0.9334884]
    np.testing.assert_allclose(numbers, expected, rtol=1e-5)
