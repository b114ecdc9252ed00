"""Positions in a random permutation, computed without building it: a block cipher with cycle walking.

Source: Beaulieu, Shors, Smith, Treatman-Clark, Weeks & Wingers, "The SIMON and SPECK families of
lightweight block ciphers", 2013; cycle walking: Black & Rogaway, 2002.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.cycle_walks import cycle_walks
from penstock._src.native.builtins import HotCounter
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import show

_UNSIGNED = frozenset({dtypes.uint32, dtypes.uint64})
_CONSTANTS = 0x7369F885192C0EF5  # the sequence z of the key schedule, lowest bit first
_SMALLEST_BLOCK, _LARGEST_TABLE = 16, 22  # bits
_BLOCKS = HotCounter(1 << 10)  # blocks of the cipher, over all calls, from which native code pays
_LONG_WALK = 16  # numbers of the block for each of the range: fewer are walked one by one


def _left(x, count, bits):
    return ((x << count) | (x >> (bits - count))) & ((1 << bits) - 1)


def _round(x, bits):
    return (_left(x, 1, bits) & _left(x, 8, bits)) ^ _left(x, 2, bits)


def _keys(key, rounds, bits):
    mask = (1 << bits) - 1
    keys, sequence = [k & mask for k in key], _CONSTANTS & mask
    for i in range(3, rounds):
        last = keys[i - 1]
        turned = _left(last, bits - 3, bits) ^ _left(last, bits - 4, bits)
        keys.append((0xFFFFFFFC & mask) ^ (sequence & 1) ^ keys[i - 3] ^ turned)
        sequence >>= 1
    return keys


def _half_block(largest):
    """Half of the cipher's bits: numbers need ceil(log2(largest)) of them, and the cipher an even number."""
    needed = (largest - 1).bit_length() if largest > 1 else 0
    return max(needed + needed % 2, _SMALLEST_BLOCK) // 2


def _encrypted(index, keys, bits):
    mask = (1 << bits) - 1
    left, right = (index >> bits) & mask, index & mask
    for first, second in zip(keys[::2], keys[1::2]):
        left = left ^ _round(right, bits) ^ first
        right = right ^ _round(left, bits) ^ second
    return left << bits | right


def shuffled(index, key, largest, rounds):
    """The position of `index` in the permutation of 0 ... `largest` given by a key of three words."""
    bits = _half_block(largest)
    keys = _keys(key, rounds, bits)
    while True:
        index = _encrypted(index, keys, bits)
        if index <= largest:
            return index


def _shuffled_all(indices, key, largest, rounds):
    """Return the positions of an array of indices in the permutation of 0 ... `largest`."""
    bits = _half_block(largest)
    keys = np.array(_keys(key, rounds, bits), np.uint64)
    positions = np.array(indices, np.uint64)
    # A walk passes as many blocks of the cipher as there are for each number of the range.
    if (
        _BLOCKS.is_hot(positions.size << max(2 * bits - int(largest).bit_length(), 0))
        and runs_native_code()
    ):
        # The function takes int64: the bits are the same.
        signed = np.array(largest, np.uint64).astype(np.int64)
        cycle_walks().walk(positions, keys, rounds, bits, int(signed), positions.size)
        return positions
    if (1 << 2 * bits) > _LONG_WALK * (largest + 1):
        return _positions(key, largest, rounds)[positions.astype(np.int64)]
    outside = np.arange(positions.size)
    while outside.size:
        positions[outside] = _encrypted(positions[outside], keys, np.uint64(bits))
        outside = outside[positions[outside] > largest]
    return positions


def _positions(key, largest, rounds):
    """Return the positions of 0 ... `largest`.

    Walks through a small range pass nearly every number of the block, so all take them at once: a walk that has not ended after n steps goes on
    with the n steps of the number that it has reached.
    """
    bits = _half_block(largest)
    positions = _encrypted(np.arange(1 << 2 * bits), _keys(key, rounds, bits), bits)
    while (positions[: largest + 1] > largest).any():
        outside = np.flatnonzero(positions > largest)
        positions[outside] = positions[positions[outside]]
    return positions[: largest + 1]


def permutation(key, largest, rounds):
    """Yields the position of each number in the same permutation."""
    if 2 * _half_block(largest) > _LARGEST_TABLE:
        yield from (shuffled(at, key, largest, rounds) for at in range(largest + 1))
        return
    yield from _positions(key, largest, rounds).tolist()


MOST_ROUNDS = 1 << 12


class RandomIndexShuffle(Op):
    """The position of each index in a random permutation of 0 ... max_index."""

    signature = "index: dtype, seed: Tseed, max_index: dtype -> output: dtype"
    ranks = {"index": (0, 1), "max_index": (0, 1)}
    dtype = INDEX | _UNSIGNED
    Tseed = INDEX | _UNSIGNED
    rounds: int = 4
    differentiable = False

    def shape(self, index, seed, max_index):
        if seed.rank not in (None, 1, 2) or seed.rank and seed[-1] not in (None, 3):
            raise ValueError(f"Seed must have shape [3] or [n, 3] but got {show(seed)}.")
        return index if index.rank else seed[:1] if seed.rank == 2 else max_index

    def eager(self, index, seed, max_index):
        if self.rounds < 4 or self.rounds % 2:
            raise self.invalid(f"Rounds must be >= 4 and even but got {self.rounds}")
        if self.rounds > MOST_ROUNDS:
            raise self.invalid(f"Rounds must be <= {MOST_ROUNDS} but got {self.rounds}")
        counts = [index.size] if index.ndim else []
        counts += [seed.shape[0]] if seed.ndim == 2 else []
        counts += [max_index.size] if max_index.ndim else []
        count = max(counts, default=1)
        if seed.shape not in ((3,), (count, 3)):
            raise self.invalid(
                f"Seed must be a vector of size [3] or a matrix of size [{count}, 3] but got "
                f"{show(seed.shape)}."
            )
        for name, value in (("Index", index), ("Maximum index", max_index)):
            if value.shape not in ((), (count,)):
                raise self.invalid(
                    f"{name} must be a scalar or vector of size [{count}] but got {show(value.shape)}."
                )
        self._check_range(index, max_index)
        kind, keys = self.output_dtypes[0].np, seed.astype(np.int64) & 0xFFFFFFFF
        if seed.ndim == 1 and not max_index.ndim:
            top = int(max_index)
            shuffled = _shuffled_all(index.reshape(-1), keys.tolist(), top, self.rounds)
            return shuffled.astype(kind).reshape(index.shape)
        indices, tops = (np.broadcast_to(x, (count,)).tolist() for x in (index, max_index))
        rows = np.broadcast_to(keys, (count, 3)).tolist()
        every = zip(indices, rows, tops, strict=True)
        shuffled = [_shuffled_all([at], key, top, self.rounds)[0] for at, key, top in every]
        return np.array(shuffled, np.uint64).astype(kind)

    def _check_range(self, index, max_index):
        for name, numbers in (("index", index), ("max_index", max_index)):
            if numbers.size and numbers.min() < 0:
                raise self.invalid(f"{name} must be >= 0 but was {numbers[numbers < 0].flat[0]}")
        beyond = index > max_index
        if np.any(beyond):
            i, top = (np.broadcast_to(x, beyond.shape)[beyond][0] for x in (index, max_index))
            raise self.invalid(f"max_index must be >= index, but {top} < {i}")
