"""Reductions as nests: one nest if the results keep all threads busy, else two; and rows with their reductions.

one   for every result: its loop over the reduced axes
two   the outermost long axis is divided into parts of a fixed size; every part computes partial results, and a second nest
      adds these up in order. The split does not depend on threads, so neither do the results. If an array is read across
      its rows, each part keeps a row of results: a vector of neighbors in a row then reuses the cache lines of the previous one
"""

from collections.abc import Callable, Iterable, Sequence

from penstock._src.compiler.kernels.index import ZERO, Index, Position, Var, constant, of_atom
from penstock._src.compiler.kernels.inline import Inliner, accumulator
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store, coalesce, indices
from penstock._src.compiler.kernels.values import Value
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, is_one
from penstock._src.ir.meaning.orientation import reads_across_rows
from penstock._src.ir.node import Node

PART = 1 << 14  # elements of a part
# Limit for an axis of known extent: partial results are written and read once more.
MOST_PARTS = 256
SMALL = 1 << 15  # elements that one task may as well reduce alone
MANY = 1 << 13  # results side by side: then there is enough to share out without parts
ENOUGH_PARTS = 16  # so that threads share them
MANY_ROWS = 64  # the same of results each of a line of its own

# By id of a reduce node: its partial results, along the first axis, and its position in each of them.
Partials = dict[int, tuple[Node, tuple[int, ...]]]


def reduction_kernels(
    nodes: Sequence[Node], roots: Sequence[Node], is_leaf: Callable[[Node], bool]
) -> list[NestKernel]:
    """The kernels that compute `nodes`, each an elementwise expression of its reduce node among `roots`."""
    # One cut serves all: they reduce one space along the same axes.
    axis, part = cut_of(roots[0])
    if axis is None:
        return [finish(nodes, {}, is_leaf)]
    if any(reads_across_rows(root.args[0], is_leaf) for root in roots):
        cut = _cut_beside_rows(roots[0])
        if cut is not None:
            first, partials = _parts(roots, *cut, is_leaf, keeps_rows=True)
            return [first, finish(nodes, partials, is_leaf)]
    flat = _flat_parts(roots, is_leaf) if _has_inner_axes(roots[0], axis) else None
    first, partials = flat or _parts(roots, axis, part, is_leaf)
    return [first, finish(nodes, partials, is_leaf)]


