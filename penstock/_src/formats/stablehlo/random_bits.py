"""Counter-based random bits, written out in integer arithmetic so that every consumer draws the same numbers.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

import functools
from typing import Any

from penstock._src.core import dtypes
from penstock._src.formats.stablehlo.movement import concatenated, sliced
from penstock._src.formats.stablehlo.writer import Value, Writer, writes
from penstock._src.ir.meaning.random_streams import LOW, philox_rounds, threefry_rounds
from penstock._src.ir.node import Node


class _Words:
    """A value with the arithmetic of unsigned integers; a Python int is repeated like the value."""

    def __init__(self, w: Writer, value: Value) -> None:
        self.w, self.value = w, value

    def _with(self, name: str, other: Any) -> "_Words":
        like = self.value
        other = other.value if isinstance(other, _Words) else self.w.splat(other, like)
        return _Words(self.w, self.w.elementwise(name, like, other))

    __add__ = functools.partialmethod(_with, "add")
    __mul__ = functools.partialmethod(_with, "multiply")
    __xor__ = functools.partialmethod(_with, "xor")
    __and__ = functools.partialmethod(_with, "and")
    __or__ = functools.partialmethod(_with, "or")
    __lshift__ = functools.partialmethod(_with, "shift_left")
    __rshift__ = functools.partialmethod(_with, "shift_right_logical")


def _word(w: Writer, x: Value, number: int, count: int) -> Value:
    """Word `number` of a key or counter, for each of `count` blocks; 0 if it has no such word."""
    if number >= max(len(x.shape) and x.shape[0], 1):
        return w.constant([0] * count, dtypes.uint64)
    if x.shape:
        x = w.reshape(sliced(w, x, [number], [number + 1], [1]), ())
    if x.dtype == dtypes.int64:
        x = w.op("bitcast_convert", [x], (), dtypes.uint64)
    return w.broadcast(w.convert(x, dtypes.uint64), [count])


def _interleaved(w: Writer, words: list[Value], count: int) -> Value:
    """The words of all blocks one after the other, as uint32, the first `count` of them."""
    blocks = words[0].shape[0]
    columns = [w.reshape(w.convert(word, dtypes.uint32), [blocks, 1]) for word in words]
    table = concatenated(w, columns, 1)
    return sliced(w, w.reshape(table, [blocks * len(words)]), [0], [count], [1])


def _philox(w: Writer, key: Value, counter: Value, count: int) -> Value:
    blocks = -(-count // 4)
    index = w.iota([blocks], 0, dtypes.uint64)
    start = _word(w, counter, 0, blocks)
    low = w.elementwise("add", index, start)
    carried = w.convert(w.compare("LT", low, start), dtypes.uint64)
    high = w.elementwise("add", _word(w, counter, 1, blocks), carried)
    words = [half for x in (low, high) for half in (_Words(w, x) & LOW, _Words(w, x) >> 32)]
    whole = _Words(w, _word(w, key, 0, blocks))
    mixed = philox_rounds(words, whole & LOW, whole >> 32, lambda x: x >> 32)
    return _interleaved(w, [x.value for x in mixed], count)


def _threefry(w: Writer, key: Value, counter: Value, count: int) -> Value:
    blocks = -(-count // 2)

    def halves(x: Value) -> list[_Words]:
        words = (_Words(w, x) & LOW, _Words(w, x) >> 32)
        return [_Words(w, w.convert(half.value, dtypes.uint32)) for half in words]

    keys = halves(_word(w, key, 0, blocks))
    keys.append(keys[0] ^ keys[1] ^ 0x1BD11BDA)
    index = w.iota([blocks], 0, dtypes.uint64)
    x, y = halves(w.elementwise("add", index, _word(w, counter, 0, blocks)))
    rotated = lambda word, by: (word << by) | (word >> 32 - by)  # noqa: E731
    mixed = threefry_rounds(x + keys[0], y + keys[1], keys, rotated)
    return _interleaved(w, [x.value for x in mixed], count)


STREAMS = {"philox": _philox, "threefry": _threefry}


@writes("random_bits")
def _random_bits(w: Writer, node: Node, key: Value, counter: Value) -> Value:
    return STREAMS[node.attrs["algorithm"]](w, key, counter, int(node.attrs["count"]))
