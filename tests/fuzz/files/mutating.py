"""Damage: flipped bits, cuts, insertions, repetitions, and numbers that are blown up."""

import random
import struct
from collections.abc import Callable

_LARGE = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]  # fmt: skip
_VARINTS = [b"\xff" * 9 + b"\x01", b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x07", b"\x80" * 12]


def _flip(choice: random.Random, data: bytearray) -> None:
    for _ in range(choice.choice([1, 1, 1, 2, 8])):
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)


def _cut(choice: random.Random, data: bytearray) -> None:
    at = choice.randrange(len(data))
    if choice.random() < 0.5:
        del data[at:]
    else:
        del data[at : at + choice.randint(1, 40)]


def _insert(choice: random.Random, data: bytearray) -> None:
    at = choice.randrange(len(data) + 1)
    data[at:at] = choice.randbytes(choice.choice([1, 2, 4, 100]))


def _repeat(choice: random.Random, data: bytearray) -> None:
    at = choice.randrange(len(data))
    part = bytes(data[at : at + choice.choice([1, 8, 64, 1000])])
    data[at:at] = part * choice.choice([1, 2, 50])


def _blow_up(choice: random.Random, data: bytearray) -> None:
    size = choice.choice([1, 2, 4, 8])
    at = choice.randrange(max(1, len(data) - size))
    number = choice.choice(_LARGE) & ((1 << 8 * size) - 1)
    form = {1: "B", 2: "H", 4: "I", 8: "Q"}[size]
    data[at : at + size] = struct.pack(choice.choice("<>") + form, number)


def _blow_up_varint(choice: random.Random, data: bytearray) -> None:
    at = choice.randrange(len(data))
    data[at : at + 1] = choice.choice(_VARINTS)


def _zero(choice: random.Random, data: bytearray) -> None:
    at = choice.randrange(len(data))
    part = data[at : at + choice.choice([1, 8, 200])]
    data[at : at + len(part)] = bytes(len(part))


def _swap(choice: random.Random, data: bytearray) -> None:
    one, other = sorted(choice.randrange(len(data)) for _ in range(2))
    size = min(choice.choice([1, 4, 30]), other - one)
    first, second = data[one : one + size], data[other : other + size]
    data[one : one + size], data[other : other + size] = second, first


WAYS: list[Callable[[random.Random, bytearray], None]] = [
    _flip, _flip, _cut, _insert, _repeat, _blow_up, _blow_up, _blow_up_varint, _zero, _swap,
]  # fmt: skip


def damaged(choice: random.Random, data: bytes) -> bytes:
    """Returns the data with one to three kinds of damage."""
    made = bytearray(data)
    for _ in range(choice.choice([1, 1, 2, 3])):
        if not made:
            return choice.randbytes(choice.randint(0, 40))
        choice.choice(WAYS)(choice, made)
    return bytes(made)