def cut_of(root: Node) -> tuple[int | None, int]:
    """(the axis to divide, extent of a part), or (None, 0)."""
    (x,) = root.args
    axes = tuple(sorted(root.attrs["axes"]))
    results = dims.product(root.shape)
    whole = dims.product(x.shape)
    if isinstance(results, Dim) or results == 0 or not axes:
        return None, 0
    # Elements of a line are read as vectors: sums along it are fast even if there are few of them.
    along_lines = axes[-1] == len(x.shape) - 1 and (
        isinstance(x.shape[-1], Dim) or x.shape[-1] >= 16
    )
    if results >= (MANY_ROWS if along_lines else MANY):
        return None, 0
    if not isinstance(whole, Dim) and whole <= SMALL:
        return None, 0
    # An unknown extent is the one to divide: the other axes give the size of a part.
    axis = next((a for a in axes if isinstance(x.shape[a], Dim)), None)
    if axis is None:
        # A long axis gives parts enough; among those the outermost, whose parts are contiguous.
        axis = max(axes, key=lambda a: (int(x.shape[a]) >= 64, -a))
        if int(x.shape[axis]) < 2:
            axis = max(axes, key=lambda a: int(x.shape[a]))
    rest = [e for a, e in enumerate(x.shape) if a != axis and not isinstance(e, Dim)]
    part = max(1, PART // max(1, int(dims.product(rest))))
    if not isinstance(x.shape[axis], Dim):
        part = max(part, dims.ceil_divide(x.shape[axis], MOST_PARTS))
        if part >= x.shape[axis]:
            return None, 0
    return axis, part


def _cut_beside_rows(root: Node) -> tuple[int, int] | None:
    """(the axis to divide, extent of a part) if parts keep a row each; None if rows are not reduced, or if no other axis has a known extent."""
    (x,) = root.args
    last = x.rank - 1
    others = [a for a in root.attrs["axes"] if a != last and not isinstance(x.shape[a], Dim)]
    if last not in root.attrs["axes"] or isinstance(x.shape[last], Dim) or not others:
        return None
    axis = max(others, key=lambda a: (int(x.shape[a]) >= ENOUGH_PARTS, -a))
    rows = int(x.shape[axis])
    part = dims.ceil_divide(rows * int(x.shape[last]), SMALL)
    return (axis, part) if part < rows else None


def _parts(
    roots: Sequence[Node],
    axis: int,
    part: int,
    is_leaf: Callable[[Node], bool],
    keeps_rows: bool = False,
) -> tuple[NestKernel, Partials]:
    """The nest that stores the results of every part of an axis, of shape (parts, *shape), or (parts, *shape, row) if it keeps rows."""
    (x,) = roots[0].args
    reduced = set(roots[0].attrs["axes"])
    if keeps_rows:
        reduced.remove(x.rank - 1)
    cut = _Cut(is_leaf, x.shape[axis], part)
    space = [cut.scope.var(e) for a, e in enumerate(x.shape) if a not in reduced]
    others = [cut.scope.var(x.shape[a]) for a in sorted(reduced - {axis})]
    outer, inner, coordinates = iter(space), iter(others), []
    for a in range(len(x.shape)):
        if a == axis:
            coordinates.append(cut.along)
        else:
            coordinates.append(of_atom(next(inner if a in reduced else outer)))
    return cut.nest(roots, space, others, coordinates)


def _has_inner_axes(root: Node, axis: int) -> bool:
    """True if an array of unknown extent is reduced to one number and has other axes beside the one to split.

    Their extents, perhaps small, would be those of the inner loops, with partly used vectors and few sums in parallel.
    """
    (x,) = root.args
    beside = [e for a, e in enumerate(x.shape) if a != axis and not is_one(e)]
    everything = len(root.attrs["axes"]) == len(x.shape)
    return everything and bool(beside) and any(isinstance(e, Dim) for e in x.shape)


def _flat_parts(
    roots: Sequence[Node], is_leaf: Callable[[Node], bool]
) -> tuple[NestKernel, Partials] | None:
    """The nest of parts of all elements in order, regardless of axes; None if some are read in another order."""
    cut = _Cut(is_leaf, dims.product(roots[0].args[0].shape), PART)
    kernel, partials = cut.nest(roots, [], [], None)
    in_order = all(i.only_affine_in(cut.within) for i in indices(kernel.nest))
    return (kernel, partials) if in_order else None


class _Cut:
    """An axis of some extent cut into parts.

    number    the variable of the part
    within    that of the element in it
    along     both together: the element of the axis
    """

    def __init__(self, is_leaf: Callable[[Node], bool], extent: int, part: int):
        self.inliner = Inliner(is_leaf)
        self.scope = self.inliner.scope
        self.count = dims.ceil_divide(extent, part)
        self.number = self.scope.var(self.count)
        self.within = self.scope.var(part)
        self.along = of_atom(self.number) * part + of_atom(self.within)
        # The last part is shorter.
        self.limit = constant(extent) - of_atom(self.number) * part

    def nest(
        self, roots: Sequence[Node], results: Sequence[Var], others: Sequence[Var], coordinates: Sequence[Index] | None
    ) -> tuple[NestKernel, Partials]:  # fmt: skip
        """The nest of all parts, over the variables of the results; `others` are reduced besides the divided axis.

        `coordinates` are the element's, or None if the divided axis counts all elements.
        """
        space = (self.number, *results)
        shape = tuple([v.extent for v in space])
        place = Position(self.scope, shape, [of_atom(v) for v in space])
        partials: Partials = {}
        stores, outputs = [], []
        # Several nodes may end one reduce node: its parts are stored once.
        for root in dict.fromkeys(roots):
            wide = accumulator(root.dtype)
            (arg,) = root.args
            number = self.along if coordinates is None else None
            body = self.inliner.value(arg, Position(self.scope, arg.shape, coordinates, number))
            if wide is not root.dtype:
                body = self.scope.value("cast", (body,), wide)
            how = root.op, (self.within, *others), self.limit
            value = self.scope.value("reduce", (body,), wide, how)
            partial = Node(root.builder, "partial", (), {}, shape, wide)
            partials[root.id] = (partial, ())
            outputs.append(partial)
            stores.append((place.linear, value, wide))
        return _nest(self.inliner, space, outputs, enumerate(stores)), partials


def finish(
    nodes: Sequence[Node], partials: Partials, is_leaf: Callable[[Node], bool]
) -> NestKernel:
    """The nest that computes the nodes; reduce nodes that were cut add up the results of their parts."""
    node_ids = {n.id for n in nodes}
    inliner = _Finisher(lambda n: n.kind == "partial" or (n.id not in node_ids and is_leaf(n)))
    inliner.partials = partials
    scope = inliner.scope
    shape = nodes[0].shape
    space = tuple([scope.var(e) for e in shape])
    position = Position(scope, shape, [of_atom(v) for v in space])
    values = []
    for node in nodes:
        own = position if len(node.shape) == len(shape) else position.reshaped(node.shape)
        values.append((own.linear, inliner.value(node, own), node.dtype))
    return _nest(inliner, space, nodes, enumerate(values))


def _nest(
    inliner: Inliner,
    space: tuple[Var, ...],
    outputs: Sequence[Node],
    values: Iterable[tuple[int, tuple[Index, Value, DType]]],
) -> NestKernel:
    """The nest that stores values, given as (number of the output, (offset, value, dtype))."""
    leaves = inliner.slots
    stores = [Store(len(leaves) + i, *value) for i, value in values]
    nest = coalesce(LoopNest(inliner.scope, space, stores, leaves, list(outputs)))
    return NestKernel(list(outputs), list(leaves), nest)


def row_kernel(
    nodes: Sequence[Node], roots: Sequence[Node | None], is_leaf: Callable[[Node], bool]
) -> NestKernel:
    """The nest over rows that computes nodes of one number a row (those with a reduce node among `roots`), and nodes of
    the rows' elements."""
    node_ids = {n.id for n in nodes}
    inliner = Inliner(lambda n: n.id not in node_ids and is_leaf(n))
    scope = inliner.scope
    # All have the same rows.
    (x,) = next(root.args for root in roots if root is not None)
    axes = set(next(root.attrs["axes"] for root in roots if root is not None))
    coordinates = [ZERO if is_one(e) else of_atom(scope.var(e)) for e in x.shape]
    space = tuple([v for c in coordinates for v in c.vars])
    # A reduction of the row takes the row's own loop where it can.
    inliner.offer(space[-1])
    element = Position(scope, x.shape, coordinates)
    row = Position(
        scope,
        [e for a, e in enumerate(x.shape) if a not in axes],
        [c for a, c in enumerate(coordinates) if a not in axes],
    )
    # Rows without elements have numbers all the same.
    empty = type(x.size) is int and x.size == 0
    if empty:
        space = tuple([v for v in space if v in row.vars])
    values = []
    for i, (node, root) in enumerate(zip(nodes, roots)):
        if root is None and empty:
            continue
        own = (element if root is None else row).reshaped(node.shape)
        values.append((i, (own.linear, inliner.value(node, own), node.dtype)))
    return _nest(inliner, space, nodes, values)


class _Finisher(Inliner):
    """Reads reduce nodes as sums of their parts, and of the rows that these left."""

    partials: Partials

    def read(self, node: Node, position: Position, guard: Value | None) -> Value | None:
        partial, among = self.partials.get(node.id, (None, ()))
        if partial is None:
            return super().read(node, position, guard)
        row = partial.shape[1 + len(among) + node.rank :]
        variables = self.reduction_vars((partial.shape[0], *row), position.vars)
        number, *within = map(of_atom, variables)
        coordinates = [number, *map(constant, among), *position.coordinates, *within]
        body = self.load(partial, Position(self.scope, partial.shape, coordinates).linear, guard)
        value = self.scope.value("reduce", (body,), partial.dtype, (node.op, variables))
        if partial.dtype is not node.dtype:
            value = self.scope.value("cast", (value,), node.dtype)
        return value
