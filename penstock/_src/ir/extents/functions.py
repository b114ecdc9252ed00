"""Functions of extents beyond the arithmetic operators of Dims: bits, shifts, table entries.

Bits are quotients and remainders by powers of two, for negative numbers as well: the lowest three of `d0` are `d0 % 8`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, Extent

MOST_RUNS = 4  # limit of runs of ones in a mask: an expression has two atoms for each
LONGEST_TABLE = 32  # entries of an expression


def absolute(a: Extent) -> Extent:
    """|a|, without a comparison of its sign."""
    if dims.is_known_positive(a + 1):
        return a
    return -a if dims.is_known_positive(1 - a) else dims.maximum(dims.maximum(a, -a), 0)


def bit_and(a: Extent, b: Extent) -> Extent:
    """a & b: an expression where one of them is a number."""
    if isinstance(a, Dim):
        a, b = b, a
    if isinstance(a, Dim) or not isinstance(b, Dim):
        return int(a) & int(b)
    mask = int(a)
    if mask < 0:
        # b & m = b - (b & ~m), where ~m is not negative.
        return b - bit_and(~mask, b)
    runs = list(_runs(mask))
    if len(runs) > MOST_RUNS:
        return mask & int(b)
    return sum([b // 2**low % 2**count * 2**low for low, count in runs])


def bit_or(a: Extent, b: Extent) -> Extent:
    """a | b."""
    # Bits in both are counted once.
    return a + b - bit_and(a, b)


def bit_xor(a: Extent, b: Extent) -> Extent:
    """a ^ b."""
    return a + b - 2 * bit_and(a, b)


def bit_not(a: Extent, bits: int, is_unsigned: bool) -> Extent:
    """~a in a type of this many bits."""
    return (2**bits - 1 if is_unsigned else -1) - a


def shift_left(a: Extent, amount: Extent, bits: int) -> Extent:
    """a << amount, which may leave the type."""
    return a * 2 ** _within(amount, bits)


def shift_right(a: Extent, amount: Extent, bits: int) -> Extent:
    """a >> amount, which keeps the sign."""
    return a // 2 ** _within(amount, bits)


def shift_right_logical(a: Extent, amount: Extent, bits: int) -> Extent:
    """a >> amount of the bits of a, zeros shifted in; it may leave a signed type."""
    return (a + 2**bits if a < 0 else a) // 2 ** _within(amount, bits)


def entry(table: Sequence[Extent], index: Extent) -> Extent:
    """The entry of a table of numbers at an index within it: an expression if the index is unknown."""
    if not isinstance(index, Dim):
        return table[int(index)]
    if len(set(table)) == 1:
        return table[0]
    return dims.apply("table", index, *table)


def is_table(entries: Sequence[Extent]) -> bool:
    """True if `entry` accepts these arguments."""
    return 0 < len(entries) <= LONGEST_TABLE and not any(isinstance(n, Dim) for n in entries)


def _within(amount: Extent, bits: int) -> int:
    """A shift's amount, as it is clipped."""
    return min(max(int(amount), 0), bits - 1)


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """(lowest bit, count) of each run of ones."""
    low = 0
    while mask:
        zeros = (mask & -mask).bit_length() - 1
        mask >>= zeros
        count = (~mask & (mask + 1)).bit_length() - 1
        yield low + zeros, count
        mask >>= count
        low += zeros + count
