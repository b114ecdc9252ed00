"""Random numbers from the words of a Philox stream, with the same bits as TensorFlow on CPUs."""

from __future__ import annotations

import numpy as np

from penstock._src.core.dtypes import float_format
from penstock._src.native.algorithms.normals import normals
from penstock._src.native.builtins import HotCounter
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.random.libm import log, logf, sincos, sincosf
from penstock._src.ops.random.philox import Stream, blocks_at
from penstock._src.util import slots

# Rejection methods reserve this many words of the stream for each output of a group.
RESERVED_WORDS = 256
MANY = 1 << 16  # numbers from which a compiled program draws them: the same bits, sooner
_CALL = 1 << 10  # numbers that NumPy draws in the time of a call
_NUMBERS = HotCounter(2 * MANY)  # those of all calls from which smaller draws are compiled, too
_PAIRS = HotCounter(1 << 11)  # those of float64 in all calls from which native code draws them
MOST = 1 << 40  # more are refused as arrays of NumPy are
_EPSILON = 1.0e-7  # uniform numbers are clipped to this minimum before taking logarithms


def uniform(stream: Stream, count: int, dtype: np.dtype) -> np.ndarray:
    """`count` numbers in [0, 1): random mantissa bits under the exponent of one, minus one."""
    dtype = np.dtype(dtype)
    if _is_compiled(count):
        return _drawn("StatelessRandomUniformV2", stream, count, dtype)
    if dtype == np.float64:
        return words_to_float64(_word_pairs(stream, count))
    words = stream.words(count)
    if dtype == np.float32:
        return words_to_float32(words)
    exponent, mantissa = float_format(dtype)
    one = dtype.type(1)
    random = words & np.uint32((1 << mantissa) - 1)
    return (random.astype(np.uint16) | one.view(np.uint16)).view(dtype) - one


def words_to_float32(words: np.ndarray) -> np.ndarray:
    """uint32 words -> float32 of [0, 1)."""
    bits = (words & np.uint32(0x7FFFFF)) | np.uint32(127 << 23)
    return bits.view(np.float32) - np.float32(1)


def words_to_float64(pairs: np.ndarray) -> np.ndarray:
    """uint32[..., 2] words -> float64 in [0, 1)."""
    high = pairs[..., 0].astype(np.uint64) & np.uint64(0xFFFFF)
    bits = (high << np.uint64(32)) | pairs[..., 1].astype(np.uint64) | np.uint64(1023 << 52)
    return bits.view(np.float64) - 1.0


def full_integers(stream: Stream, count: int, dtype: np.dtype) -> np.ndarray:
    """`count` integers over the whole range of a 32- or 64-bit type."""
    dtype = np.dtype(dtype)
    if _is_compiled(count):
        unsigned = np.dtype(f"u{dtype.itemsize}")
        return _drawn("StatelessRandomUniformFullIntV2", stream, count, unsigned).view(dtype)
    if dtype.itemsize == 4:
        return stream.words(count).view(dtype)
    return _uint64(stream, count).view(dtype)


def integers(stream: Stream, count: int, dtype: np.dtype, low: int, high: int) -> np.ndarray:
    """`count` integers in [low, high), by the remainder (slightly biased if the range is not a power of two)."""
    dtype = np.dtype(dtype)
    unsigned = np.dtype(f"u{dtype.itemsize}").type
    words = full_integers(stream, count, np.dtype(unsigned))
    extent = unsigned(int(high) - int(low))
    # NumPy divides by one number by multiplications, which it does not do for remainders.
    multiples = words // extent
    multiples *= extent
    numbers = np.subtract(words, multiples, out=multiples)
    numbers += unsigned(int(low) % (1 << 8 * dtype.itemsize))
    return numbers.view(dtype)


