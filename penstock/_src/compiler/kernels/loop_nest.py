"""The loop nest: the computation of one kernel, before any decision on its execution.

    for every point of `space`:  stores           each at the outermost loop that has all its variables

`signature` is equal for two nests exactly if their code is: it contains Dims by expression only, so that a nest for other sizes
is recognized without being written again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field
from itertools import pairwise, permutations
from typing import Any

from penstock._src.compiler.kernels.index import (
    Atom,
    Division,
    Dynamic,
    Index,
    Var,
    constant,
    extent_key,
    of_atom,
)
from penstock._src.compiler.kernels.values import Scope, Value, closure, dynamic_values
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Store:
    """value -> outputs[slot][offset]."""

    slot: int
    offset: Index
    value: Value
    dtype: DType

    @property
    def vars(self) -> frozenset[Var]:
        return self.offset.vars | self.value.vars


@dataclass
class LoopNest:
    """A kernel of loops. Buffers are the leaves, then the outputs."""

    scope: Scope
    space: tuple[Var, ...]
    stores: list[Store]
    leaves: list[Node]
    outputs: list[Any] = field(default_factory=list)
    _values: list[Value] | None = field(default=None, init=False, repr=False, compare=False)

    def signature(self) -> tuple:
        """A key of everything on which the code depends."""
        return (
            tuple([(v.number, extent_key(v.extent)) for v in self.space]),
            tuple([(s.slot, s.offset.key, s.value.number, s.dtype) for s in self.stores]),
            tuple(self.scope.values),
            tuple(self.scope.atoms),
            tuple(_variables(self.values())),
            tuple([leaf.dtype for leaf in self.leaves]),
            len(self.outputs),  # one may have no elements, and no store
        )

    def take_loops(self, other: "LoopNest") -> None:
        """Shares the loops and values of a nest of the same signature instead of equal ones of its own."""
        self.scope, self.space, self.stores = other.scope, other.space, other.stores
        self._values = other._values

    def values(self) -> list[Value]:
        """All values that the stores need, arguments first; computed once, since the stores never change."""
        if self._values is None:
            self._values = closure(_roots(self.stores))
        return self._values


def _roots(stores: Sequence[Store]) -> list[Value]:
    return [v for s in stores for v in (s.value, *dynamic_values(s.offset))]


def _variables(values: Sequence[Value]) -> list[Any]:
    """Reduction variables and their extents, in order of meeting."""
    variables = []
    for value in values:
        if value.kind == "reduce":
            variables += [(v.number, extent_key(v.extent)) for v in value.attrs[1]]
        elif value.kind == "arg_reduce":
            variables.append((value.attrs[1].number, extent_key(value.attrs[1].extent)))
    return variables


def indices(nest: LoopNest) -> list[Index]:
    used = [s.offset for s in nest.stores]
    for value in nest.values():
        used += [a for a in value.attrs if isinstance(a, Index)]
    return used


def coalesce(nest: LoopNest) -> LoopNest:
    """Merges neighboring variables that only appear as `i * extent(j) + j`.

    Before: for i in n: for j in m: y[i*m + j] = x[i*m + j]      After: for v in n*m: y[v] = x[v]
    """
    while True:
        pair = _mergeable(nest, pairwise(nest.space)) or _mergeable_reduction(nest)
        if pair is None:
            return nest
        nest = _merge(nest, *pair)


FLAT = "flat"  # the symbol for the extent of a flat nest


def flatten(nest: LoopNest) -> tuple[LoopNest, int | None]:
    """(the nest over one contiguous loop of any length, its length here), or (the nest, None) if it has no such form.

    So the same arithmetic on arrays of other sizes (an optimizer's weights) reuses the code.
    """
    # A nest of any length has no extent to divide by, and no end to compare with.
    if len(nest.space) != 1 or _reduced(nest):
        return nest, None
    (var,) = nest.space
    if not all(_plain(index, var) for index in indices(nest)):
        return nest, None
    if any(v.kind in ("index", "inside") for v in nest.values()):
        return nest, None
    length = var.extent
    scope = Scope()
    scope.count = nest.scope.count
    free = scope.var(Dim.symbol(FLAT))
    change = _Rewriter(scope, var, var, free)
    stores = [
        Store(s.slot, change.index(s.offset), change.value(s.value), s.dtype) for s in nest.stores
    ]
    return LoopNest(scope, (free,), stores, nest.leaves, nest.outputs), length


def _plain(index: Index, var: Var) -> bool:
    """True if an index is the variable itself, or a number."""
    if type(index.const) is Dim:
        return False
    return not index.terms or (
        len(index.terms) == 1 and index.terms[0][0] is var and is_one(index.terms[0][1])
    )


def _mergeable(nest: LoopNest, pairs: Iterable[tuple[Var, Var]]) -> tuple[Var, Var] | None:
    """Two of these variables (outer, inner) that may become one."""
    all_indices = indices(nest)
    # A reduction goes over the same variable again, which must stay what it is.
    twice = _reduced(nest).intersection(nest.space)  # a row's variable that reductions use as well
    for outer, inner in pairs:
        if outer in twice or inner in twice:
            continue
        if all(_go_together(index, outer, inner) for index in all_indices):
            return outer, inner
    return None


def _reduced(nest: LoopNest) -> set[Var]:
    """The variables of all reductions."""
    variables: set[Var] = set()
    for v in nest.values():
        if v.kind == "reduce":
            variables.update(v.attrs[1])
        elif v.kind == "arg_reduce":
            variables.add(v.attrs[1])
    return variables


def _go_together(index: Index, outer: Var, inner: Var) -> bool:
    if outer not in index.vars and inner not in index.vars:
        return True
    if not index.only_affine_in(outer) or not index.only_affine_in(inner):
        return False
    want = index.coefficient(inner) * inner.extent
    return extent_key(index.coefficient(outer)) == extent_key(want)


def _mergeable_reduction(nest: LoopNest) -> tuple[Var, Var] | None:
    reduces = [v for v in nest.values() if v.kind == "reduce"]
    groups = {v.attrs[1] for v in reduces if len(v.attrs[1]) > 1}
    single = {v.attrs[1] for v in nest.values() if v.kind == "arg_reduce"}
    single |= {v.attrs[1][0] for v in reduces if len(v.attrs) > 2}  # bounded by a limit of its own
    for group in sorted(groups, key=lambda g: [v.number for v in g]):
        if any(v in single for v in group):
            continue
        pair = _mergeable(nest, permutations(group, 2))  # in any order: sums commute
        # Variables that other reductions share must go together there, too, or stay apart.
        if pair is not None and all(set(pair) <= set(g) or not set(pair) & set(g) for g in groups):
            return pair
    return None


def _merge(nest: LoopNest, outer: Var, inner: Var) -> LoopNest:
    """The nest with two variables merged (a new one replaces the inner one)."""
    scope = Scope()
    scope.count = nest.scope.count
    both = scope.var(outer.extent * inner.extent)
    change = _Rewriter(scope, outer, inner, both)
    stores = [
        Store(s.slot, change.index(s.offset), change.value(s.value), s.dtype) for s in nest.stores
    ]
    space = tuple([both if v is inner else v for v in nest.space if v is not outer])
    return LoopNest(scope, space, stores, nest.leaves, nest.outputs)


class _Rewriter:
    """Copies values into a scope where `inner` is `both` and `outer` is gone."""

    def __init__(self, scope: Scope, outer: Var, inner: Var, both: Var):
        self.scope, self.outer, self.inner, self.both = scope, outer, inner, both
        self.known: dict[int, Value] = {}

    def value(self, root: Value) -> Value:
        for v in closure([root]):
            if v.number not in self.known:
                args = [self.known[a.number] for a in v.args]
                attrs = tuple([self.attr(a) for a in v.attrs])
                self.known[v.number] = self.scope.value(v.kind, args, v.dtype, attrs)
        return self.known[root.number]

    def attr(self, attr: Any) -> Any:
        if isinstance(attr, Index):
            return self.index(attr)
        if isinstance(attr, tuple) and attr and isinstance(attr[0], Var):
            return tuple([self.both if v is self.inner else v for v in attr if v is not self.outer])
        return attr

    def index(self, index: Index) -> Index:
        return index.replace(self.atom)

    def atom(self, atom: Atom) -> Index:
        if atom is self.inner:
            return of_atom(self.both)
        if atom is self.outer:
            return constant(0)
        if isinstance(atom, Division):
            make = self.scope.quotient if atom.quotient else self.scope.remainder
            return make(self.index(atom.index), atom.divisor)
        if isinstance(atom, Dynamic):
            return self.scope.dynamic(self.value(atom.value), atom.extent)
        return of_atom(atom)


__all__ = ["FLAT", "LoopNest", "Store", "coalesce", "flatten", "indices"]
