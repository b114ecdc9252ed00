"""Ensembles of trees by masks of leaves: the tests of a unit for some tens of rows at a time, which lie side by side in vectors.

A task has some rows. It copies a block of them so that each feature's numbers are neighbors, and goes through the units with the block; every row of the block
takes its leaf's values when a tree's last unit is through. The arrangement and its meaning: ir/meaning/trees.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.trees import ADDS, BITS, UNIT
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I1, I32, I64, PTR, like, vec
from penstock._src.native.language.value import Val

VECTORS = 2  # vectors of rows in a block
MOST_ROWS = 1024  # most rows of a task
FEW_TESTS = 1 << 14  # that are not worth a task of their own
_SET = 5  # columns of an entry with a set


@dataclass(frozen=True)
class Form:
    """The form of an ensemble: everything on which its code depends.

    Attributes:
      x, values: the types of features and sums.
      strict: True if a number equal to its threshold goes right.
      compares, sets: True if there are entries of the kind.
      width: values of a leaf, if it is 1; else 0.
    """

    x: DType
    values: DType
    strict: bool
    compares: bool
    sets: bool
    width: int


def launch(node: Node, _outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch that sums the leaves of an ensemble."""
    x, base, values, feature, threshold, mask, sets, words, units = node.args
    rows, features = dims.settled(x.shape[0]), int(x.shape[1])
    sums, width = int(base.shape[0]), int(values.shape[1])
    form = Form(
        x.dtype, values.dtype, node.attrs["strict"],
        bool(feature.shape[0]), bool(sets.shape[0]), int(width == 1),
    )  # fmt: skip
    block = block_of(target)
    tests = int(feature.shape[0]) + int(sets.shape[0]) + 1
    least = max(1, FEW_TESTS // tests // block) * block
    per = dims.ceil_divide(dims.ceil_divide(rows, 4 * threads), block) * block
    per = dims.minimum(dims.maximum(per, least), max(least, MOST_ROWS))
    size = block * (features * x.dtype.size + sums * values.dtype.size)
    # No two threads share a cache line.
    room = -(-size // 64) * 64
    tasks = dims.ceil_divide(rows, per) if sums else 0
    return SpecialLaunch(
        ("leaf masks", form), lambda target: emit(form, target), tasks,
        (x, base, values, feature, threshold, mask, sets, words, units, node,
         Scratch(room * dims.minimum(tasks, threads)), room, rows, features, sums, width, int(units.shape[0]), per),
        f"leaf masks[{rows}, {int(units.shape[0])}]",
    )  # fmt: skip


def block_of(target: Target) -> int:
    """Rows that are tested at a time."""
    return VECTORS * target.lanes(F32)


def emit(form: Form, target: Target) -> Code:
    """Context: the node's arguments, output, scratch, its bytes of a thread, rows, features, sums, values of a leaf, units, rows of a task."""
    m = Module(target)
    with m.task("task") as f:
        _Emitter(f, form).write()
    return Code.of(m)


class _Emitter:
    """Writes the task."""

    def __init__(self, f: Fn, form: Form) -> None:
        self.f, self.form = f, form
        self.lanes = f.target.lanes(F32)
        self.vectors = VECTORS
        names = "x base values feature threshold mask sets words units output scratch".split()
        pointers = [f.load(f.ctx, i, PTR) for i in range(len(names))]
        (self.x, self.base, self.values, self.feature, self.threshold, self.mask, self.sets, self.words,
         self.units, self.output, scratch) = pointers  # fmt: skip
        self.room, self.rows, self.features, self.sums, self.width, self.count, self.per = (
            f.load(f.ctx, len(names) + i, I64) for i in range(7)
        )
        self.number, self.value = memory_type(form.x), memory_type(form.values)
        # The block's sums, and its features, each for all rows.
        self.totals = f.at(scratch, f.tid * self.room, "i8")
        self.columns = f.at(self.totals, self.sums * self.block, self.value)

    @property
    def block(self) -> int:
        """Rows that are tested at a time."""
        return self.vectors * self.lanes

    def write(self) -> None:
        """The blocks of a task, one after the other."""
        f = self.f
        low = f.task * self.per
        high = f.min(low + self.per, self.rows)

        def some(row: Val, vectors: int) -> None:
            self.vectors = vectors
            self._begin(row)
            leaves = [f.zero(vec(I32, self.lanes) if self.lanes > 1 else I32)] * vectors
            f.loop(0, self.count, 1, self._unit, *leaves)
            self._end(row)

        # Few rows, and the last ones, take a smaller block.
        # A last block of more than one vector of rows is worth a whole one.
        whole = low + (high - low + (self.block - self.lanes - 1)) // self.block * self.block
        f.loop(low, f.min(whole, high), self.block, lambda row: some(row, VECTORS))
        f.loop(whole, high, self.lanes, lambda row: some(row, 1))

    def _begin(self, first: Val) -> None:
        """Copies the block's features, and begins its sums; rows past the last are the last one again."""
        f = self.f

        def row(i: Val) -> None:
            source = f.at(self.x, f.min(first + i, self.rows - 1) * self.features, self.number)
            f.loop(
                0, self.features, 1,
                lambda j: f.store(f.load(source, j, self.number), self.columns, j * self.block + i),
            )  # fmt: skip

        f.loop(0, self.block, 1, row)

        def total(i: Val) -> None:
            start = f.splat(f.load(self.base, i, self.value), self.lanes)
            for v in range(self.vectors):
                f.store(start, self.totals, i * self.block + v * self.lanes)

        f.loop(0, self.sums, 1, total)

    def _end(self, first: Val) -> None:
        """Stores the sums of the block's rows."""
        f = self.f
        f.loop(
            0, f.min(self.rows - first, self.block), 1,
            lambda i: f.loop(
                0, self.sums, 1,
                lambda j: f.store(
                    f.load(self.totals, j * self.block + i, self.value), self.output, (first + i) * self.sums + j
                ),
            ),
        )  # fmt: skip

    def _unit(self, number: Val, *leaves: Val) -> list[Val]:
        """Applies the tests of one unit; returns each row's leaf if it is known by now."""
        f = self.f
        unit = f.at(self.units, number * UNIT, I32)
        low, middle, high, first_set, last_set, first, target, adds = (
            f.convert(f.load(unit, i, I32), I64) for i in range(UNIT)
        )
        bits = [f.splat(f.const(-1, I32), self.lanes)] * self.vectors
        if self.form.compares:
            for begin, end, stays in ((low, middle, True), (middle, high, False)):
                bits = list(
                    f.loop(begin, end, 2, lambda i, *b, s=stays: self._pair(i, b, s), *bits)
                )
        if self.form.sets:
            bits = list(f.loop(first_set, last_set, 1, lambda i, *b: self._set(i, b), *bits))
        at = f.convert(first, I32)
        leaves = tuple(
            f.select(b.ne(0), self._lowest(b) + f.splat(at, self.lanes), leaf)
            for b, leaf in zip(bits, leaves, strict=True)
        )
        assert ADDS == UNIT - 1
        f.when(adds.ne(0), lambda: self._add(target, leaves))
        return list(leaves)

    def _lowest(self, bits: Val) -> Val:
        """The number of the lowest bit of each lane, which is not 0."""
        f = self.f
        name = f"@llvm.cttz.v{self.lanes}i32" if self.lanes > 1 else "@llvm.cttz.i32"
        f.module.declare(f"declare {bits.ty} {name}({bits.ty}, i1)")
        return f.emit(bits.ty, f"call {bits.ty} {name}({bits.ty} {bits.s}, i1 true)")

    def _pair(self, i: Val, bits: Sequence[Val], missing_stays: bool) -> list[Val]:
        """Two entries that compare."""
        for k in (0, 1):
            bits = self._compare(i + k, bits, missing_stays)
        return list(bits)

    def _compare(self, i: Val, bits: Sequence[Val], missing_stays: bool) -> list[Val]:
        f = self.f
        column = f.convert(f.load(self.feature, i, I32), I64) * self.block
        threshold = f.splat(f.load(self.threshold, i, self.number), self.lanes)
        mask = f.splat(f.load(self.mask, i, I32), self.lanes)
        rest = []
        for v, b in enumerate(bits):
            x = self._column(column, v)
            if missing_stays:
                goes_right = x >= threshold if self.form.strict else x > threshold
            else:
                # Every comparison with a NaN is false: which one is negated decides where it goes.
                goes_right = ~(x < threshold if self.form.strict else x <= threshold)
            rest.append(f.select(goes_right, b & mask, b))
        return rest

    def _column(self, column: Val, vector: int) -> Val:
        return self.f.load(
            self.columns, column + vector * self.lanes, vec(self.number, self.lanes) if self.lanes > 1 else self.number
        )  # fmt: skip

    def _set(self, i: Val, bits: Sequence[Val]) -> list[Val]:
        """An entry with a set."""
        f = self.f
        entry = f.at(self.sets, i * _SET, I32)
        feature, word, count, missing_left, mask = (f.load(entry, k, I32) for k in range(_SET))
        column = f.convert(feature, I64) * self.block
        rest = []
        for v, b in enumerate(bits):
            x = self._column(column, v)
            is_in = in_set(f, x, word, count, self.words)
            missing = f.compare("uno", x, x)
            stays = f.select(missing, f.splat(missing_left.ne(0), self.lanes), is_in)
            rest.append(f.select(stays, b, b & f.splat(mask, self.lanes)))
        return rest

    def _add(self, target: Val, leaves: Sequence[Val]) -> None:
        """Adds the values of each row's leaf."""
        f = self.f

        def one(k: Val | int) -> None:
            for v, leaf in enumerate(leaves):
                place = (target + k) * self.block + v * self.lanes
                index = leaf if self.form.width == 1 else leaf * self.f.convert(self.width, I32) + f.convert(f.i64(k), I32)  # fmt: skip
                if self.lanes > 1:
                    ty = vec(self.value, self.lanes)
                    values = f.gather(self.values, index, ty)
                else:
                    ty = self.value
                    values = f.load(self.values, f.convert(index, I64), ty)
                f.store(f.load(self.totals, place, ty) + values, self.totals, place)

        if self.form.width == 1:
            one(0)
        else:
            f.loop(0, self.width, 1, one)


def in_set(f: Fn, x: Val, word: Val, count: Val, words: Val) -> Val:
    """A mask of the categories, truncated to integers, that are in a set.

    Args:
      f: the function that is written.
      x: a number or a vector of them.
      word: the number of the set's first word; for each lane, or for all.
      count: number of bits of the set.
      words: the address of all sets' words.
    """
    n = like(x.ty, I32)
    bound = f.cast("sitofp", count, x.ty.strip("<>").split()[-1])
    has_bit = (x > -1.0) & (x < bound)
    category = f.convert(f.select(has_bit, x, 0.0), I32)
    index = f.select(has_bit, f.binary("lshr", category, BITS.bit_length() - 1) + word, 0)
    if n == I32:
        word_values = f.load_where(has_bit, words, [f.convert(index, I64)], I32)[0]
    else:
        # Lanes without a bit must not read: their index may lie beyond the words.
        word_values = f.gather(words, index, n, has_bit)
    bit = f.binary("lshr", word_values, category & (BITS - 1)) & 1
    return has_bit & f.cast("trunc", bit, I1)
