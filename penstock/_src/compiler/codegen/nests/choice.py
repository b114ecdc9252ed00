"""Chooses the loops of a nest: parallel loops, serial loops, the vectorized loop and its vector length.

All choices depend on the nest's structure only (ints, and the positions of Dims), never on a Dim's value.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import memory_type, register_type
from penstock._src.compiler.kernels.index import Division, Index, Var
from penstock._src.compiler.kernels.loop_nest import LoopNest
from penstock._src.compiler.kernels.values import Value, closure
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, ceil_divide, is_one, product
from penstock._src.native.language.types import SIZE
from penstock._src.util.dataclass import dataclass

CHUNK = 8192  # elements of the vector loop that go to one round
TILE = 16  # at most: rows of a block of a transposition
COLUMNS = 16  # registers of sums of columns
MOST_COLUMNS = 256  # columns that are summed together, of narrow numbers too: a value of more would not fit the stack
LONG = 64  # elements that one sum does not add up alone
ROUND = 8192  # elements that the loops inside a round should have at least
REDUCTIONS = ("reduce", "arg_reduce")
EXPENSIVE = frozenset("exp log tanh sigmoid erf erfc sin cos pow expm1 log1p atan2 iterate".split())


def contiguity(index: Index, var: Var) -> float:
    """A score for a load in vectors along a variable: 1 if elements are adjacent, negative if they are loaded one by one."""
    if var not in index.vars:
        return 0.3
    if not index.only_affine_in(var):
        return -2.0
    return 1.0 if is_one(index.coefficient(var)) else -1.0


def _along(values: Sequence[Value], var: Var) -> float:
    return sum(contiguity(v.attrs[1], var) for v in values if v.kind == "load")


def choose_reduction_vector(variables: Sequence[Var], needed: Sequence[Value]) -> Var | None:
    """The reduction variable whose loop is vectorized, or None.

    A long reduction is vectorized even over strided elements: one scalar sum would accumulate an error of thousands of units in the last place.
    """
    loads = [v for v in needed if v.kind == "load" and v.vars & set(variables)]
    least = -0.5 if loads and not _is_long(variables) else -math.inf
    best, score = None, (least, False)
    for var in variables:
        own = _along(loads, var), _fills_vectors(var)
        if not is_one(var.extent) and not _too_short(var) and own >= score:
            best, score = var, own
    return best


def _fills_vectors(var: Var) -> bool:
    return isinstance(var.extent, Dim) or var.extent >= 16


def _is_long(variables: Sequence[Var]) -> bool:
    count = product([v.extent for v in variables])
    return isinstance(count, Dim) or count >= LONG


def reduction_variables(value: Value) -> tuple[Var, ...]:
    """The reduction variables of a value; none for other values."""
    if value.kind == "reduce":
        return value.attrs[1]
    return (value.attrs[1],) if value.kind == "arg_reduce" else ()


def _too_short(var: Var) -> bool:
    return type(var.extent) is not Dim and var.extent < 4


def vector_length(
    target: Any, var: Var, values: Sequence[Value], reducing: bool, extra_types=(), columns: int = 0
) -> int:
    """Vector length of a loop: one register of the widest type that is loaded or stored (row indices may be
    wider), or several where that helps and fits. `columns` is the number of reductions across it."""
    along = [v for v in values if var in v.vars]
    loads = [v for v in along if v.kind == "load"]
    sizes = [SIZE[register_type(v.dtype)] for v in loads or along if not v.dtype.is_bool]
    sizes += [SIZE[memory_type(d)] for d in extra_types]
    lanes = target.vector_bytes // max(sizes, default=4)
    divides = any(_has_division(a, var) for v in along for a in v.attrs if isinstance(a, Index))
    operations = sum(
        8 if v.kind in EXPENSIVE else 1 for v in along if v.kind not in ("load", "const", "reduce")
    )
    most = 1 if divides else 4 if reducing and operations <= 12 else 2 if operations <= 12 else 1
    n = min(lanes * most, 64)
    if target.is_microcontroller:  # each lane is code of its own
        return 4
    in_rows = not divides and all(contiguity(v.attrs[1], var) > 0 for v in loads)
    if columns == 1 and operations <= 4 and in_rows:
        n = min(COLUMNS * lanes, MOST_COLUMNS)  # long stretches of each row: few pages at a time
    if type(var.extent) is not Dim:
        # A vector of more than twice the row would do mostly nothing.
        while n > 4 and n // 2 >= var.extent:
            n //= 2
        while n > lanes and var.extent % n and var.extent < 4 * n:
            n //= 2  # short rows: rather more vectors than lanes left empty
    return n


def _has_division(index: Index, var: Var) -> bool:
    return any(isinstance(a, Division) and var in a.vars for a, _ in index.terms)


@dataclass(frozen=True)
class Loops:
    """The choice for one nest.

    vector        the innermost loop's variable, None if the nest has none
    lanes         of its vectors
    rest          of ever shorter vectors for the elements that whole vectors of `lanes` leave
    in_registers  True if rows are reduced and fit in registers: then a vector is a row
    tiled         the variable whose loop is blocked and inside the vector loop, for a transposition
    tile          rows of such a block
    chunked       True if the vector loop is divided among tasks in chunks
    parallel      variables whose iterations are divided among tasks, outermost first; True if an iteration is a part of it
    serial        loops inside a round
    """

    nest: LoopNest
    vector: Any
    lanes: int
    rest: tuple[int, ...]
    in_registers: bool
    tiled: Var | None
    tile: int
    chunked: bool
    parallel: tuple[tuple[Var, bool], ...]
    serial: tuple[Var, ...]

    def rounds(self, var: Var, in_parts: bool) -> int:
        """The number of iterations of a parallel variable."""
        if not in_parts:
            return var.extent
        return ceil_divide(var.extent, CHUNK if var is self.vector else self.tile)

    # Codes live longer than their nests, so counts are functions that reference expressions only.
    def iterations(self) -> Callable[[Callable[[Any], int]], int]:
        """A function that returns the number of all iterations for actual extents; 0 also if no store has any points."""
        space = self.nest.space
        stored = [
            dims.expression(product([v.extent for v in space if v in store.vars]))
            for store in self.nest.stores
        ]
        rounds = dims.expression(product([self.rounds(v, c) for v, c in self.parallel]))

        def total(value_of: Callable[[Any], int]) -> Any:
            points = sum(map(value_of, stored))
            return (
                value_of(rounds)
                if dims.is_known_positive(points)
                else value_of(rounds) * dims.minimum(points, 1)
            )

        return total


def work_of(nest: LoopNest) -> Callable[[Callable[[Any], int]], int]:
    """A function that returns the approximate element operations of a nest for actual extents."""
    points = dims.expression(product([v.extent for v in nest.space]))
    reduced, operations = [], 1
    for v in nest.values():
        if v.kind in REDUCTIONS:
            variables = reduction_variables(v)
            reduced.append(dims.expression(product([r.extent for r in variables])))
        operations += 8 if v.kind in EXPENSIVE else 1
    each = max(1, operations // 4)

    def operations_of(value_of: Callable[[Any], Any]) -> Any:
        return value_of(points) * functools.reduce(dims.maximum, map(value_of, reduced), 1) * each

    return operations_of


def choose_loops(nest: LoopNest, target: Any) -> Loops:
    """Chooses the loops of a nest for a target."""
    problem = _Problem.of(nest, target)
    vector = _vector_variable(problem)
    others = [v for v in nest.space if v is not vector]
    lanes = _lanes(problem, vector)
    row = _lanes_of_row(problem, vector)
    rows = any(v.kind in REDUCTIONS and vector not in v.vars for v in problem.values)
    tiled = None if rows or row else _transposed(problem, vector, others)
    tile = TILE
    if tiled is not None:
        # A transposed block is square: as many rows as lanes.
        while lanes > TILE:
            lanes //= 2
        tile = lanes if lanes in (4, 8, 16) else TILE
    is_long = vector is not None and (isinstance(vector.extent, Dim) or vector.extent > CHUNK)
    chunked = tiled is None and is_long and not rows and not _enough(others)
    parallel, serial = _shared_out(problem, vector, others, tiled, chunked)
    rest = ()
    if tiled is None and (others or problem.reduced):
        rest = _lanes_of_rest(problem, vector, lanes)
    return Loops(
        nest=nest,
        vector=vector,
        lanes=row or lanes,
        rest=rest,
        in_registers=bool(row),
        tiled=tiled,
        tile=tile,
        chunked=chunked,
        parallel=parallel,
        serial=serial,
    )


@dataclass(frozen=True)
class _Problem:
    """The input of the choice of loops.

    reduced   variables that values reduce along
    common    those that tasks may share: the variables of every store, less those of rows that are reduced first
    """

    nest: LoopNest
    target: Any
    values: Sequence[Value]
    reduced: frozenset[Var]
    common: frozenset[Var]

    @classmethod
    def of(cls, nest: LoopNest, target: Any) -> "_Problem":
        values = nest.values()
        reduced = frozenset(var for v in values for var in reduction_variables(v))
        common = frozenset(nest.space).intersection(*[s.vars for s in nest.stores]) - reduced
        return cls(nest, target, values, reduced, common)


def _lanes(problem: _Problem, vector: Var | None) -> int:
    """Lanes of vectors along a variable."""
    if vector is None:
        return 1
    inner = [v for v in problem.values if v.kind in REDUCTIONS and vector in v.vars]
    stored = [s.dtype for s in problem.nest.stores]
    return vector_length(problem.target, vector, problem.values, bool(inner), stored, len(inner))


def _lanes_of_rest(problem: _Problem, vector: Var | None, lanes: int) -> tuple[int, ...]:
    """Lanes of the vectors after whole ones of `lanes`, down to one register: a row of unknown extent may be a small part of a vector."""
    if vector is None or not isinstance(vector.extent, Dim):
        return ()
    along = [v for v in problem.values if vector in v.vars and not v.dtype.is_bool]
    sizes = [SIZE[register_type(v.dtype)] for v in along]
    sizes += [SIZE[memory_type(s.dtype)] for s in problem.nest.stores]
    least = max(4, problem.target.vector_bytes // max(sizes, default=4))
    rest = []
    while lanes > least:
        lanes = max(least, lanes // 4)
        rest.append(lanes)
    return tuple(rest)


def short_row_lanes(target: Any, vector: Var | None, lanes: int, needed: Sequence[Value]) -> int:
    """Lanes of the one vector that a short row of unknown extent is reduced as; 0 if vectors of `lanes` are no longer than that."""
    if vector is None or not isinstance(vector.extent, Dim):
        return 0
    sizes = [
        SIZE[register_type(v.dtype)] for v in needed if vector in v.vars and not v.dtype.is_bool
    ]
    short: int = target.vector_bytes // max(sizes, default=4)
    return short if 1 < short < lanes else 0


def _lanes_of_row(problem: _Problem, vector: Var | None) -> int:
    """Lanes of a vector that is a whole row, where rows are reduced and fit in registers; else 0."""
    values, target = problem.values, problem.target
    if vector is None or isinstance(vector.extent, Dim):
        return 0
    if not any(v.kind == "reduce" and v.attrs[1] == (vector,) for v in values):
        return 0
    sizes = [SIZE[register_type(v.dtype)] for v in values if not v.dtype.is_bool]
    # A vector's lanes are a power of two; the mask leaves out the others.
    n = 1 << (int(vector.extent) - 1).bit_length()
    # The other half of the registers is for the values computed from the row.
    if n * max(sizes, default=4) > target.vector_bytes * target.registers // 2:
        return 0
    return max(n, 2)


def _transposed(problem: _Problem, vector: Var | None, others: Sequence[Var]) -> Var | None:
    """The variable along which loads are contiguous that are not along the vector's, if any."""
    if vector is None:
        return None
    indices = [v.attrs[1] for v in problem.values if v.kind == "load"]
    across = [x for x in indices if vector in x.vars and contiguity(x, vector) == -1.0]
    for var in reversed(others):
        if any(x.only_affine_in(var) and is_one(x.coefficient(var)) for x in across):
            return var if isinstance(var.extent, Dim) or var.extent > 4 else None
    return None


