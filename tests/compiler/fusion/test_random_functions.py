"""Random functions of many primitives: the compiled program against the interpreter, in guard mode."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.verify import simulate
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.util import flags
from tests.extents import symbol

F32 = dtypes.float32
ROWS, COLUMNS = 6, 10


def grow(p, r, nodes, steps):
    """Appends random nodes; values stay of the order of 1."""
    for _ in range(steps):
        x = nodes[r.integers(len(nodes))]
        kind = r.integers(14)
        if kind <= 1:
            y = getattr(p, r.choice(["tanh", "sin", "sigmoid", "abs", "neg", "square"]))(x)
            y = p.tanh(y)
        elif kind <= 4:
            same = [
                n
                for n in nodes
                if len(n.shape) == len(x.shape)
                and tuple(map(int, n.shape)) == tuple(map(int, x.shape))
            ]
            y = (
                getattr(p, r.choice(["add", "sub", "mul", "maximum", "minimum"]))(
                    x, same[r.integers(len(same))]
                )
                * 0.7
            )
        elif kind == 5 and x.shape:
            axes = [a for a in range(len(x.shape)) if r.random() < 0.6]
            y = getattr(p, r.choice(["reduce_mean", "reduce_max", "reduce_min"]))(
                x, axes, bool(r.integers(2))
            )
        elif kind == 6 and x.shape:
            y = p.transpose(x, r.permutation(len(x.shape)).tolist())
        elif kind == 7 and x.shape:
            axis = int(r.integers(len(x.shape)))
            y = (
                p.concat([x, p.reverse(x, [axis])], axis)
                if int(x.shape[axis]) < 20
                else p.reverse(x, [axis])
            )
        elif kind == 8 and x.shape:
            starts = [int(r.integers(0, 2)) if int(d) > 2 else 0 for d in x.shape]
            y = p.slice(x, starts, list(x.shape))
            y = (
                p.pad(y, [1] * len(x.shape), [0] * len(x.shape), 0.25)
                if max(map(int, x.shape)) < 20
                else y
            )
        elif kind == 9 and len(x.shape) == 2:
            others = [n for n in nodes if len(n.shape) == 2 and int(n.shape[0]) == int(x.shape[1])]
            y = (
                p.tanh(p.matmul(x, others[r.integers(len(others))]) * 0.3)
                if others
                else p.matmul(x, p.transpose(x, (1, 0))) * 0.1
            )
        elif kind == 10 and len(x.shape) == 2:
            e = p.exp(x - p.reduce_max(x, (1,), keepdims=True))
            y = e / p.reduce_sum(e, (1,), keepdims=True)
        elif kind == 11 and x.shape:
            axis = int(r.integers(len(x.shape)))
            indices = p.constant(r.integers(0, int(x.shape[axis]), 5).astype(np.int32))
            y = p.gather(x, indices, axis)
        elif kind == 12 and x.shape:
            y = p.reshape(x, (-1,)) if r.random() < 0.5 else p.expand_dims(x, 0)
            if len(y.shape) > 3 or max(map(int, y.shape)) > 500:
                continue
        else:
            y = p.select(p.gt(x, 0.1), x, p.cumulative(x, "max", 0) if x.shape else x * 0.5)
        nodes.append(y)
    return nodes


@pytest.mark.parametrize("symbolic", [False, True], ids=["static", "symbolic"])
@pytest.mark.parametrize("seed", range(30))
def test_a_random_function(seed, symbolic):
    r = np.random.default_rng(seed)
    rows = symbol("rows", ROWS) if symbolic else ROWS
    p = LoweringContext()
    shapes = [(rows, COLUMNS), (rows, COLUMNS), (COLUMNS,), (), (COLUMNS, 7), (2, rows, COLUMNS)]
    parameters = [p.parameter(i, s, F32) for i, s in enumerate(shapes)]
    handle = p.parameter(len(shapes), (), dtypes.resource, variable=((COLUMNS, 7), F32))
    nodes = grow(p, r, [*parameters, p.read_variable(handle)], 14)
    results = [nodes[i] for i in r.choice(len(nodes), 4)] + nodes[-2:]
    like = [n for n in nodes if tuple(map(int, n.shape)) == (COLUMNS, 7)]
    p.assign_variable(handle, like[-1] * 0.5)
    function = p.function("random", [*parameters, handle], results)
    arrays = [
        r.uniform(-1, 1, tuple(map(int, s))).astype(np.float32) for s in [*shapes, (COLUMNS, 7)]
    ]
    want, updates = interpreter.run(function, arrays)
    for g, w in zip(simulate.run(function, arrays)[0], want, strict=True):
        np.testing.assert_allclose(g, w, rtol=2e-6, atol=1e-6)

    class Handle:
        value, version = arrays[-1].copy(), 0

    with flags.override(guard=1):
        program = build_program(function)
        got = program(*arrays[:-1], Handle)
    for g, w in zip(got, want, strict=True):
        assert g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=5e-6, atol=1e-6)
    for w in updates:
        np.testing.assert_allclose(Handle.value, w, rtol=5e-6, atol=1e-6)


def test_a_product_less_the_maximum_of_its_other_operand():
    """A row's reduction is no part of a contraction's epilogue."""
    p = LoweringContext()
    x, w, y = p.parameter(0, (9, 5), F32), p.parameter(1, (5, 7), F32), p.parameter(2, (9, 7), F32)
    top = p.reduce_max(y, (1,), keepdims=True)
    function = p.function("f", [x, w, y], [p.exp(p.matmul(x, w) - top) + p.exp(y - top)])
    arrays = [
        np.random.default_rng(i).uniform(-1, 1, tuple(n.shape)).astype(np.float32)
        for i, n in enumerate((x, w, y))
    ]
    want, _ = interpreter.run(function, arrays)
    np.testing.assert_allclose(build_program(function)(*arrays)[0], want[0], rtol=1e-5)
