"""Chooses the mapping of a nest to a GPU: the points of each thread, and the number of threads that reduce together."""

from penstock._src.compiler.codegen.nests.choice import EXPENSIVE, contiguity, reduction_variables
from penstock._src.compiler.kernels.index import Index, Var
from penstock._src.compiler.kernels.loop_nest import LoopNest, indices
from penstock._src.compiler.kernels.values import Value
from penstock._src.devices.gpu.target import THREADS
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.util.dataclass import dataclass

LANES = 4  # elements of a thread's vector, at most
VECTOR = 16  # bytes that one thread loads at once, at most
LONG = 32  # least elements of a reduction that several threads of a warp share
VERY_LONG = 1024  # least elements of a reduction that a whole block shares
FEW = 1 << 14  # number of points with which single threads leave most of a GPU idle


@dataclass(frozen=True)
class Mapping:
    """The choice for one nest.

    points    variables whose points are divided among groups of threads: those of every store, outermost first
    inner     the others, whose points are divided among the threads of a group
    group     threads of a group: 1, a warp or a block
    vector    the variable along which a thread computes `lanes` points at once, if any
    """

    points: tuple[Var, ...]
    inner: tuple[Var, ...]
    group: int
    vector: Var | None = None
    lanes: int = 1

    def groups(self) -> int:
        """The number of groups of threads."""
        total = dims.product([v.extent for v in self.points])
        return dims.ceil_divide(total, self.lanes)

    def blocks(self) -> int:
        """The number of blocks of threads."""
        return dims.ceil_divide(self.groups(), THREADS // self.group)


def mapping_of(nest: LoopNest, wavefront: int) -> Mapping:
    """The choice for a nest; it depends on its structure only, never on a Dim's value."""
    values = nest.values()
    reductions = [v for v in values if v.kind in ("reduce", "arg_reduce")]
    reduced = {var for v in reductions for var in reduction_variables(v)}
    common = frozenset(nest.space).intersection(*[s.vars for s in nest.stores]) - reduced
    points = tuple([v for v in nest.space if v in common])
    stored = frozenset().union(*[s.vars for s in nest.stores])
    inner = tuple([v for v in nest.space if v in stored and v not in common])
    if not reductions and not inner:
        vector, lanes = _vector(nest, points, values)
        return Mapping(points, inner, 1, vector, lanes)
    return Mapping(points, inner, _group(points, inner, reductions, values, wavefront))


def _group(
    points: tuple[Var, ...], inner: tuple[Var, ...], reductions: list[Value], values: list[Value], wavefront: int
) -> int:  # fmt: skip
    """The number of threads that compute a point together."""
    # the work that threads of a group share: reductions of points, and the points within
    shared = [reduction_variables(v) for v in reductions if v.vars <= set(points)]
    extents = [dims.product([v.extent for v in variables]) for variables in shared]
    extents += [dims.product([v.extent for v in inner])] if inner else []
    # An unknown length is taken for a long one: idle threads cost less than a single busy one.
    longest = max((VERY_LONG if isinstance(e, Dim) else int(e) for e in extents), default=1)
    if longest < LONG:
        return 1
    # Which way is contiguous decides: along the reduction, or across neighboring points.
    last = {variables[-1] for variables in shared}
    loads = [v.attrs[1] for v in values if v.kind == "load"]
    along = sum(contiguity(x, var) for x in loads for var in last if var in x.vars)
    across = sum(contiguity(x, points[-1]) for x in loads if points and points[-1] in x.vars)
    count = dims.product([v.extent for v in points])
    is_many = isinstance(count, Dim) or count >= FEW
    if not inner and is_many and across > along:
        return 1  # neighboring threads read neighboring elements
    return THREADS if longest >= VERY_LONG else wavefront


def _vector(nest: LoopNest, points: tuple[Var, ...], values: list[Value]) -> tuple[Var | None, int]:
    """The variable that threads vectorize, and the vector length."""
    if not points:
        return None, 1
    var = points[-1]
    if any(s.dtype.is_complex for s in nest.stores) or any(v.dtype.is_complex for v in values):
        return None, 1
    # Functions of doubles take so many registers that a vector of them would spill.
    if any(v.kind in EXPENSIVE and v.dtype.size == 8 for v in values):
        return None, 1
    # Some lanes of a guarded load must not be read.
    if any(v.args for v in values if v.kind == "load"):
        return None, 1
    sizes = [v.dtype.size for v in values if v.kind == "load" and var in v.attrs[1].vars]
    sizes += [s.dtype.size for s in nest.stores]
    lanes = min(LANES, VECTOR // max(sizes))
    if not isinstance(var.extent, Dim):
        while lanes > 1 and int(var.extent) % lanes:
            lanes //= 2
    # A row of unknown length may end within a vector, unless it is the only one.
    elif len(points) > 1:
        return None, 1
    if lanes > 1 and all(_suits(index, var, lanes) for index in indices(nest)):
        return var, lanes
    return None, 1


def _suits(index: Index, var: Var, lanes: int) -> bool:
    """True if `lanes` neighbors along a variable are one element, or are adjacent and start at a multiple of `lanes`."""
    if var not in index.vars:
        return True
    if not index.only_affine_in(var) or not is_one(index.coefficient(var)):
        return False
    others = [c for a, c in index.terms if a is not var]
    return all(not isinstance(c, Dim) and int(c) % lanes == 0 for c in [*others, index.const])