def _vector_variable(problem: _Problem) -> Var | None:
    """The variable of the vector loop: the one along which most loads and stores are contiguous."""
    nest, values = problem.nest, problem.values
    offsets = [s.offset for s in nest.stores]
    loads = [v for v in values if v.kind == "load"]
    best, best_score = None, -100.0
    bounds = [v.attrs[2].vars for v in values if v.kind == "reduce" and len(v.attrs) > 2]
    # A row that is reduced first: its loop is the innermost one, so no other loop is within it.
    rows = [var for var in nest.space if var in problem.reduced]
    # Otherwise a variable that some stores lack: the loops of those stores are outside.
    rows = rows or [var for var in nest.space if var not in problem.common]
    for var in rows or nest.space:
        if any(var in vars_ for vars_ in bounds):  # the length of a loop must be one number
            continue
        score = sum(2 * contiguity(o, var) for o in offsets if var in o.vars)
        score += sum(contiguity(v.attrs[1], var) for v in loads)
        score -= 4 * _too_short(var)
        # Of equal ones the innermost: it comes last.
        if score >= best_score:
            best, best_score = var, score
    if best is not None and _rather_along_reduction(best, values):
        return None
    return best


def _rather_along_reduction(var: Var, values: Sequence[Value]) -> bool:
    """True if reductions that vary along `var` are faster with vectors along their own loops."""
    space, own = 0.0, 0.0
    for v in values:
        if v.kind not in REDUCTIONS or var not in v.vars:
            continue
        variables = reduction_variables(v)
        loads = [x for x in closure(v.args) if x.kind == "load" and x.vars & set(variables)]
        space += _along(loads, var) - 2 * _too_short(var)
        own += max((_along(loads, r) - 2 * _too_short(r) for r in variables), default=0.0)
    return own > space


