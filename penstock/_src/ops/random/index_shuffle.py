"""Positions in a random permutation, computed without building it: a block cipher with cycle walking.

Source: Beaulieu, Shors, Smith, Treatman-Clark, Weeks & Wingers, "The SIMON and SPECK families of
lightweight block ciphers", 2013; cycle walking: Black & Rogaway, 2002.
"""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.builtins.kernel import kernel
from penstock._src.ops.rules import show

_UNSIGNED = frozenset({dtypes.uint32, dtypes.uint64})
_CONSTANTS = 0x7369F885192C0EF5  # the sequence z of the key schedule, lowest bit first
_SMALLEST_BLOCK = 16  # bits
_TOGETHER = 1 << 12  # positions that are computed at once


def _left(x, count, bits):
    return ((x << count) | (x >> (bits - count))) & ((1 << bits) - 1)


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


def _turned(x, count, half, mask):
    return (x << count | x >> (half - count & 63)) & mask


def _round(x, half, mask):
    return _turned(x, 1, half, mask) & _turned(x, 8, half, mask) ^ _turned(x, 2, half, mask)


def _encrypted(number, keys, half, mask):
    # Two rounds leave the halves in their places, so that none need be swapped.
    left, right = number >> (half & 63) & mask, number & mask
    for i in range(0, len(keys), 2):
        left ^= _round(right, half, mask) ^ keys[i]
        right ^= _round(left, half, mask) ^ keys[i + 1]
    return left << (half & 63) | right


# Half of a block has at most 32 bits: `& 63` changes nothing, and shows the kernel that no shift is by more.
@kernel("numbers: uint64[count], keys: uint64[rounds], half: uint64, largest: int64")
def walk(numbers, keys, half, largest):
    """Replaces each number by the next one on its cycle of the cipher that is at most `largest`, the bits of a uint64."""
    mask, most = ~np.uint64(0) >> 64 - half, np.uint64(largest)
    for i in range(len(numbers)):
        number = _encrypted(numbers[i], keys, half, mask)
        # It ends: the cycle returns to the number itself. The block has two bits more than the range, so few steps are expected.
        while number > most:
            number = _encrypted(number, keys, half, mask)
        numbers[i] = number


def shuffled(indices, key, largest, rounds):
    """The positions of indices in the permutation of 0 ... `largest` given by a key of three words."""
    half = _half_block(largest)
    positions = np.array(indices, np.uint64)
    signed = np.array(largest, np.uint64).astype(np.int64)  # the same bits
    walk(positions, np.array(_keys(key, rounds, half), np.uint64), half, int(signed))
    return positions


def permutation(key, largest, rounds):
    """Yields the position of each number in the same permutation."""
    for begin in range(0, largest + 1, _TOGETHER):
        end = min(begin + _TOGETHER, largest + 1)
        yield from shuffled(range(begin, end), key, largest, rounds).tolist()


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
            positions = shuffled(index.reshape(-1), keys.tolist(), top, self.rounds)
            return positions.astype(kind).reshape(index.shape)
        indices, tops = (np.broadcast_to(x, (count,)).tolist() for x in (index, max_index))
        rows = np.broadcast_to(keys, (count, 3)).tolist()
        every = zip(indices, rows, tops, strict=True)
        positions = [shuffled([at], key, top, self.rounds)[0] for at, key, top in every]
        return np.array(positions, np.uint64).astype(kind)

    def _check_range(self, index, max_index):
        for name, numbers in (("index", index), ("max_index", max_index)):
            if numbers.size and numbers.min() < 0:
                raise self.invalid(f"{name} must be >= 0 but was {numbers[numbers < 0].flat[0]}")
        beyond = index > max_index
        if np.any(beyond):
            i, top = (np.broadcast_to(x, beyond.shape)[beyond][0] for x in (index, max_index))
            raise self.invalid(f"max_index must be >= index, but {top} < {i}")
