"""Packs an operand that is read element by element.

Coordinates are incremented, not divided again for each element, and the index on a source axis is the sum of a part of the column and one of
the row: those of columns are computed once for a panel, those of a row once for all its columns.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.extents import Extent, unravel, value
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64

from .gathered import Gathered, GatheredAxis


def pack_gathered(
    f: Fn, source: Val, matrix: Gathered, batch: Sequence, first: Any, start: Any, width: int, count: Any, nk: Any,
    dst: Val, total: str, run: tuple[int, int] | None,
) -> None:  # fmt: skip
    """dst[k][c] = element (first + c, start + k) for c < width and k < nk; columns from `count` become zero.

    `batch` are the coordinates of the batch. `run` = (n, distance): n neighboring k (`start` and `nk` are multiples) lie at that distance, and
    exist or not together.
    """
    # Without elements an extent may be 0, by which coordinates would be divided.
    has_some = (word(f, nk) > 0) & (word(f, count) > 0)
    panel = _Panel(f, matrix, source, batch, width, dst, total, run)
    f.when(has_some, lambda: panel.pack(first, start, f.min(count, width), nk))


class _Panel:
    """Writes the packing of one panel."""

    def __init__(
        self, f: Fn, matrix: Gathered, source: Val, batch: Sequence, width: int, dst: Val, total: str,
        run: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        self.f, self.matrix, self.source, self.batch = f, matrix, source, batch
        self.width, self.dst, self.total = width, dst, total
        self.length, self.distance = run or (1, 0)
        # The parts of columns: their offsets, and their indices on axes that need a test.
        self.offsets = f.alloca(I64, width)
        self.indices = {
            number: f.alloca(I64, width)
            for number, axis in enumerate(matrix.axes)
            if axis.low is not None or axis.divisor != 1
        }

    def pack(self, first: Any, start: Any, here: Val, nk: Any) -> None:
        """Packs `here` columns, beginning at `first`."""
        f, length = self.f, self.length
        self._note_columns(word(f, first), here)
        axes = self.matrix.axes
        extents = [value(f, e) for e in self.matrix.depth]
        steps = [value(f, a.stride) for a in axes]

        def row(k: Val, *letters: Val) -> tuple[Val, ...]:
            parts = [self._sum(axis, "depth", letters) for axis in axes]
            offset = f.i64(0)
            for axis, part, step in zip(axes, parts, steps, strict=True):
                # An index that is divided has no offset before its test; others add up at once.
                if axis.divisor == 1:
                    offset = offset + word(f, times(f, part, step))
            f.loop(0, here, 1, lambda c: self._element(f.i64(c), k, offset, parts))
            f.loop(here, self.width, 1, lambda c: self._blank(f.i64(c), k))
            return self._following(letters, extents)

        f.loop(f.i64(0), nk, length, row, *unravel(f, word(f, start), extents))

    def _note_columns(self, first: Val, here: Val) -> None:
        """Computes the parts of the columns."""
        f = self.f
        groups = zip(self.batch, self.matrix.batch, strict=True)
        batch = [x for n, of in groups for x in unravel(f, n, [value(f, e) for e in of])]
        extents = [value(f, e) for e in self.matrix.cross]

        def column(c: Val, *letters: Val) -> tuple[Val, ...]:
            offset = f.i64(0)
            for number, axis in enumerate(self.matrix.axes):
                index = word(f, value(f, axis.const)) + self._sum(axis, "batch", batch)
                index = index + self._sum(axis, "cross", letters)
                if axis.divisor == 1:
                    offset = offset + word(f, times(f, index, value(f, axis.stride)))
                if number in self.indices:
                    f.store(index, self.indices[number], c)
            f.store(offset, self.offsets, c)
            return self._counted(letters, extents, len(letters) - 1)

        f.loop(f.i64(0), here, 1, column, *unravel(f, first, extents))

    def _sum(self, axis: GatheredAxis, kind: str, letters: Sequence) -> Val:
        """The part of letters of a kind in the index on an axis."""
        f = self.f
        total = f.i64(0)
        for of, number, coefficient in axis.terms:
            if of == kind:
                total = total + word(f, times(f, letters[number], value(f, coefficient)))
        return total

    def _following(self, letters: Sequence[Val], extents: Sequence[Extent]) -> tuple[Val, ...]:
        """The coordinates of the next row, or after a run, which is the whole innermost extent."""
        return self._counted(letters, extents, len(letters) - (2 if self.length > 1 else 1))

    def _counted(
        self, letters: Sequence[Val], extents: Sequence[Extent], innermost: int
    ) -> tuple[Val, ...]:
        """The coordinates after these, counted from the letter `innermost` outwards."""
        f, counted = self.f, list(letters)
        if innermost < 0:  # the only run
            return tuple(counted)
        counted[innermost] = counted[innermost] + 1
        for i in range(innermost, 0, -1):
            # Carried like the digits of an odometer: a compare and a select instead of divisions.
            is_full = counted[i] >= extents[i]
            counted[i - 1] = counted[i - 1] + f.convert(is_full, I64, signed=False)
            counted[i] = f.select(is_full, f.i64(0), counted[i])
        return tuple(counted)

    def _element(self, c: Val, k: Val, offset: Val, parts: Sequence[Val]) -> None:
        """Copies a run of column c, or zeros where the source has none."""
        f = self.f
        offset, inside = offset + f.load(self.offsets, c, I64), None
        for number, indices in self.indices.items():
            axis = self.matrix.axes[number]
            index, checks = axis.tested(f, f.load(indices, c, I64) + parts[number])
            if axis.divisor != 1:
                offset = offset + word(f, times(f, index, value(f, axis.stride)))
            for check in checks:
                inside = check if inside is None else inside & check
        matrix, total = self.matrix, self.total

        def read(i: Any) -> Val:
            at = offset + word(f, times(f, i, self.distance))
            return f.convert(f.load(self.source, at, matrix.element), total)

        copy = lambda: self._put(c, k, read)
        f.when(True if inside is None else inside, copy, lambda: self._blank(c, k))

    def _blank(self, c: Val, k: Val) -> None:
        self._put(c, k, lambda _: self.f.zero(self.total))

    def _put(self, c: Val, k: Val, element: Callable[[Any], Val]) -> None:
        """Stores a run of column c."""
        f, several = self.f, next(n for n in (8, 4, 2, 1) if self.length % n == 0)
        start = k * self.width + c

        def put(i: Any) -> None:
            here = start + word(f, times(f, i, self.width))
            for j in range(several):
                f.store(element(i + j), self.dst, here + j * self.width)

        f.loop(0, self.length, several, put)
