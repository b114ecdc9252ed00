"""A whole train step as one program: results, updates in place, few launches, any batch."""

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.core.values.arrays import aligned_copy
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from tests.extents import symbol

F32, I32 = dtypes.float32, dtypes.int32
SHAPES = [(50, 64), (64,), (64, 10), (10,)]


class Handle:
    def __init__(self, value):
        self.value, self.version = aligned_copy(value), 0


def train_step(batch):
    """Softmax cross entropy of a two-layer network, and Adam: x, labels, step, then w, m, v of each weight."""
    p = LoweringContext()
    n = symbol("batch", batch)
    x, labels, count = (
        p.parameter(0, (n, 50), F32),
        p.parameter(1, (n,), I32),
        p.parameter(2, (), F32),
    )
    handles = [
        p.parameter(3 + i, (), dtypes.resource, variable=(SHAPES[i // 3], F32)) for i in range(12)
    ]
    w1, b1, w2, b2 = (p.read_variable(handles[3 * i]) for i in range(4))
    h = p.maximum(p.matmul(x, w1) + b1, 0.0)
    logits = p.matmul(h, w2) + b2
    shifted = logits - p.reduce_max(logits, (1,), keepdims=True)
    e = p.exp(shifted)
    total = p.reduce_sum(e, (1,), keepdims=True)
    hot = p.one_hot(labels, 10, F32)
    losses = p.reshape(p.log(total), (n,)) - p.reduce_sum(shifted * hot, (1,))
    loss = p.reduce_mean(losses)
    d = (e / total - hot) / p.cast(p.size(n), F32)
    dh = p.select(p.gt(h, 0.0), p.matmul(d, p.transpose(w2, (1, 0))), 0.0)
    gradients = [p.matmul(p.transpose(x, (1, 0)), dh), p.reduce_sum(dh, (0,)),
                 p.matmul(p.transpose(h, (1, 0)), d), p.reduce_sum(d, (0,))]  # fmt: skip
    rate = (
        1e-3
        * p.sqrt(1.0 - p.pow(p.scalar(0.999, F32), count))
        / (1.0 - p.pow(p.scalar(0.9, F32), count))
    )
    for i, g in enumerate(gradients):
        w, m, v = (p.read_variable(h) for h in handles[3 * i : 3 * i + 3])
        m, v = m * 0.9 + g * 0.1, v * 0.999 + g * g * 0.001
        p.assign_variable(handles[3 * i], w - rate * m / (p.sqrt(v) + 1e-7))
        p.assign_variable(handles[3 * i + 1], m)
        p.assign_variable(handles[3 * i + 2], v)
    correct = p.cast(p.eq(p.arg_max(logits, 1, I32), labels), F32)
    return p.function("step", [x, labels, count, *handles], [loss, p.reduce_mean(correct)])


def arrays(batch):
    r = np.random.default_rng(0)
    state = []
    for shape in SHAPES:
        w = (r.standard_normal(shape) * 0.1).astype(np.float32)
        state += [w, np.zeros_like(w), np.zeros_like(w)]
    data = (
        r.standard_normal((batch, 50)).astype(np.float32),
        r.integers(0, 10, batch).astype(np.int32),
    )
    return data, state


def run_steps(batch, steps=3):
    function = train_step(batch)
    program = build_program(function)
    data, state = arrays(batch)
    handles = [Handle(s) for s in state]
    memory = [h.value.ctypes.data for h in handles]
    for step in range(1, steps + 1):
        count = np.array(step, np.float32)
        want, state = interpreter.run(function, [*data, count, *state])
        got = program(*data, count, *handles)
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-6)
    for handle, w in zip(handles, state, strict=True):
        np.testing.assert_allclose(handle.value, w, rtol=1e-5, atol=1e-6)
    assert [h.value.ctypes.data for h in handles] == memory
    return program


def test_a_train_step_is_right_and_writes_variables_in_place():
    program = run_steps(32)
    assert len(program.plan.launches) <= 30


def test_other_batch_sizes_write_no_kernel():
    run_steps(32, 1)
    for batch in (7, 1000):
        assert run_steps(batch, 1).plan.written == 0


def test_a_variable_that_someone_holds_is_copied():
    function = train_step(16)
    program = build_program(function)
    data, state = arrays(16)
    handles = [Handle(s) for s in state]
    held = handles[0].value
    view = handles[3].value[:5]
    before, before_view = held.copy(), view.copy()
    program(*data, np.array(1, np.float32), *handles)
    np.testing.assert_array_equal(held, before)
    np.testing.assert_array_equal(view, before_view)
    assert not np.array_equal(handles[0].value, before)
