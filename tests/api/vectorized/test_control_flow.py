"""Conditions, loops and tensor lists for all rows at once give what each row gives by itself."""

import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.vectorized.functions import pfor
from penstock._src.bridge.python.ops import list_ops
from penstock._src.bridge.python.ops.parallel_for.control_flow_ops import for_loop
from tests.harness.processes import lean

X = np.linspace(-2, 2, 12).reshape(4, 3).astype(np.float32)


def halve(x):
    return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 0.5), (0, x))[1]


def halve_until_small(x):
    return tf.while_loop(lambda y: tf.reduce_sum(tf.abs(y)) > 1.0, lambda y: [y * 0.5], [x])[0]


def powers(x):
    made = tf.TensorArray(tf.float32, 3, element_shape=[3])

    def fill(i, held):
        return i + 1, held.write(i, x ** tf.cast(i, tf.float32))

    return tf.while_loop(lambda i, _: i < 3, fill, (0, made))[1].stack()


def trace_of_halving(x):
    def grow(y, held):
        return y * 0.5, held.write(held.size(), y)

    held = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[3])
    return tf.while_loop(lambda y, held: held.size() < 4, grow, (x, held))[1].stack()


def by_sign(x):
    return tf.cond(tf.reduce_sum(x) > 0, lambda: (x * 2, 1), lambda: (x - 1, 0))


def by_number(x):
    number = tf.cast(tf.reduce_sum(x), tf.int32)
    return tf.switch_case(number, [lambda: x * 10, lambda: x + 100, lambda: -x])


