"""The stage `loops`: what is left in counted loops, and that values stay what they were."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.passes.loops import loops
from penstock._src.core import dtypes
from penstock._src.ir import interpreter
from penstock._src.ir.function import bodies
from penstock._src.ir.verify import verify

F, I = dtypes.float32, dtypes.int32
STEPS, ROWS, IN, OUT = 5, 3, 4, 6
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((STEPS, ROWS, IN)).astype("f")
W = RANDOM.standard_normal((IN, OUT)).astype("f")


def built(make, *values):
    """The function of `make(p, *parameters)`, as it stands and rewritten; both give equal values."""
    p = LoweringContext()
    parameters = [
        p.parameter(i, v.shape, dtypes.as_dtype(v.dtype))
        for i, v in enumerate(map(np.asarray, values))
    ]
    function = p.function("f", parameters, make(p, *parameters))
    rewritten = loops(function)
    verify(rewritten)
    before, after = (interpreter.run(f, list(values))[0] for f in (function, rewritten))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    return rewritten


def loop_of(function):
    return next((n for n in function.nodes() if n.kind == "while"), None)


def kinds(node):
    return [n.kind for n in bodies(node)[1].nodes()]


def counted(p, step, *init, steps=STEPS):
    """for t in range(steps): values = step(t, *values)"""
    i = p.constant(0, I)
    found = p.while_(
        lambda t, *_: p.lt(t, p.constant(steps, I)),
        lambda t, *values: [p.add(t, 1), *step(t, *values)],
        [i, *init],
    )
    return found[1:]


@pytest.mark.parametrize("backwards", [False, True])
def test_products_of_rows_move_before_the_loop(backwards):
    def make(p, x, w):
        def step(t, h):
            row = p.dynamic_index(x, p.sub(STEPS - 1, t) if backwards else t)
            return [p.tanh(p.add(h, p.contract("mk,kn->mn", row, w)))]

        return counted(p, step, p.full((ROWS, OUT), 0, F))

    function = built(make, X, W)
    assert "contract" not in kinds(loop_of(function))
    assert [n.attrs["spec"].count(",") for n in function.nodes() if n.kind == "contract"] == [1]


def test_sums_of_products_are_one_product_after_the_loop():
    def make(p, x, w):
        def step(t, h, total, sums):
            row = p.dynamic_index(x, t)
            h = p.tanh(p.add(h, p.contract("mk,kn->mn", row, w)))
            return [
                h,
                p.add(total, p.contract("mk,mn->kn", row, h)),
                p.add(sums, p.reduce_sum(h, 0)),
            ]

        zeros = [p.full((ROWS, OUT), 0, F), p.full((IN, OUT), 1, F), p.full((OUT,), 0, F)]
        return counted(p, step, *zeros)

    loop = loop_of(built(make, X, W))
    assert not {"contract", "reduce"} & set(kinds(loop))
    assert loop.attrs["carried"] == 3 and loop.attrs["unread"] == (2,)  # counter, h, rows of h


def test_stacks_of_products_become_a_product_of_stacks():
    def make(p, x, w):
        def step(t, h, out, same, places):
            h = p.sin(p.add(h, p.dynamic_index(x, t)))
            out = p.dynamic_set_index(out, t, p.contract("mk,kn->mn", h, w))
            same = p.dynamic_set_index(same, t, w)
            return [h, out, same, p.dynamic_set_index(places, t, p.mul(t, 3))]

        zeros = [p.full(s, 0, F) for s in ((ROWS, IN), (STEPS, ROWS, OUT), (STEPS, IN, OUT))]
        return counted(p, step, *zeros, p.full((STEPS,), 0, I))

    loop = loop_of(built(make, X, W))
    assert "contract" not in kinds(loop)
    assert kinds(loop).count("dynamic_update_slice") == 1


def test_added_rows_are_a_stack():
    def make(p, x, w):
        def step(t, h, total):
            h = p.sin(p.add(h, p.dynamic_index(x, t)))
            zeros = p.full((STEPS, ROWS, IN), 0, F)
            return [h, p.add(total, p.dynamic_set_index(zeros, p.sub(STEPS - 1, t), h))]

        return counted(p, step, p.full((ROWS, IN), 0, F), x)

    loop = loop_of(built(make, X, W))
    assert "dynamic_slice" in kinds(loop) and loop.attrs["unread"]


def test_rows_that_are_read_again_stay_as_they_are():
    def make(p, x, w):
        def step(t, buffer):
            row = p.dynamic_index(buffer, p.sub(STEPS - 1, t))
            return [p.dynamic_set_index(buffer, t, p.add(row, 1.0))]

        return counted(p, step, x)

    loop = loop_of(built(make, X, W))
    assert "unread" not in loop.attrs


def test_loops_with_a_condition_of_values_stay_as_they_are():
    def make(p, x, w):
        return p.while_(
            lambda t, s: p.and_(p.lt(t, 100), p.lt(s, 5.0)),
            lambda t, s: [p.add(t, 1), p.add(s, 0.75)],
            [p.constant(0, I), p.constant(0.0, F)],
        )

    assert loop_of(built(make, X, W)) is not None


def test_what_nobody_asks_for_is_not_carried():
    def make(p, x, w):
        found = counted(
            p,
            lambda t, a, b, c: [p.sin(p.add(a, x)), p.add(b, a), p.add(c, b)],
            *[p.full(X.shape, 0, F)] * 3,
        )
        return found[:1]

    assert loop_of(built(make, X, W)).attrs["carried"] == 2


def test_loops_in_loops():
    def make(p, x, w):
        def outer(t, total):
            row = p.dynamic_index(x, t)

            def inner(s, h):
                return [p.tanh(p.add(h, p.contract("k,kn->n", p.dynamic_index(row, s), w)))]

            (h,) = counted(p, inner, p.full((OUT,), 0, F), steps=ROWS)
            return [p.add(total, h)]

        return counted(p, outer, p.full((OUT,), 0, F))

    built(make, X, W)


def test_a_counter_of_64_bits_is_read_beside_the_blocks_it_places():
    def make(p, x):
        zero = p.constant(0, dtypes.int64)

        def step(t, total, h):
            place = p.sub(STEPS - 1, t)
            return [p.add(t, 1), p.add(total, place), p.add(h, p.dynamic_index(x, place))]

        init = [zero, zero, p.full((ROWS, IN), 0, F)]
        return p.while_(lambda t, *_: p.lt(t, STEPS), step, init)[1:]

    built(make, X)


def test_sums_of_shared_terms_and_long_sums_take_no_time():
    def step(p, t, total, other_total, x):
        shared, long = p.dynamic_index(x, t), p.dynamic_index(x, t)
        other = p.mul(shared, p.scalar(0.5, F))
        for _ in range(60):  # 2 ** 60 paths
            shared, other = p.add(shared, other), p.add(other, shared)
        for number in range(2000):
            long = p.add(long, p.scalar(1.0 / (1 + number), F))
        return [p.add(shared, total), p.add(other_total, long)]

    def make(p, x):
        zeros = p.full(X.shape[1:], 0.0, F)
        return counted(p, lambda t, *totals: step(p, t, *totals, x), zeros, zeros)

    built(make, X * 1e-20)
