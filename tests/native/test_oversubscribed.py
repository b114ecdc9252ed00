"""The pool with more threads than cores, and several callers at once."""

import threading

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir.function import Function
from penstock._src.native import pool

THREADS = 8


@pytest.fixture
def many_threads():
    """Eight threads, however few cores there are."""
    before = pool().threads
    pool().resize(THREADS)
    yield
    pool().resize(before)


def chain(m=130, n=70):
    """A function of several launches: products, a reduction over rows, elementwise work."""
    p = LoweringContext()
    a, b = p.parameter(0, (m, n), dtypes.float32), p.parameter(1, (n, m), dtypes.float32)
    y = p.contract("ij,jk->ik", a, b)
    y = p.sub(y, p.reduce_max(y, [1], keepdims=True))
    y = p.contract("ik,kj->ij", p.exp(y), a)
    return Function("chain", (a, b), (y, p.reduce_sum(y, [0])))


def arrays(function):
    random = np.random.default_rng(0)
    return [random.standard_normal(x.shape, np.float32) * 0.1 for x in function.parameters]


def test_results_are_the_same_at_every_run(many_threads):
    function = chain()
    program, values = build_program(function), arrays(function)
    first = [r.copy() for r in program(*values)]
    for _ in range(300):
        for got, want in zip(program(*values), first, strict=True):
            np.testing.assert_array_equal(got, want)


def test_callers_at_once_do_not_disturb_each_other(many_threads):
    function = chain()
    values = arrays(function)
    want = [r.copy() for r in build_program(function)(*values)]
    wrong = []

    def call():
        program = build_program(function)
        for _ in range(60):
            if not all(np.array_equal(g, w) for g, w in zip(program(*values), want, strict=True)):
                wrong.append(threading.current_thread().name)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong
