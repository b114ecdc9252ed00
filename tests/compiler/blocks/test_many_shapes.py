"""Small inputs of ever new shapes are computed by the host, others by programs."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.block import Block
from penstock._src.compiler.blocks.many_shapes import HOST_RUNS, MANY_SHAPES
from penstock._src.compiler.stages import STATISTICS


def planned(function, *args):
    """(result, how many functions the call planned)."""
    before = STATISTICS.functions
    result = function(*args)
    return result, STATISTICS.functions - before


def sums():
    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None, None])])
    def f(x, y):
        return tf.reduce_sum(tf.tanh(x)) * tf.reduce_mean(y, 0)

    return f


def drawn(n, m=3):
    return np.linspace(0, 1, n, dtype=np.float32), np.ones((n + 1, m), np.float32)


def test_new_shapes_of_small_inputs_are_planned_some_times_only():
    f = sums()
    for n in range(1, MANY_SHAPES + 1):
        f(*drawn(n, n))
    result, functions = planned(f, *drawn(200, 7))
    assert functions == 0
    np.testing.assert_allclose(result, np.full(7, np.tanh(np.linspace(0, 1, 200)).sum()), rtol=1e-5)


def test_large_inputs_are_always_planned():
    f = sums()
    for n in range(1, MANY_SHAPES + 1):
        f(*drawn(n, n))
    assert planned(f, *drawn(20_000, 3))[1] > 0


def test_shapes_that_have_a_program_keep_it():
    f = sums()
    first = f(*drawn(5, 5))
    for n in range(1, MANY_SHAPES + 4):
        f(*drawn(n, n))
    np.testing.assert_array_equal(f(*drawn(5, 5)), first)


def test_variables_are_updated_by_programs():
    v = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def step(x):
        v.assign_sub(0.001 * tf.reduce_sum(x) * v)
        return v.read_value()

    expected = 1.0
    for n in range(1, MANY_SHAPES + 4):
        found, functions = planned(step, np.ones((n, n + 1), np.float32))
        expected -= 0.001 * n * (n + 1) * expected
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert functions == 0
    host = step.get_concrete_function().graph_function.executable.host_ops
    assert host and not any("Assign" in name for name in host)


def training():
    """A step of training a layer, whose inputs are of any length, and its variables."""
    w, speed = (
        tf.Variable(np.full((3, 1), 0.5, np.float32)),
        tf.Variable(np.zeros((3, 1), np.float32)),
    )

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32)])
    def step(x, ids):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.math.segment_sum(tf.tanh(x @ w), ids) - 0.3) ** 2)
        speed.assign(0.9 * speed + tape.gradient(loss, w))
        w.assign_sub(0.1 * speed)
        return loss

    return step, w


def batch(n):
    return np.linspace(-1, 1, 3 * n, dtype=np.float32).reshape(n, 3), np.arange(
        n, dtype=np.int32
    ) // 2


def test_steps_of_training_by_the_host_are_those_of_programs(monkeypatch):
    found = []
    for many in (MANY_SHAPES, 1000):
        monkeypatch.setattr("penstock._src.compiler.blocks.block.MANY_SHAPES", many)
        step, w = training()
        losses = [float(step(*batch(n))) for n in range(2, 40)]
        _, functions = planned(step, *batch(50))
        assert (functions == 0) == (many == MANY_SHAPES)
        found.append([*losses, *w.numpy().ravel()])
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_shapes_that_come_again_get_programs_where_the_host_runs_all():
    step, _ = training()
    for n in range(2, MANY_SHAPES + 4):
        step(*batch(n))
    functions = [planned(step, *batch(60))[1] for _ in range(HOST_RUNS + 2)]
    assert functions[:HOST_RUNS] == [0] * HOST_RUNS
    assert functions[HOST_RUNS] > 0
    assert functions[-1] == 0


def test_what_reads_large_weights_stays_in_programs():
    w = tf.Variable(np.ones((3, 200_000), np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def f(x):
        return tf.reduce_sum(x @ w)

    for n in range(1, MANY_SHAPES + 4):
        _, functions = planned(f, np.ones((n, 3), np.float32))
        assert functions > 0


def test_loops_over_variables_stay_in_programs():
    w = tf.Variable(np.ones((3, 3), np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def f(x):
        for _ in tf.range(5):
            x = tf.tanh(x @ w)
        return x

    for n in range(2, MANY_SHAPES + 4):
        _, functions = planned(f, np.ones((n, 3), np.float32))
        assert functions > 0


def test_large_constants_stay_in_programs():
    table = tf.constant(np.ones((20_000, 3), np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def f(ids):
        return tf.reduce_sum(tf.gather(table, ids))

    for n in range(1, MANY_SHAPES + 4):
        _, functions = planned(f, np.zeros(n, np.int32))
        assert functions > 0


def test_ragged_batches_of_a_dataset_plan_little():
    lengths = np.random.default_rng(0).integers(1, 50, 2000)
    rows = tf.RaggedTensor.from_row_lengths(np.ones(lengths.sum(), np.float32), lengths)
    batches = tf.data.Dataset.from_tensor_slices(rows).ragged_batch(8)
    found, functions = planned(
        lambda: np.concatenate([b.numpy() for b in batches.map(lambda r: tf.reduce_sum(r, 1))])
    )
    np.testing.assert_array_equal(found, lengths)
    assert functions < 4 * MANY_SHAPES


@pytest.mark.parametrize("n", [1, 3])
def test_the_host_gives_what_the_program_gives(n):
    x, y = drawn(n)
    f = sums()
    by_program = f(x, y)
    for m in range(10, 10 + MANY_SHAPES):
        f(*drawn(m))
    g = sums()
    for m in range(10, 10 + MANY_SHAPES):
        g(*drawn(m))
    np.testing.assert_allclose(g(x, y), by_program, rtol=1e-6)


def test_the_report_says_why_the_host_computes():
    f = sums()
    for n in range(1, MANY_SHAPES + 2):
        f(*drawn(n, n))
    assert "another shape in nearly every run" in str(f.explain(*drawn(3, 3)))


def test_further_shapes_make_nothing(monkeypatch):
    f = sums()
    for n in range(1, MANY_SHAPES + 2):
        f(*drawn(n, n))

    def refuse(*_):
        raise AssertionError("a form was made")

    monkeypatch.setattr(Block, "specialize", refuse)
    np.testing.assert_allclose(f(*drawn(1, 9)), np.zeros(9), atol=1e-6)


def test_programs_of_more_than_a_hundred_shapes_are_kept():
    @tf.function(input_signature=[tf.TensorSpec([None, 20_000])])
    def f(x):
        return tf.reduce_sum(tf.tanh(x), 1)

    for n in range(2, 112):
        f(np.zeros((n, 20_000), np.float32))
    assert sum(planned(f, np.zeros((n, 20_000), np.float32))[1] for n in range(2, 112)) == 0
