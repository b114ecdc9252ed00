"""Native functions as Python builtins."""

import gc
import weakref

import numpy as np
import pytest

from penstock._src.native import Code, Module, kernels
from penstock._src.native import python_calls as py
from penstock._src.native.language.types import I64, PTR

pytestmark = pytest.mark.usefixtures("new_objects_only")


@pytest.fixture(scope="module")
def sum_of_first():
    """A builtin of (array, n): the sum of its first n elements, as a builtin's entry takes its arguments apart."""
    m = Module()
    with m.fn("sum_of_first", ret=PTR, me=PTR, argv=PTR, nargs=I64) as f:
        f.branch(f.nargs.eq(2), "right", "wrong")
        f.start("wrong")
        py.give_type_error(f, "sum_of_first: expected 2 arguments")
        f.start("right")
        data = py.data_pointer(f, f.load(f.argv, 0, PTR))
        n = py.integer(f, f.load(f.argv, 1, PTR))

        def add(i, total):
            return (total + f.load(data, i, I64),)

        py.give(f, py.without_gil(f, lambda: f.loop(0, n, 1, add, f.i64(0))[0]))
    library = kernels()[Code.of(m)]
    return library, py.builtin(library["sum_of_first"], "sum_of_first")


def test_arguments_and_results(sum_of_first):
    _, function = sum_of_first
    assert function(np.arange(5), 4) == 6 and function(np.array([2**40]), 1) == 2**40


def test_wrong_arguments_raise(sum_of_first):
    _, function = sum_of_first
    with pytest.raises(TypeError, match="expected 2 arguments"):
        function(np.arange(5))


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
