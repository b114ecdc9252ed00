"""Branches that return numbers which another branch computes with."""

import numpy as np

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags


def test_a_number_that_one_branch_returns_is_another_in_the_next():
    """The loop's list is 0 items long in one branch and 2 in the other, whose counter begins at another 0."""

    def stacked(x):
        def step(i, y, rows):
            return i + 1, tf.tanh(y) + 0.5, rows.write(i, tf.reverse(y, [0]) - 0.35)

        rows = tf.TensorArray(tf.float32, 2)
        _, y, rows = tf.while_loop(lambda i, *_: i < 2, step, (0, x, rows))
        return tf.reduce_mean(rows.stack(), 0) + y

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.cond(tf.reduce_sum(x) > -1.0, lambda: stacked(x), lambda: x)
        return y, tape.gradient(y, x)

    for x in ([-0.3, -0.76, 1.98], [-1.0, -2.0, 0.5]):
        x = tf.constant(x)
        for got, expected in zip(tf.function(gradient)(x), gradient(x), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_what_only_the_first_branch_reads_makes_room_for_the_next():
    n = 64

    def products(p, x, y, count):
        for _ in range(count):
            x = p.sin(p.matmul(p.matmul(x, y), x))
        return [p.reduce_sum(x)]

    p = LoweringContext()
    index, a = p.parameter(0, (), dtypes.int32), p.parameter(1, (n, n), dtypes.float32)
    b = p.sin(p.matmul(a, p.cos(a)))  # is stored, for a product reads it
    branches = [lambda x, y: products(p, y, y, 1), lambda x, y: products(p, x, x, 3)]
    function = p.function("f", [index, a], p.case(index, branches, [a, b]))
    with flags.override(verify=1, guard=0):
        program = build_program(function)
    stored = n * n * 4
    arrays = [np.random.default_rng(0).uniform(-0.1, 0.1, (n, n)).astype(np.float32)]
    for which in (0, 1):
        given = [np.int32(which), *arrays]
        (want,) = interpreter.run(function, given)[0]
        np.testing.assert_allclose(program(*map(np.asarray, given))[0], want, rtol=1e-5)
    assert program.plan.arena_bytes < 3.5 * stored  # it would be 4 if the input lived on
