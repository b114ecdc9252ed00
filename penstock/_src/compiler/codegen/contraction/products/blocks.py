"""Panels of an operand whose rows are packed blocks: several are unpacked together and transposed in registers."""

from typing import Any

from penstock._src.compiler.codegen.contraction.pack import pack_across
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.scalars.packed_blocks import unpacked
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32

from .description import PackedMatrix

# Elements of a row that are unpacked before they are turned: whole blocks of every format.
STRETCH = 256


def pack_blocks(
    f: Fn, source: Val, first, width: int, count, start, depth, dst: Val, matrix: PackedMatrix,
    lanes: int, group: int = 1,
) -> None:  # fmt: skip
    """dst[i][c] = group start + i of row first + c, for i < depth and c < width; `count` rows exist from `first`.

    Elements are rounded to the matrix's type; groups (pairs.py) of one are written as floats, larger ones as they are. `start` and `depth` in
    elements are multiples of the format's block. Rows past the last one read that again.
    """
    # 16 KiB for 16 lanes: the unpacked numbers are still in the L1 when they are transposed.
    room = f.alloca(matrix.element, lanes * STRETCH)
    words = matrix.element if group == 1 else F32  # that are turned
    start, depth = (times(f, word(f, x), group) for x in (start, depth))

    def some(c0: Any, here: int) -> None:
        """Columns c0 <= c < c0 + here of the panel."""

        def stretch(at: Val) -> None:
            left = f.min(depth - at, STRETCH)
            block = (start + at) // matrix.form.block * matrix.form.size

            def row(c: Val) -> None:
                # Repeats the last row instead of reading past the operand; its sums are not stored.
                number = f.min(c + c0, word(f, count) - 1) + first
                address = f.at(source, number * matrix.row_bytes + block)
                _unpack_row(f, address, left, room, c, matrix, lanes)

            f.loop(f.i64(0), here, 1, row)
            to = f.at(dst, at // group * width + c0, F32)
            step, left = STRETCH // group, left // group
            pack_across(
                f, room, base=0, cross_stride=step, width=here, count=here, nk=left, dst=to, dst_stride=width,
                element=words, total=F32, lane_count=lanes,
            )  # fmt: skip

        f.loop(f.i64(0), depth, STRETCH, stretch)

    whole = width // lanes * lanes
    f.loop(f.i64(0), whole, lanes, lambda c: some(c, lanes))
    if whole < width:
        some(whole, width - whole)


def _unpack_row(
    f: Fn, address: Val, count: Val, room: Val, row: Val, matrix: PackedMatrix, lanes: int
) -> None:
    """Unpacks `count` elements, whole blocks, from `address` to a row of `room`."""
    form = matrix.form

    def one(b: Val) -> None:
        for e, v in unpacked(f, f.at(address, b * form.size), form, lanes):
            f.store(f.convert(v, matrix.element), room, row * STRETCH + b * form.block + e)

    if STRETCH // form.block > 1:
        f.loop(f.i64(0), count // form.block, 1, one)
    else:
        one(f.i64(0))
