"""Counter-based random bits, written out in integer arithmetic so that every consumer draws the same numbers.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from penstock._src.core import dtypes
from penstock._src.exporters.stablehlo.movement import concatenated, sliced
from penstock._src.exporters.stablehlo.writer import Value, Writer, writes
from penstock._src.ir.meaning.random_streams import THREEFRY_ROTATIONS
from penstock._src.ir.node import Node

LOW = 0xFFFFFFFF


def _word(w: Writer, x: Value, number: int, count: int) -> Value:
    """Word `number` of a key or counter, for each of `count` blocks; 0 if it has no such word."""
    if number >= max(len(x.shape) and x.shape[0], 1):
        return w.constant([0] * count, dtypes.uint64)
    if x.shape:
        x = w.reshape(sliced(w, x, [number], [number + 1], [1]), ())
    if x.dtype == dtypes.int64:
        x = w.op("bitcast_convert", [x], (), dtypes.uint64)
    return w.broadcast(w.convert(x, dtypes.uint64), [count])


def _high(w: Writer, x: Value) -> Value:
    return w.elementwise("shift_right_logical", x, w.splat(32, x))


def _low(w: Writer, x: Value) -> Value:
    return w.elementwise("and", x, w.splat(LOW, x))


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
    words = [_low(w, low), _high(w, low), _low(w, high), _high(w, high)]
    whole = _word(w, key, 0, blocks)
    k0, k1 = _low(w, whole), _high(w, whole)
    for _ in range(10):
        a = w.elementwise("multiply", words[0], w.splat(0xD2511F53, low))
        b = w.elementwise("multiply", words[2], w.splat(0xCD9E8D57, low))
        words = [
            w.elementwise("xor", w.elementwise("xor", _high(w, b), words[1]), k0),
            _low(w, b),
            w.elementwise("xor", w.elementwise("xor", _high(w, a), words[3]), k1),
            _low(w, a),
        ]
        k0 = _low(w, w.elementwise("add", k0, w.splat(0x9E3779B9, k0)))
        k1 = _low(w, w.elementwise("add", k1, w.splat(0xBB67AE85, k1)))
    return _interleaved(w, words, count)


def _threefry(w: Writer, key: Value, counter: Value, count: int) -> Value:
    blocks = -(-count // 2)

    def narrow(x: Value) -> Value:
        return w.convert(_low(w, x), dtypes.uint32)

    whole = _word(w, key, 0, blocks)
    keys = [narrow(whole), narrow(_high(w, whole))]
    parity = w.splat(0x1BD11BDA, keys[0])
    keys.append(w.elementwise("xor", w.elementwise("xor", *keys), parity))
    index = w.iota([blocks], 0, dtypes.uint64)
    counters = w.elementwise("add", index, _word(w, counter, 0, blocks))
    x = w.elementwise("add", narrow(counters), keys[0])
    y = w.elementwise("add", narrow(_high(w, counters)), keys[1])
    for group in range(5):
        for i in range(4):
            rotation = THREEFRY_ROTATIONS[(group % 2) * 4 + i]
            x = w.elementwise("add", x, y)
            left = w.elementwise("shift_left", y, w.splat(rotation, y))
            right = w.elementwise("shift_right_logical", y, w.splat(32 - rotation, y))
            y = w.elementwise("xor", w.elementwise("or", left, right), x)
        x = w.elementwise("add", x, keys[(group + 1) % 3])
        y = w.elementwise("add", y, keys[(group + 2) % 3])
        y = w.elementwise("add", y, w.splat(group + 1, y))
    return _interleaved(w, [x, y], count)


STREAMS = {"philox": _philox, "threefry": _threefry}


@writes("random_bits")
def _random_bits(w: Writer, node: Node, key: Value, counter: Value) -> Value:
    return STREAMS[node.attrs["algorithm"]](w, key, counter, int(node.attrs["count"]))
