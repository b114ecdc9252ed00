"""Sorting of words, each a key of 32 bits above the index of its element.

No two words are equal, so any algorithm that orders them is stable and gives the same result. They take half the memory of separate keys and indices.
Few are sorted by counting, more by digits.
"""

import functools
from typing import Any

from penstock._src.compiler.codegen.specials.sorts.sorting import radix_sort, sortable
from penstock._src.native import Module
from penstock._src.native.language.types import I32, I64, PTR, vec
from penstock._src.native.language.value import Val

KEY_BITS = 32
MOST = 1 << 31  # elements of a line: their indices share a word with the keys
COMPARED = 16  # words for each lane of a register up to which all are compared with all
PIECE = 1 << 18  # words that are merged between looks for an interrupt


def pair(f: Any, x: Val, i: Val, dtype: Any, descending: bool) -> Val:
    """The word of an element: the words order, unsigned, as the values do; NaN comes last either way."""
    key = sortable(f, x, dtype, descending, I32)
    return f.convert(key, I64, signed=False) * (1 << KEY_BITS) | i


def place_of(word: Val) -> Val:
    """The index in a word."""
    return word & ((1 << KEY_BITS) - 1)


def write_pair_sort(m: Module) -> None:
    """Writes the functions sort_pairs(words, other, n, tid), which leaves the result in `words`, and merge_pairs."""
    with m.fn(
        "merge_pairs", internal=True, noalias=False,
        left=PTR, right=PTR, lefts=I64, rights=I64, merged=PTR, tid=I64,
    ) as f:  # fmt: skip
        _merge(f)
    rooms = dict(words=PTR, other=PTR, n=I64, tid=I64)
    with m.fn("rank_pairs", internal=True, noalias=False, **rooms) as f:
        _rank(f)
    with m.fn("digit_pairs", internal=True, noalias=False, **rooms) as f:
        radix_sort(f, [(f.words, f.other)], KEY_BITS)
    with m.fn("sort_pairs", internal=True, noalias=False, **rooms) as f:
        small, large = (
            functools.partial(f.call, name, f.words, f.other, f.n, f.tid)
            for name in ("rank_pairs", "digit_pairs")
        )
        f.when(f.n <= COMPARED * f.target.lanes(I64), small, large)


def _rank(f: Any) -> None:
    """Counts for each word those below it, several words at once (Knuth, TAOCP volume 3, 5.2, algorithm C)."""
    lanes = 2 * f.target.lanes(I64)

    def move(first: Val) -> None:
        mask = f.mask(lanes, f.n - first)
        own = f.load(f.words, first, vec(I64, lanes), mask)

        def one(j: Val, count: Val) -> tuple[Val, ...]:
            below = f.compare("ult", f.splat(f.load(f.words, j, I64), lanes), own)
            return (count + f.convert(below, I64, signed=False),)

        (rank,) = f.loop(0, f.n, 1, one, f.splat(f.i64(0), lanes))
        f.scatter(own, f.other, rank, mask)

    f.loop(f.i64(0), f.n, lanes, move)
    f.memcpy(f.words, f.other, f.n * 8)


def _merge(f: Any) -> None:
    """Merges two sorted runs of `lefts` and `rights` words."""

    def remaining(i: Val, j: Val) -> Val:
        return f.min(f.lefts - i, f.rights - j)

    def some(i: Val, j: Val) -> tuple[Val, Val]:
        # While this many words are taken from both runs together, neither ends: no check is needed.
        def one(k: Val, i: Val, j: Val) -> tuple[Val, Val]:
            a, b = f.load(f.left, i, I64), f.load(f.right, j, I64)
            first = f.compare("ult", a, b)
            f.store(f.select(first, a, b), f.merged, k)
            step = f.convert(first, I64, signed=False)
            return i + step, j + (1 - step)

        return f.loop(i + j, i + j + f.min(remaining(i, j), PIECE), 1, one, i, j)

    def goes_on(i: Val, j: Val) -> Val:
        dropped = f.call("penstock_task_is_dropped", f.tid, ret=I64)
        return (remaining(i, j) > 0) & dropped.eq(0)

    i, j = f.loop_while(goes_on, some, f.i64(0), f.i64(0))
    f.memcpy(f.at(f.merged, i + j, I64), f.at(f.left, i, I64), (f.lefts - i) * 8)
    to = f.at(f.merged, f.lefts + j, I64)
    f.memcpy(to, f.at(f.right, j, I64), (f.rights - j) * 8)
