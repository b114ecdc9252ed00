"""Random bit generators with explicit state."""

from collections.abc import Sequence

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.translate import (
    Translation,
    place_of,
    result_dtype,
    static_shape,
    translates,
)
from penstock._src.stablehlo.module import HloOperation


@translates("rng_bit_generator")
def rng_bit_generator(t: Translation, operation: HloOperation, state: Node) -> list[Node]:
    """The next state (uint64: a key, then a counter), and random bits of the result's type."""
    if state.dtype != dtypes.uint64:
        raise UnimplementedError(
            f"XlaCallModule: a state of {state.dtype.name} is not implemented{place_of(operation)}."
        )
    shape, dtype = static_shape(operation, 1), result_dtype(operation, 1)
    wide = dtype.size == 8
    is_threefry = operation.attribute("rng_algorithm") == "THREE_FRY"
    make = _threefry if is_threefry else _philox  # XLA's default on CPUs
    after, bits = make(t, state, list(shape), wide)
    if wide:
        return [after, t.p.bitcast(bits, dtype) if dtype != bits.dtype else bits]
    narrow = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32}[dtype.size]
    return [after, t.p.bitcast(t.p.cast(bits, narrow), dtype)]


def _philox(t: Translation, state: Node, shape: Sequence[int], wide: bool) -> tuple[Node, Node]:
    """Four words per counter. As in XLA, the key is the upper half of a 64-bit counter."""
    p = t.p
    count = int(dims.product(shape))
    words = count * 2 if wide else count
    key, low = p.slice(state, [0], [1]), p.slice(state, [1], [2])
    is_long = int(state.shape[0]) > 2
    high = p.slice(state, [2], [3]) if is_long else key
    bits = p.random_bits(key, p.concat([low, high], 0), words, "philox")
    steps = p.constant([-(-words // 4)], dtypes.uint64)
    after = p.add(low, steps)
    parts = [key, after]
    if is_long:
        parts.append(p.add(high, p.cast(p.lt(after, low), dtypes.uint64)))
    if wide:
        bits = p.bitcast(p.reshape(bits, [count, 2]), dtypes.uint64)
    return p.concat(parts, 0), p.reshape(bits, shape)


def _threefry(t: Translation, state: Node, shape: list[int], wide: bool) -> tuple[Node, Node]:
    """Two words per counter, adjacent along one axis; or one 64-bit number."""
    p = t.p
    key, low = p.slice(state, [0], [1]), p.slice(state, [1], [2])
    if wide:
        half, axis = list(shape), 0
    else:
        axis = _halved_axis(shape)
        half = list(shape) or [1]
        half[axis] = -(-half[axis] // 2)
    count = int(dims.product(half))
    counter = p.concat([low, p.constant([0], dtypes.uint64)], 0)
    bits = p.random_bits(key, counter, 2 * count, "threefry")
    after = p.concat([key, p.add(low, p.constant([count], dtypes.uint64))], 0)
    if wide:
        return after, p.reshape(p.bitcast(p.reshape(bits, [count, 2]), dtypes.uint64), shape)
    pairs = p.reshape(bits, [*half, 2])
    rank = len(half)
    pairs = p.transpose(pairs, [*range(axis + 1), rank, *range(axis + 1, rank)])
    joined = [*half[:axis], 2 * half[axis], *half[axis + 1 :]]
    whole = p.slice_axis(p.reshape(pairs, joined), axis, 0, shape[axis] if shape else 1)
    return after, p.reshape(whole, shape)


def _halved_axis(shape: Sequence[int]) -> int:
    """The first axis of even extent, else the first one of the largest."""
    for axis, extent in enumerate(shape):
        if extent % 2 == 0:
            return axis
    return max(range(len(shape)), key=lambda axis: shape[axis]) if shape else 0
