"""Ensembles of trees by paths: some rows go from node to node side by side, so that each waits for its own loads only.

A task has some rows and goes through the trees, one after the other, so that a tree's nodes stay in the cache for all its rows. The arrangement and its meaning:
ir/meaning/trees.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.compiler.codegen.specials.trees.masks import in_set
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I32, I64, PTR, SIZE
from penstock._src.native.language.value import Val

SIDE_BY_SIDE = 8  # rows
STEPS = 4  # between two checks that all rows have reached a leaf
MOST_ROWS = 4096  # most rows of a task
LINE = 64  # bytes of a line of the cache
ROWS_OF_A_NODE = 16  # nodes that are fetched ahead for each row
FEW_STEPS = 1 << 12  # that are not worth a task of their own


@dataclass(frozen=True)
class Form:
    """The form of an ensemble: everything on which its code depends.

    Attributes:
      x, values, link: the types of features, sums and links.
      strict: True if a number equal to its threshold goes right.
      sets: True if nodes have sets.
      feature_bits: of a link.
      width: values of a leaf, if it is 1; else 0.
    """

    x: DType
    values: DType
    link: DType
    strict: bool
    sets: bool
    feature_bits: int
    width: int


def launch(node: Node, _outputs: Sequence[Node], _target: Target, threads: int) -> SpecialLaunch:
    """The launch that sums the leaves of an ensemble."""
    x, base, values, threshold, link, set_of, sets, words, leaf, trees = node.args
    rows, features = dims.settled(x.shape[0]), int(x.shape[1])
    sums, width, count = int(base.shape[0]), int(values.shape[1]), int(trees.shape[0])
    form = Form(
        x.dtype, values.dtype, link.dtype, node.attrs["strict"], bool(set_of.shape[0]),
        node.attrs["feature_bits"], int(width == 1),
    )  # fmt: skip
    least = max(1, FEW_STEPS // (8 * count + 1) // SIDE_BY_SIDE) * SIDE_BY_SIDE
    # Each task goes through all nodes, which are more bytes than rows: no more tasks than threads.
    per = dims.ceil_divide(dims.ceil_divide(rows, threads), SIDE_BY_SIDE) * SIDE_BY_SIDE
    per = dims.minimum(dims.maximum(per, least), max(least, MOST_ROWS))
    return SpecialLaunch(
        ("tree paths", form), lambda target: emit(form, target), dims.ceil_divide(rows, per) if sums else 0,
        (x, base, values, threshold, link, set_of, sets, words, leaf, trees, node,
         rows, features, sums, width, count, per),
        f"tree paths[{rows}, {count}]",
    )  # fmt: skip


def emit(form: Form, target: Target) -> Code:
    """Context: the node's arguments, output, rows, features, sums, values of a leaf, trees, rows of a task."""
    m = Module(target)
    with m.task("task") as f:
        _Emitter(f, form).write()
    return Code.of(m)


