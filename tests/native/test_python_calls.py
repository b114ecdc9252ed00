"""Native functions as Python builtins."""

import gc
import sys
import weakref

import numpy as np
import pytest

from penstock._src.native import Code, Module, kernels
from penstock._src.native import python_calls as py
from penstock._src.native.language.types import F64, I64, PTR


@pytest.fixture(scope="module")
def builtins():
    m = Module()
    with m.fn("scale", x=PTR, n=I64, by=I64) as f:
        factor = f.convert(f.by, F64)
        f.loop(0, f.n, 1, lambda i: f.store(f.load(f.x, i, F64) * factor, f.x, i))
    with m.fn("add", ret=I64, a=I64, b=I64) as f:
        f.give(f.a + f.b)
    names = [
        py.emit_call(m, "scale", "pii", release_gil=True),
        py.emit_call(m, "add", "ii", ret=I64),
    ]
    library = kernels()[Code.of(m)]
    return library, *(py.builtin(library[name], name) for name in names)


def test_arguments_and_results(builtins):
    _, scale, add = builtins
    x = np.arange(5.0)
    assert scale(x, 5, 3) is None and np.array_equal(x, 3 * np.arange(5.0))
    assert add(2**40, -1) == 2**40 - 1


def test_wrong_arguments_raise(builtins):
    _, scale, add = builtins
    for call in (lambda: add(1), lambda: add(1, 2, 3), lambda: add("a", 1), lambda: scale()):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(OverflowError):
        add(2**80, 1)


def test_none_keeps_its_references(builtins):
    _, scale, _ = builtins
    x = np.zeros(1)
    before = sys.getrefcount(None)
    for _ in range(1000):
        scale(x, 1, 1)
    assert abs(sys.getrefcount(None) - before) < 100


def test_a_builtin_may_outlive_the_module_that_made_it():
    definition = py.define(0, "late")
    alive = weakref.ref(definition)
    late = py.bind(definition, None)
    for held in vars(py).values():  # what Python's end takes from a module
        if isinstance(held, list) and definition in held:
            held.remove(definition)
    del definition
    gc.collect()
    assert alive() is not None
    del late
