"""Arrays with dynamic rows stay inside of programs: compiled, the values are the eager ones."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 3)).astype("float32")
MASK = X[:, 0] > 0
kept = tf.boolean_mask


def on_host(function):
    traces = function._list_all_concrete_functions()
    return [op for t in traces for op in t.graph_function.executable.host_ops]


def same(function, *args):
    """Checks compiled against eager values, and that nothing stays on the host."""
    args = [tf.constant(a) for a in args]
    compiled = tf.function(function, autograph=False)
    found, expected = compiled(*args), function(*args)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-5, 1e-6)
    assert on_host(compiled) == []


@pytest.mark.parametrize("limit", [-100.0, 0.0, 100.0])
def test_places_of_what_holds(limit):
    same(lambda x: tf.where(x > limit), X)
    same(lambda x: kept(x, x[:, 0] > limit), X)


def test_many_places_found_by_several_threads():
    values = RANDOM.normal(size=(300, 701)).astype("float32")
    found = tf.function(lambda x: tf.where(x > 0.3))(values)
    np.testing.assert_array_equal(found, np.argwhere(values > 0.3))


FUNCTIONS = {
    "elements": lambda x, m: tf.exp(kept(x, m)) * 2 + x[0] - tf.cast(kept(x, m) > 0, tf.float32),
    "two masks": lambda x, m: kept(x, m) + kept(x * 2, m),
    "a single row is repeated": lambda x, m: kept(x, m) + kept(x, tf.range(50) == 7),
    "shapes": lambda x, m: (tf.shape(kept(x, m)), tf.size(kept(x, m)), tf.rank(kept(x, m))),
    "reshape": lambda x, m: (
        tf.reshape(kept(x, m), [-1]),
        tf.reshape(kept(x, m), [tf.shape(kept(x, m))[0], 1, 3]),
    ),
    "slices": lambda x, m: (
        kept(x, m)[0],
        kept(x, m)[-1],
        kept(x, m)[2:5],
        kept(x, m)[40:],
        kept(x, m)[:, 1],
        kept(x, m)[3, 1:],
    ),
    "concat": lambda x, m: (
        tf.concat([x, kept(x, m), kept(x, ~m), x], 0),
        tf.concat([kept(x, m), kept(x, m)], 1),
        tf.stack([kept(x, m), kept(x, m)], 1),
    ),
    "rows": lambda x, m: (
        tf.nn.softmax(kept(x, m)) @ tf.ones([3, 4]),
        tf.cumsum(kept(x, m)),
        tf.reduce_mean(kept(x, m), 1),
    ),
    "reductions": lambda x, m: [
        [reduce(kept(x, m), 0), reduce(kept(x, m)), reduce(kept(x, x[:, 0] > 100), 0)]
        for reduce in (tf.reduce_sum, tf.reduce_prod, tf.reduce_max, tf.reduce_min)
    ],
    "means": lambda x, m: (tf.reduce_mean(kept(x, m), 0), tf.reduce_any(kept(x, m) > 1, [0])),
    "extents": lambda x, m: (
        tf.ones([tf.shape(tf.where(m))[0], 2]),
        tf.range(tf.shape(tf.where(m))[0]),
    ),
    "gather": lambda x, m: (
        tf.gather(x, tf.where(m)[:, 0]),
        tf.gather(kept(x, m), [0, 3, 1]),
        tf.gather_nd(x, tf.where(x > 0)),
        tf.one_hot(tf.where(x > 0)[:, 1], 3),
    ),
    "scatter": lambda x, m: (
        tf.scatter_nd(tf.where(m), kept(x, m), [50, 3]),
        tf.tensor_scatter_nd_update(x, tf.where(m), kept(x, m) * 2),
        tf.tensor_scatter_nd_sub(x, tf.where(m), tf.ones_like(kept(x, m))),
        tf.math.unsorted_segment_max(kept(x, m), tf.where(m)[:, 0] % 4, 5),
        tf.scatter_nd(tf.where(m), kept(m, m), [50]),
    ),
    "zeros": lambda x, m: tf.zeros_like(kept(x, m)) + tf.ones_like(kept(x, m)),
    "again": lambda x, m: tf.where(kept(x, m) > 0),
    "branches": lambda x, m: (
        tf.cond(tf.reduce_any(m), lambda: kept(x, m), lambda: x * 2),
        tf.cond(x[0, 0] > 100, lambda: kept(x, m), lambda: x * 2),
    ),
    "loops": lambda x, m: tf.while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), [0, kept(x, m)]
    )[1],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ops_on_dynamic_rows_equal_eager_results(name):
    same(FUNCTIONS[name], X, MASK)


def test_no_row_at_all():
    function = FUNCTIONS["reductions"]
    same(function, X, MASK & False)
    same(FUNCTIONS["concat"], X, MASK & False)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_distinct_values(dtype):
    values = RANDOM.integers(0, 9, 30).astype(dtype)
    same(tf.unique, values)
    same(tf.unique_with_counts, values)
    same(lambda x: tf.gather(X, tf.cast(tf.unique(x)[0], tf.int32)), values)


def test_gradients():
    @tf.function
    def gradient(x, m):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(kept(x, m) ** 2)
        return tape.gradient(y, x)

    np.testing.assert_allclose(gradient(X, MASK), 2 * X * MASK[:, None], 1e-6)
    assert on_host(gradient) == []


def test_other_ops_are_compiled_once_the_number_is_known():
    function = tf.function(lambda x, m: tf.transpose(kept(x, m)))
    np.testing.assert_array_equal(function(X, MASK), X[MASK].T)
    assert on_host(function) == []


def test_errors_name_the_actual_number_of_rows():
    first = tf.function(lambda x, m: kept(x, m)[0])
    with pytest.raises(InvalidArgumentError, match="slice index 0 of dimension 0 out of bounds"):
        first(X, MASK & False)
    different = tf.function(lambda x, m: kept(x, m) + kept(x, tf.range(50) < 7))
    with pytest.raises(InvalidArgumentError, match="Incompatible shapes"):
        different(X, MASK)
    outside = tf.function(lambda x, m: tf.gather(kept(x, m), [49]))
    with pytest.raises(InvalidArgumentError, match=r"49 is not in \[0, 24\)"):
        outside(X, MASK)
    target = tf.function(lambda x, m: tf.scatter_nd(tf.where(m), kept(x, m), [5, 3]))
    with pytest.raises(InvalidArgumentError, match=r"\[6\] does not index into"):
        target(X, MASK)


def test_branches_know_the_shapes_that_they_are_given():
    @tf.function
    def total(x, ids):
        count = tf.shape(x)[0]
        made, rows = tf.cond(
            ids[0] > 0,
            lambda: (tf.math.unsorted_segment_sum(x, ids, count), count),
            lambda: (x, count),
        )
        return made + tf.ones([rows, 3])

    ids = RANDOM.integers(1, 50, 50)
    expected = np.zeros_like(X) + 1
    np.add.at(expected, ids, X)
    np.testing.assert_allclose(total(X, ids), expected, 1e-5, 1e-6)
    assert on_host(total) == []


def test_gradients_of_branches_over_tensors_of_unknown_shapes():
    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([], tf.bool)])
    def gradient(x, chosen):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(chosen, lambda: tf.reduce_sum(tf.exp(x)), lambda: tf.reduce_sum(x**3))
        return tape.gradient(y, x)

    x = np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_allclose(gradient(x, True), np.exp(x), 1e-5)
    np.testing.assert_allclose(gradient(x, False), 3 * x * x, 1e-5)
    assert on_host(gradient) == []


@pytest.mark.parametrize("name", ["Adagrad", "RMSProp", "Ftrl", "Adam"])
def test_gradients_of_few_rows_are_summed_and_applied_in_one_program(name):
    ids = tf.constant(RANDOM.integers(0, 20, (4, 3)))

    def trained(compiled):
        variable = tf.Variable(np.arange(40, dtype="float32").reshape(20, 2))
        optimizer = getattr(tf.compat.v1.train, name + "Optimizer")(0.1)

        def step():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.nn.embedding_lookup(variable, ids) ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, variable), variable)])

        function = tf.function(step, autograph=False) if compiled else step
        for _ in range(2):
            function()
        if compiled:
            trace = function._list_all_concrete_functions()[-1]
            assert len(list(trace.graph_function.executable.steps())) == 1
        return variable.numpy()

    np.testing.assert_allclose(trained(True), trained(False), 1e-5)


def test_a_shape_that_only_the_run_tells_may_leave_the_number_of_rows_open():
    flat = tf.function(lambda x, shape: tf.reshape(kept(x, x > 0), shape), autograph=False)
    x, positive = X[:, 0], X[:, 0][MASK]
    for rows in (-1, len(positive)):
        np.testing.assert_array_equal(flat(tf.constant(x), tf.constant([rows])), positive)
    with pytest.raises(InvalidArgumentError):
        flat(tf.constant(x), tf.constant([len(positive) + 1]))


def test_the_mean_of_many_found_narrow_numbers():
    x = tf.ones([70_000], tf.float16)  # more than the largest float16
    mean = tf.function(lambda x: tf.reduce_mean(tf.boolean_mask(x, x > 0)))
    assert mean(x) == 1


@pytest.mark.parametrize("reshapes", [False, True])
def test_numbers_of_rows_that_a_narrow_type_wraps_are_others(reshapes):
    def run(x):
        rows = kept(x, x[:, 0] > 0)
        wrapped = tf.cast(tf.cast(tf.shape(rows)[0], tf.uint8), tf.int32)
        return tf.reshape(rows, [wrapped, 2]) if reshapes else rows + tf.ones([wrapped, 2])

    function = tf.function(run, autograph=False)
    assert function(tf.ones([200, 2])).shape == [200, 2]
    with pytest.raises(InvalidArgumentError):  # 300 is 44 as uint8
        function(tf.ones([300, 2]))


def test_comparisons_of_other_numbers_of_rows_are_one_value():
    # recorded from TensorFlow 2.21
    @tf.function
    def equal_rows(x, y):
        return tf.boolean_mask(x, x > 0) == y

    x = tf.constant([1.0, -2.0, 3.0, 4.0])
    assert equal_rows(x, tf.constant([1.0, 3.0])).numpy().tolist() is False
    assert equal_rows(x, tf.constant([1.0, 3.0, 5.0])).numpy().tolist() == [True, True, False]
    assert equal_rows(x, tf.constant([3.0])).numpy().tolist() == [False, True, False]