def _shared_out(
    problem: _Problem, vector: Var | None, others: list[Var], tiled: Var | None, chunked: bool
) -> tuple[tuple[tuple[Var, bool], ...], tuple[Var, ...]]:
    """(variables divided among tasks, loops inside an iteration): tasks divide the first variables, so that an iteration has enough work.

    Only variables of every store are divided among tasks, so that a value that is stored once for each row is not stored again for each
    of the row's elements, nor left out where there are none; and none of rows that are reduced first.
    """
    most = next((i for i, v in enumerate(others) if v not in problem.common), len(others))
    count = len(others)
    if vector is not None:
        count = _outside_a_round(vector, others)
        if count == 0 and others and not chunked:
            count = 1
    count = min(count, most)
    if tiled is not None:
        count = max(count, others.index(tiled) + 1)
    parallel = [(v, v is tiled) for v in others[:count]]
    if not chunked or vector is None:
        return tuple(parallel), tuple(others[count:])
    # a chunk is a round
    return (*parallel, *[(v, False) for v in others[count:]], (vector, True)), ()


def _outside_a_round(vector: Var, others: list[Var]) -> int:
    """The number of outer variables that are not needed for a round with enough work."""
    count, extent = len(others), vector.extent
    inside: Any = ROUND if isinstance(extent, Dim) else min(extent, CHUNK)
    while count > 0:
        extent = others[count - 1].extent
        # An extent that may be large enough at run time counts as enough.
        if isinstance(extent, Dim) or inside * extent > ROUND:
            break
        inside *= extent
        count -= 1
    return count


def _enough(variables: Sequence[Var]) -> bool:
    count = 1
    for v in variables:
        if isinstance(v.extent, Dim):
            return True
        count *= v.extent
    return count >= 16