FUNCTIONS = [
    halve, halve_until_small, powers, trace_of_halving, by_sign, by_number,
]  # fmt: skip


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_all_rows_at_once_equal_each_row(fn):
    each = [fn(tf.constant(row)) for row in X]
    wanted = tf.nest.map_structure(lambda *rows: np.stack(rows), *each)

    def mapped(x):
        return tf.vectorized_map(tf.function(fn), x, fallback_to_while_loop=False)

    for run in (mapped, tf.function(mapped)):
        tf.nest.map_structure(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), run(tf.constant(X)), wanted
        )


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_gradients_through_all_rows_equal_those_of_each(fn):
    def total(values):
        return tf.add_n([tf.reduce_sum(v) for v in tf.nest.flatten(values) if v.dtype.is_floating])

    def gradient(function, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = total(function(x))
        return tape.gradient(value, x)

    wanted = [gradient(tf.function(fn), tf.constant(row)) for row in X]
    found = tf.function(gradient)(lambda x: tf.vectorized_map(tf.function(fn), x), tf.constant(X))
    np.testing.assert_allclose(found, np.stack(wanted), rtol=1e-5)


def test_gradients_of_loops_that_rows_leave_at_different_times():
    @tf.function
    def slope(x, count):
        with tf.GradientTape() as tape:
            tape.watch(x)
            _, y = tf.while_loop(lambda i, _: i < count, lambda i, y: (i + 1, y * x + 1), (0, x))
        return tape.gradient(y, x)

    counts = tf.constant([0, 3, 1, 2])
    found = tf.vectorized_map(lambda row: slope(*row), (X, counts))
    wanted = [slope(*row) for row in zip(tf.unstack(X), tf.unstack(counts), strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="lists grow or shrink in a loop that rows leave"):
        tf.vectorized_map(lambda row: slope(*row), (X, counts), fallback_to_while_loop=False)


def test_rows_that_choose_other_branches_do_not_run_them():
    x = tf.constant([0.0, 1.0, 4.0])

    @tf.function
    def root(v):
        return tf.cond(v > 0, lambda: tf.sqrt(v), lambda: v)

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.vectorized_map(root, x)
    assert tape.gradient(y, x).numpy().tolist() == [1.0, 0.5, 0.25]


def lists_of_rows(i):
    rows = list_ops.tensor_list_reserve([2], 3, tf.int32)
    rows = list_ops.tensor_list_scatter([[i, 1], [2, i]], [0, 2], input_handle=rows)
    rows = list_ops.tensor_list_set_item(rows, i, [7, i])
    taken = list_ops.tensor_list_gather(rows, [i, 0], tf.int32)
    return list_ops.tensor_list_stack(rows, tf.int32), taken


def lists_read_at_own_position(i):
    common = list_ops.tensor_list_from_tensor([[1, 2], [3, 4], [5, 6]], [2])
    own = list_ops.tensor_list_set_item(common, 0, [i, i])
    rest, last = list_ops.tensor_list_pop_back(own, tf.int32)
    rest = list_ops.tensor_list_stack(rest, tf.int32, element_shape=[2])
    read = [list_ops.tensor_list_get_item(held, i, tf.int32, [2]) for held in (common, own)]
    return *read, last, rest


@pytest.mark.parametrize("fn", [lists_of_rows, lists_read_at_own_position])
def test_lists_of_all_rows_equal_those_of_each(fn):
    dtypes = tf.nest.map_structure(lambda t: t.dtype, fn(tf.constant(0)))
    wanted = for_loop(fn, dtypes, 3)
    found = pfor(fn, 3, fallback_to_while_loop=False)
    tf.nest.map_structure(np.testing.assert_array_equal, found, wanted)


@pytest.mark.parametrize(
    "lengths, shape", [((2, 2, 2), [2, 2]), ((1, 2, 3), [None, 2]), ((1, 0, 3), None)]
)
def test_elements_of_lists_are_joined_in_each_row(lengths, shape):
    def row(i):
        array = tf.TensorArray(tf.float32, 3, element_shape=shape, infer_shape=False)
        for k, length in enumerate(lengths):
            array = array.write(k, tf.fill([length, 2], tf.cast(10 * i + k, tf.float32)))
        return array.concat()

    found = pfor(row, 3, fallback_to_while_loop=False)
    np.testing.assert_array_equal(found, tf.stack([row(i) for i in range(3)]))


BODIES = {
    "condition": lambda row, scale: tf.cond(
        tf.reduce_sum(row) > 1, lambda: row * row * scale, lambda: row * 3.0
    ),
    "shared condition": lambda row, scale: tf.cond(
        tf.reduce_sum(scale) > 1, lambda: row * row * scale, lambda: row
    ),
    "loop": lambda row, scale: tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, a * row * scale), (0, row)
    )[1],
    "shared loop": lambda row, scale: (
        tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * scale), (0, scale))[1] * row
    ),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_eager_gradients_pass_through_conditions_and_loops(body):
    x, scale = tf.constant([[1.0, 2.0], [3.0, -4.0]]), tf.constant(2.0)
    results = []
    for mapped in (tf.vectorized_map, lambda f, x: tf.stack([f(row) for row in x])):
        with tf.GradientTape() as tape:
            tape.watch([x, scale])
            total = tf.reduce_sum(mapped(lambda row: body(row, scale), x))
        results.append([tf.convert_to_tensor(g).numpy() for g in tape.gradient(total, [x, scale])])
    for vectorized, by_rows in zip(*results, strict=True):
        np.testing.assert_allclose(vectorized, by_rows)


def test_a_condition_is_the_first_function_of_a_process():
    program = """
import penstock as tf
x, s = tf.constant([[1.0], [3.0]]), tf.constant(2.0)
print(tf.vectorized_map(lambda r: tf.cond(s > 1, lambda: r * s, lambda: r), x).numpy().tolist())
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, env=lean(), check=False)
    assert run.stdout == "[[2.0], [6.0]]\n", run.stderr


WIDE = tf.ones([2, 2])


@pytest.mark.parametrize(
    "fn",
    [lambda image: tf.nn.max_pool2d(image, 2, 2, "VALID"), lambda image: image[:, :2, :2] @ WIDE],
    ids=["pooling", "product"],
)
def test_a_branch_that_no_row_chooses_has_the_results_shape(fn):
    images = tf.ones([3, 1, 4, 4, 2])

    def row(image):
        return tf.cond(tf.reduce_sum(image) > 100, lambda: fn(image), lambda: image[:, :2, :2])

    assert (tf.vectorized_map(row, images).numpy() == np.ones([3, 1, 2, 2, 2])).all()