class _Emitter:
    """Writes the task."""

    def __init__(self, f: Fn, form: Form) -> None:
        self.f, self.form = f, form
        names = "x base values threshold link set_of sets words leaf trees output".split()
        (self.x, self.base, self.values, self.threshold, self.link, self.set_of, self.sets, self.words,
         self.leaf, self.trees, self.output) = (f.load(f.ctx, i, PTR) for i in range(len(names)))  # fmt: skip
        self.rows, self.features, self.sums, self.width, self.count, self.per = (
            f.load(f.ctx, len(names) + i, I64) for i in range(6)
        )
        self.number, self.value = memory_type(form.x), memory_type(form.values)
        self.link_type = memory_type(form.link)

    def write(self) -> None:
        """Begins the sums of a task's rows, and adds tree by tree."""
        f = self.f
        low = f.task * self.per
        high = f.min(low + self.per, self.rows)

        def begin(row: Val) -> None:
            def one(k: Val) -> None:
                f.store(f.load(self.base, k, self.value), self.output, row * self.sums + k)

            f.loop(0, self.sums, 1, one)

        f.loop(low, high, 1, begin)
        whole = low + (high - low) // SIDE_BY_SIDE * SIDE_BY_SIDE

        def tree(number: Val) -> None:
            root, target = (f.convert(f.load(self.trees, number * 2 + i, I32), I64) for i in (0, 1))

            self._prefetch(number + 1, high - low)

            def group(row: Val) -> None:
                self._group([row + i for i in range(SIDE_BY_SIDE)], root, target)

            f.loop(low, whole, SIDE_BY_SIDE, group)
            f.loop(whole, high, 1, lambda row: self._group([row], root, target))

        f.loop(0, self.count, 1, tree)

    def _prefetch(self, number: Val, rows: Val) -> None:
        """Prefetches the nodes of the next tree in order, if enough rows will read them."""
        f = self.f

        def fetch() -> None:
            root = f.convert(f.load(self.trees, number * 2, I32), I64)
            first = f.convert(f.load(self.trees, number * 2 - 2, I32), I64)
            # It has about as many nodes as this one; memory past its end belongs to later trees, or is not fetched.
            end = f.min(root + (root - first), root + rows * ROWS_OF_A_NODE)
            for table, ty in (
                (self.threshold, self.number),
                (self.link, self.link_type),
                (self.leaf, I32),
            ):
                step = LINE // SIZE[ty]
                f.loop(root, end, step, lambda i, p=table, t=ty: f.prefetch(p, i, t, locality=2))

        f.when(number < self.count, fetch)

    def _group(self, rows: Sequence[Val], root: Val, target: Val) -> None:
        """Follows some rows to their leaves, and adds these's values."""
        f = self.f
        sources = [f.at(self.x, row * self.features, self.number) for row in rows]

        def steps(_: Val, *nodes: Val) -> list[Val]:
            for _step in range(STEPS):
                before, nodes = nodes, tuple(map(self._step, sources, nodes))
            moved = [f.binary("xor", a, b) for a, b in zip(before, nodes, strict=True)]
            return [_any(f, moved), *nodes]

        nodes = f.loop_while(
            lambda moves, *_: moves.ne(0), steps, f.i64(1), *[root + 0 for _ in rows]
        )[1:]
        for row, node in zip(rows, nodes, strict=True):
            leaf = f.convert(f.load(self.leaf, node, I32), I64)
            self._add(row * self.sums + target, leaf)

    def _step(self, source: Val, node: Val) -> Val:
        """The node after one test; a leaf is followed by itself."""
        f, form = self.f, self.form
        link = f.load(self.link, node, self.link_type)
        wide = f.cast("zext", link, I64) if self.link_type != I64 else link
        feature = f.binary("lshr", wide, 1) & ((1 << form.feature_bits) - 1)
        x = f.load(source, feature, self.number)
        threshold = f.load(self.threshold, node, self.number)
        goes_right = x >= threshold if form.strict else x > threshold
        if form.sets:
            number = f.convert(f.load(self.set_of, node, I32), I64)
            low, count = (f.load(self.sets, number * 2 + i, I32) for i in (0, 1))
            is_in = in_set(f, x, low, count, self.words)
            goes_right = f.select(number.ne(0), ~is_in, goes_right)
            goes_right = goes_right & ~f.compare("uno", x, x)
        missing_right = f.compare("uno", x, x) & f.cast("trunc", wide, I1)
        distance = f.binary("lshr", wide, form.feature_bits + 1)
        return node + distance + f.cast("zext", goes_right | missing_right, I64)

    def _add(self, place: Val, leaf: Val) -> None:
        """Adds a leaf's values to the sums starting at an index."""
        f = self.f

        def one(k: Val | int) -> None:
            value = f.load(self.values, (leaf if self.form.width == 1 else leaf * self.width) + k, self.value)  # fmt: skip
            f.store(f.load(self.output, place + k, self.value) + value, self.output, place + k)

        if self.form.width == 1:
            one(0)
        else:
            f.loop(0, self.width, 1, one)


def _any(f: Fn, numbers: Sequence[Val]) -> Val:
    """A number that is 0 if all are."""
    any_lane = numbers[0]
    for number in numbers[1:]:
        any_lane = any_lane | number
    return any_lane
