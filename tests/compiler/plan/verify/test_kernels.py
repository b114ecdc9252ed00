"""The proofs about kernels, each given a kernel that breaks its rule."""

from dataclasses import replace

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.index import Division, Dynamic, of_atom
from penstock._src.compiler.kernels.kernel import map_nest
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.kernels.values import Scope
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.verify import simulate
from penstock._src.compiler.plan.verify.domain import evaluated
from penstock._src.compiler.plan.verify.ranges import verify_ranges
from penstock._src.compiler.plan.verify.reads import BOUND, verify_loads
from penstock._src.compiler.plan.verify.stores import Written, verify_node
from penstock._src.compiler.plan.verify.tiles import verify_contraction
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError

F32, I64 = dtypes.float32, dtypes.int64


def nest_of(body, *shape):
    """A nest that is not yet one over a flat space, its node and its leaf."""
    p = LoweringContext()
    x = p.parameter(0, shape, F32)
    node = body(p, x)
    return map_nest([node], lambda n: n is x), node, x


def moved(kernel, by):
    """The kernel with its stores elsewhere."""
    nest = kernel.nest
    stores = [Store(s.slot, s.offset + by, s.value, s.dtype) for s in nest.stores]
    return replace(kernel, nest=LoopNest(nest.scope, nest.space, stores, nest.leaves, nest.outputs))


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (1, 5)])
def test_every_element_is_stored_where_it_belongs(shape):
    kernel, node, _ = nest_of(lambda p, x: p.exp(p.transpose(x, (1, 0))), *shape)
    extent = evaluated({"flat": kernel.length or 0})

    def verify(kernel):
        verify_node(node, [Written(kernel, store, extent) for store in kernel.nest.stores])

    verify(kernel)
    for by in (1, -1):
        with pytest.raises(InternalError, match="is stored at"):
            verify(moved(kernel, by))


def test_an_array_without_elements_is_stored_nowhere():
    kernel, node, _ = nest_of(lambda p, x: p.exp(x), 0, 3)
    verify_node(node, [Written(moved(kernel, 9), s, int) for s in kernel.nest.stores])


class Reads:
    """A kernel that loads an element of an array at a number that it loads."""

    label = "reads"

    def __init__(self, extent):
        p = LoweringContext()
        self.leaves = [p.parameter(0, (4,), I64), p.parameter(1, (100,), F32)]
        self.scope = scope = Scope()
        self.row = scope.var(4)
        number = scope.value("load", (), I64, (0, of_atom(self.row)))
        self.number = Dynamic(99, number, extent)

    def loads(self, index, *ranges):
        inside = [
            self.scope.value("inside", (), dtypes.bool_, (of_atom(self.number), *r)) for r in ranges
        ]
        guard = inside[:1]
        for other in inside[1:]:
            guard = [self.scope.value("and", (*guard, other), dtypes.bool_)]
        verify_loads(self, [self.scope.value("load", guard, F32, (1, index))], self.leaves, int)


def test_numbers_that_are_loaded_are_as_large_as_their_clamps_allow():
    reads = Reads(100)
    reads.loads(of_atom(reads.number))
    reads.loads(of_atom(reads.number) * -1 + 99)
    for index in (of_atom(reads.number) + 1, of_atom(reads.number) - 1):
        with pytest.raises(InternalError, match="is read at .* of 100 elements"):
            reads.loads(index)


def test_numbers_that_are_loaded_are_as_large_as_their_guards_allow():
    reads = Reads(None)
    reads.loads(of_atom(reads.number), (0, 100))
    reads.loads(of_atom(reads.number) * 2, (0, 50))
    for index, limit in ((of_atom(reads.number), 101), (of_atom(reads.number) * 2, 51)):
        with pytest.raises(InternalError, match="is read at"):
            reads.loads(index, (0, limit))
    reads.loads(of_atom(reads.number) * 200)  # of what has no bound at all nothing is known
    assert BOUND < 100


def test_the_guard_of_another_number_does_not_bound_a_loaded_one():
    reads = Reads(None)
    other = reads.scope.value("inside", (), dtypes.bool_, (of_atom(reads.row), 0, 4))
    own = reads.scope.value("inside", (), dtypes.bool_, (of_atom(reads.number), 0, 200))
    guard = reads.scope.value("and", (other, own), dtypes.bool_)
    load = reads.scope.value("load", (guard,), F32, (1, of_atom(reads.number)))
    with pytest.raises(InternalError, match="is read at"):
        verify_loads(reads, [load], reads.leaves, int)


def sums_on_tiles(columns):
    """A product whose columns are summed as its tiles are stored."""
    p = LoweringContext()
    x, w = p.parameter(0, (700, 30), F32), p.parameter(1, (30, columns), F32)
    y = p.maximum(p.matmul(x, w), 0.0)
    kernels = schedule_function(p.function("f", [x, w], [y, p.reduce_sum(y, (0,))])).kernels
    return next(k for k in kernels if getattr(k, "summed", None)), p, y


def test_sums_on_tiles_are_of_all_rows_into_all_columns():
    kernel, p, y = sums_on_tiles(72)
    verify_contraction(kernel, int)
    for wrong in (p.reduce_sum(y, (1,)), p.reduce_sum(p.slice(y, (0, 0), (699, 72)), (0,))):
        with pytest.raises(InternalError, match="elements of 50400 into 72 columns"):
            verify_contraction(replace(kernel, summed=[wrong]), int)
    flat = p.reduce_sum(p.reshape(y, (72, 700)), (1,))
    with pytest.raises(InternalError, match="sums element 1 into 0, its tiles into column 1"):
        verify_contraction(replace(kernel, summed=[flat]), int)
    with pytest.raises(InternalError, match="1 sums for 2 reductions"):
        verify_contraction(replace(kernel, summed=kernel.summed * 2), int)


