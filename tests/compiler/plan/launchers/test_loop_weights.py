"""Weights that a loop does not assign are packed before it, not in each round."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter

F32 = dtypes.float32
ROUNDS, UNITS = 6, 160
RANDOM = np.random.default_rng(3)


def loop(p, h, w, rounds=ROUNDS, assigns=False):
    """Products by transposed weights; `assigns`: each round halves them, too."""

    def step(i, h, w):
        new = p.tanh(p.matmul(h, p.transpose(w, (1, 0))))
        return [p.add(i, 1), new, w * 0.5 if assigns else w]

    first = [p.constant(np.int32(0)), h, w]
    return p.while_(lambda i, *_: p.lt(i, rounds), step, first)[1]


def packings(program):
    """The positions of launches that pack, and that of the first jump."""
    records = program.plan.launches
    names = [getattr(record, "label", "a jump") for record in records]
    return [i for i, name in enumerate(names) if name == "pack weights"], names.index("a jump")


def checked(build, arrays=2):
    """A program's plan, whose results are those of the interpreter."""
    p = LoweringContext()
    shapes = [(8, UNITS), *[(UNITS, UNITS)] * (arrays - 1)]
    parameters = [p.parameter(i, shape, F32) for i, shape in enumerate(shapes)]
    function = p.function("f", parameters, build(p, *parameters))
    values = [RANDOM.standard_normal(shape).astype(np.float32) / 8 for shape in shapes]
    program = build_program(function)
    for got, want in zip(program(*values), interpreter.run(function, values)[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    return program


def test_weights_are_packed_once_before_the_loop():
    places, jump = packings(checked(lambda p, h, w: [loop(p, h, w)]))
    assert len(places) == 1 and places[0] < jump


def test_weights_that_the_loop_assigns_are_not_packed_before():
    places, _ = packings(checked(lambda p, h, w: [loop(p, h, w, assigns=True)]))
    assert not places


def test_weights_of_few_rounds_are_not_packed_before():
    places, _ = packings(checked(lambda p, h, w: [loop(p, h, w, rounds=3)]))
    assert not places


def test_each_loop_packs_its_own_weights():
    def two(p, h, v, w):
        return [loop(p, h, v), loop(p, h, w), loop(p, h, w + 1.0)]

    places, _ = packings(checked(two, 3))
    assert len(places) == 3


def test_products_of_one_loop_share_the_packed_weights():
    def both(p, g, w):
        def step(i, g, h):
            right = p.transpose(w, (1, 0))
            return [p.add(i, 1), p.tanh(p.matmul(h, right)), p.sin(p.matmul(g, right))]

        first = [p.constant(np.int32(0)), g, g * 0.5]
        return p.while_(lambda i, *_: p.lt(i, ROUNDS), step, first)[1:]

    places, _ = packings(checked(both))
    assert len(places) == 1


def test_a_loop_within_a_loop_packs_what_the_outer_one_assigns():
    def nested(p, h, w):
        def step(i, h, w):
            return [p.add(i, 1), loop(p, h, w), w * 0.9]

        first = [p.constant(np.int32(0)), h, w]
        return p.while_(lambda i, *_: p.lt(i, 4), step, first)[1:2]

    places, jump = packings(checked(nested))
    assert len(places) == 1 and places[0] > jump


@pytest.mark.parametrize("steps", [1, 3])
def test_training_packs_the_assigned_weights_anew_in_each_step(steps):
    w = tf.Variable(RANDOM.standard_normal((UNITS, UNITS)).astype(np.float32) / 13)
    x = tf.constant(RANDOM.standard_normal((8, UNITS)).astype(np.float32))

    def step(w, h):
        with tf.GradientTape() as tape:
            for _ in tf.range(ROUNDS):
                h = tf.tanh(tf.matmul(h, w))
            loss = tf.reduce_sum(h * h)
        w.assign_sub(0.01 * tape.gradient(loss, w))
        return loss

    other = tf.Variable(w)
    compiled = tf.function(step)
    for _ in range(steps):
        got = compiled(w, x)
        with tf.GradientTape() as tape:
            h = x
            for _ in range(ROUNDS):
                h = tf.tanh(tf.matmul(h, other))
            loss = tf.reduce_sum(h * h)
        other.assign_sub(0.01 * tape.gradient(loss, other))
        np.testing.assert_allclose(got, loss, rtol=1e-4)
    np.testing.assert_allclose(w, other, rtol=1e-3, atol=1e-4)