def normal(stream: Stream, count: int, dtype: np.dtype) -> np.ndarray:
    """`count` standard normal numbers (Box & Muller 1958)."""
    dtype = np.dtype(dtype)
    if _is_compiled(count) and dtype != np.float64:
        return _drawn("StatelessRandomNormalV2", stream, count, dtype)
    if dtype == np.float64:
        quads = stream.blocks((count + 1) // 2)
        return box_muller64(quads).reshape(-1)[:count]
    pairs = stream.blocks((count + 3) // 4).reshape(-1, 2)
    return box_muller32(pairs).reshape(-1)[:count].astype(dtype, copy=False)


def box_muller32(pairs: np.ndarray) -> np.ndarray:
    """uint32[n, 2] words -> float32[n, 2] normal numbers."""
    radius = np.maximum(words_to_float32(pairs[:, 0]), np.float32(_EPSILON))
    angle = (2.0 * np.pi * words_to_float32(pairs[:, 1]).astype(np.float64)).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * logf(radius))
    sine, cosine = sincosf(angle)
    return np.stack([sine * radius, cosine * radius], -1)


def box_muller64(quads: np.ndarray) -> np.ndarray:
    """uint32[n, 4] words -> float64[n, 2] normal numbers."""
    if runs_native_code() and _PAIRS.is_hot(len(quads)):
        pairs = np.empty((len(quads), 2))
        normals().normals(np.ascontiguousarray(quads), len(quads), np.array([_EPSILON]), pairs)
        return pairs
    radius = np.maximum(words_to_float64(quads[:, :2]), _EPSILON)
    angle = 2.0 * np.pi * words_to_float64(quads[:, 2:])
    radius = np.sqrt(-2.0 * log(radius))
    sine, cosine = sincos(angle)
    return np.stack([sine * radius, cosine * radius], -1)


def truncated_normal(stream: Stream, count: int, dtype: np.dtype) -> np.ndarray:
    """`count` standard normal numbers; those of magnitude 2 or more are redrawn."""
    dtype = np.dtype(dtype)
    double = dtype == np.float64
    if _is_compiled(count) and not double:
        return _drawn("StatelessTruncatedNormalV2", stream, count, dtype)
    if double and runs_native_code() and _PAIRS.is_hot((count + 1) // 2):
        return _truncated64(stream, count)
    group = 2 if double else 4
    blocks_per_group = group * RESERVED_WORDS // 4
    groups = -(-count // group)
    out = np.empty((groups, group), np.float64 if double else np.float32)
    filled = np.zeros(groups, np.int64)
    pending = np.arange(groups)
    cursor = 0
    while pending.size:
        # two more blocks for each unfinished group: four normals in double precision, eight in single
        offsets = pending.astype(np.uint64)[:, None] * np.uint64(blocks_per_group)
        offsets = offsets + np.arange(cursor, cursor + 2, dtype=np.uint64)
        words = blocks_at(stream, offsets.reshape(-1))
        normals = box_muller64(words) if double else box_muller32(words.reshape(-1, 2))
        normals = normals.reshape(pending.size, -1)
        accepted = np.abs(normals) < 2.0
        place = filled[pending, None] + np.cumsum(accepted, 1) - 1
        take = accepted & (place < group)
        row, column = np.nonzero(take)
        out[pending[row], place[row, column]] = normals[row, column]
        filled[pending] = np.minimum(group, filled[pending] + accepted.sum(1))
        pending = pending[filled[pending] < group]
        cursor += 2
    return out.reshape(-1)[:count].astype(dtype, copy=False)


def _truncated64(stream: Stream, count: int) -> np.ndarray:
    """float64[count] of truncated normal numbers, drawn by native code."""
    groups = (count + 1) // 2
    out, least = np.empty(2 * groups), np.array([_EPSILON])
    position = stream.signed_words
    normals().truncated(*position, groups, 2 * RESERVED_WORDS // 4, least, out)
    return out[:count]


def _is_compiled(count: int) -> bool:
    is_hot = count >= MANY or _NUMBERS.is_hot(count + _CALL)
    return is_hot and 0 < count < MOST and runs_native_code()


def _drawn(op_type: str, stream: Stream, count: int, dtype: np.dtype) -> np.ndarray:
    """The numbers that an op draws at a position, computed by its compiled form.

    Logarithms and sines of doubles may differ in their last bits, so normal numbers of that type are drawn here.
    """
    return slots.above("draw_many")(op_type, stream.position, count, dtype)


def _word_pairs(stream: Stream, count: int) -> np.ndarray:
    return stream.blocks((count + 1) // 2).reshape(-1, 2)[:count]


def _uint64(stream: Stream, count: int) -> np.ndarray:
    pairs = _word_pairs(stream, count)
    return pairs[:, 0].astype(np.uint64) | pairs[:, 1].astype(np.uint64) << np.uint64(32)