def simulated(body, *shapes):
    p = LoweringContext()
    parameters = [p.parameter(i, shape, F32) for i, shape in enumerate(shapes)]
    function = p.function("f", parameters, body(p, *parameters))
    arrays = [np.arange(np.prod(shape), dtype=np.float32).reshape(shape) for shape in shapes]
    return simulate.run(function, arrays)[0], arrays


def test_simulated_values_that_depend_on_few_loops_stand_at_all_points():
    (found,), (x,) = simulated(
        lambda p, x: [p.broadcast_to(p.exp(p.slice(x, (0, 0), (1, 2))), (3, 2))], (1, 2)
    )
    np.testing.assert_array_equal(found, np.exp(np.broadcast_to(x, (3, 2))))


def test_kernels_over_too_many_points_are_not_simulated(monkeypatch):
    body = lambda p, x: [p.reduce_sum(p.exp(x), (1,))]  # noqa: E731
    monkeypatch.setattr(simulate, "LARGEST", 12)
    (found,), (x,) = simulated(body, (3, 4))
    np.testing.assert_allclose(found, np.exp(x).sum(1), rtol=1e-6)
    with pytest.raises(simulate.TooLarge, match=r"\[3, 5\]|\[15\]"):
        simulated(body, (3, 5))


@pytest.mark.parametrize("by", [1, -1])
def test_simulated_loads_are_within_their_arrays(monkeypatch, by):
    whole = simulate._Points.index

    def beyond(self, index):
        return whole(self, index) + (by if index in loaded else 0)

    loaded = []
    load = simulate._Points._load

    def noted(self, v, guards):
        loaded.append(v.attrs[1])
        return load(self, v, guards)

    monkeypatch.setattr(simulate._Points, "index", beyond)
    monkeypatch.setattr(simulate._Points, "_load", noted)
    with pytest.raises(InternalError, match="outside of 12 elements"):
        simulated(lambda p, x: [p.exp(p.transpose(x, (1, 0)))], (3, 4))


def test_every_element_is_stored_once():
    kernel, _, x = nest_of(lambda p, x: p.exp(p.transpose(x, (1, 0))), 3, 4)
    (store,) = kernel.nest.stores
    p = LoweringContext()
    larger, twice = (p.parameter(0, (size,), F32) for size in (15, 24))
    with pytest.raises(InternalError, match="12 of 15 elements"):
        verify_node(larger, [Written(kernel, store, int)])
    with pytest.raises(InternalError, match="24 of 15 elements"):
        verify_node(larger, [Written(kernel, store, int)] * 2)
    with pytest.raises(InternalError, match="element 0 of .* is stored twice"):
        verify_node(twice, [Written(kernel, store, int)] * 2)
    halves = [Written(k, k.nest.stores[0], int) for k in (kernel, moved(kernel, 12))]
    verify_node(twice, halves)


def changed_schedule(monkeypatch, change):
    """Lets simulated functions have other kernels."""
    whole = simulate.schedule_function
    monkeypatch.setattr(
        simulate, "schedule_function", lambda f: replace(s := whole(f), kernels=change(s.kernels))
    )


def test_simulated_kernels_store_nothing_again(monkeypatch):
    changed_schedule(monkeypatch, lambda kernels: [*kernels, kernels[-1]])
    with pytest.raises(InternalError, match="is stored again"):
        simulated(lambda p, x: [p.exp(p.transpose(x, (1, 0)))], (3, 4))


def test_simulated_kernels_store_nothing_twice_or_outside(monkeypatch):
    body = lambda p, x: [p.exp(p.transpose(x, (1, 0)))]  # noqa: E731
    for by in (1, -1):
        changed_schedule(monkeypatch, lambda kernels, by=by: [moved(kernels[0], by)])
        with pytest.raises(InternalError, match="outside of it"):
            simulated(body, (3, 4))
        monkeypatch.undo()

    def onto_one(kernel):
        nest = kernel.nest
        stores = [Store(s.slot, s.offset * 0, s.value, s.dtype) for s in nest.stores]
        return replace(
            kernel, nest=LoopNest(nest.scope, nest.space, stores, nest.leaves, nest.outputs)
        )

    changed_schedule(monkeypatch, lambda kernels: [onto_one(kernels[0])])
    with pytest.raises(InternalError, match="is stored twice"):
        simulated(body, (3, 4))


def test_simulated_functions_get_all_their_arguments():
    p = LoweringContext()
    x, y = p.parameter(0, (3,), F32), p.parameter(1, (3,), F32)
    with pytest.raises(ValueError):
        simulate.run(p.function("f", [x, y], [x + y]), [np.ones(3, np.float32)])


class WronglyBounded(Division):
    """An index's quotient whose bounds say that it is never negative."""

    def range(self):
        return 0, 1


def test_an_index_is_divided_within_its_bounds():
    scope = Scope()
    i = scope.var(4)
    quotient = WronglyBounded(9, of_atom(i) - 2, 2, True)
    place = of_atom(Division(10, of_atom(quotient), 3, False))
    load = scope.value("load", (), F32, (0, place))
    verify_ranges(Reads, [scope.value("load", (), F32, (0, of_atom(i)))], (), int)
    with pytest.raises(InternalError, match="is divided as lying between 0 and 1, but is -1"):
        verify_ranges(Reads, [load], (), int)
