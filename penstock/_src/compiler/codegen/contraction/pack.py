"""Panels: copies of an operand in the order in which the inner loop reads it.

A panel of width w holds nk rows of w elements of the sum's type, dst[k][c] = source[c, k].  Elements past the edge of
the operand are never read; in the panel they are zeros or copies, whose results are not stored.
"""

from collections.abc import Callable

from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import vec

from .tile import times, transpose

AHEAD = 4  # rows to ask for while copying rows that lie in different pages


def load_as(f: Fn, source: Val, at, size: int, mask: Val | None, element: str, total: str) -> Val:
    """`size` elements as `total`."""
    return f.convert(f.load(source, at, vec(element, size), mask), total)


def pack_across(
    f: Fn, source: Val, base, cross_stride, width: int, count, nk, dst: Val, dst_stride: int,
    element: str, total: str, lane_count: int,
    read: Callable = load_as,
) -> None:  # fmt: skip
    """dst[k][c] for columns c < width, source contiguous in k: blocks transposed in registers.

    `count` columns exist (at least one); those past it read the last one again. `read` is `load_as` by default.
    """
    n = lane_count

    def chunk(first):
        here = n if isinstance(first, Val) else min(n, width - first)
        starts = []
        for c in range(here):
            # Columns past the edge are copies of the last one, so that no memory beyond the operand is read.
            at = f.min(first + c, count - 1)
            starts.append(base + times(f, at, cross_stride))
        mask_out = f.mask(n, here) if here < n else None

        def block(k, mask):
            rows = []
            for start in starts:
                rows.append(read(f, source, start + k, n, mask, element, total))
            rows += [f.zero(rows[0].ty)] * (n - here)
            return transpose(f, rows)

        def whole(k):
            for j, x in enumerate(block(k, None)):
                f.store(x, dst, (k + j) * dst_stride + first, mask_out)

        def tail(k):
            left = nk - k  # rows of the block past nk are written to the padding after the panel
            for j, x in enumerate(block(k, f.mask(n, left))):
                if not isinstance(left, int) or j < left:
                    f.store(x, dst, (k + j) * dst_stride + first, mask_out)

        main = nk // n * n
        f.loop(0, main, n, whole)
        if not isinstance(nk, int) or main < nk:
            f.loop(main, nk, n, tail)

    whole_chunks = width // n * n  # one code for all: transposes take long to compile
    f.loop(0, whole_chunks, n, chunk)
    if whole_chunks < width:
        chunk(whole_chunks)


def pack_along(
    f: Fn, source: Val, base, along, width: int, count, nk, dst: Val, dst_stride: int,
    element: str, total: str, lane_count: int,
    read: Callable = load_as,
) -> None:  # fmt: skip
    """dst[k][c] for c < width, source contiguous in c: copies rows; columns from `count` become zero.

    `along` is the stride of k; `read` is `load_as` by default.
    """
    n = lane_count

    def row(k):
        start = base + times(f, k, along)
        f.prefetch(source, start + times(f, AHEAD, along), element)
        for first in range(0, width, n):
            here = min(n, width - first)
            if isinstance(count, int):
                valid = max(0, min(here, count - first))
                mask = f.mask(n, valid) if valid < n else None
            else:
                mask = f.mask(n, f.min(count - first, here))
            v = read(f, source, start + first, n, mask, element, total)
            f.store(v, dst, k * dst_stride + first, f.mask(n, here) if here < n else None)

    f.loop(0, nk, 1, row)


def pack_rows(
    f: Fn, source: Val, base, along, step, width: int, count, low, high, dst: Val, panel_room: int,
    element: str, total: str, lane_count: int,
    read: Callable = load_as,
) -> None:  # fmt: skip
    """Several panels together, source contiguous across them: rows low <= k < high are read from end to end.

    So a walk down the columns is avoided, which would crowd cache sets and miss in the TLB every time. `count` columns
    exist from `base` on; `dst` is the first panel, the others follow at `panel_room` elements. `along` gives
    the offset of k, `step` the distance from most rows to the next; `read` is `load_as` by default.
    """
    whole = count // width

    def row(k):
        start = base + along(k)
        ahead = start + times(f, AHEAD, step)

        def panel(p, left=None):
            to = times(f, p, panel_room) + times(f, k, width)
            for first in range(0, width, lane_count):
                here = min(lane_count, width - first)
                size = lane_count if left is not None or here & (here - 1) else here
                mask = f.mask(size, here) if here < size else None
                mask = mask if left is None else f.mask(size, f.min(f.i64(left) - first, here))
                at = start + times(f, p, width) + first
                f.prefetch(source, ahead + times(f, p, width) + first, element)
                v = read(f, source, at, size, mask, element, total)
                stored = f.mask(size, here) if here < size else None
                f.store(v, dst, to + first, stored)

        f.loop(f.i64(0), whole, 1, panel)
        if not isinstance(count, int) or count % width:
            f.when(whole * width < count, lambda: panel(whole, count - whole * width))

    f.loop(low, high, 1, row)


def pack_single(
    f: Fn, source: Val, place: Callable, width: int, count, nk, dst: Val, dst_stride: int,
    element: str, total: str,
) -> None:  # fmt: skip
    """dst[k][c] element by element; place(c, k) -> offset.  For any layout."""
    here = f.min(count, width)

    def column(c, k):
        read = f.convert(f.load(source, place(c, k), element), total)
        f.store(read, dst, k * dst_stride + c)

    def row(k):
        k = f.i64(k)
        f.loop(0, here, 1, lambda c: column(c, k))
        f.loop(here, width, 1, lambda c: f.store(f.zero(total), dst, k * dst_stride + c))

    f.loop(0, nk, 1, row)


def room(width: int, nk, lane_count: int):
    """Elements that a panel takes: with space for the last block of `pack_across`, and a vector."""
    return (nk + lane_count) * width + lane_count
