"""FarmHash's Fingerprint64 of whole arrays of strings; `ops/strings/fingerprint.py` describes the steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from penstock._src.util.dataclass import dataclass

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR
from ..language.value import Val
from .doubles import high_product

_BLOCK = 64  # bytes processed at a time
_SEED = 81


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


_MASK = (1 << 64) - 1
_K0, _K1, _K2 = map(_signed, (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))


class Fingerprints(NamedTuple):
    """Builtins over arrays of bytes objects.

    hashes (strings, number, hashes int64) -> 0
    buckets (strings, number, count, buckets int64) -> 0; the hashes modulo the number of buckets
    """

    hashes: Callable[..., int]
    buckets: Callable[..., int]


@compiled(Fingerprints)
def fingerprints(m: Module) -> None:
    """The functions, compiled."""
    emit(m)
    _emit_all(m, "hashes")
    _emit_all(m, "buckets", count=I64)
    py.emit_entry(m, "hashes", "ana", holds_gil=True)
    py.emit_entry(m, "buckets", "anna", holds_gil=True)


def emit(m: Module) -> None:
    """Adds `fingerprint` to a module: (data, count) -> hash."""
    _emit_combine(m)
    of_lengths = {
        "up_to_16": _up_to_16,
        "up_to_32": _up_to_32,
        "up_to_64": _up_to_64,
        "of_more": _of_more,
    }
    for name, give in of_lengths.items():
        with m.fn(name, ret=I64, internal=True, data=PTR, count=I64) as f:
            f.give(give(f))
    with m.fn("fingerprint", ret=I64, internal=True, data=PTR, count=I64) as f:

        def by(name: str) -> Callable[[], tuple[Val, ...]]:
            return lambda: (f.call(name, f.data, f.count, ret=I64),)

        def long() -> tuple[Val, ...]:
            return f.when(f.count <= _BLOCK, by("up_to_64"), by("of_more"))

        def longer() -> tuple[Val, ...]:
            return f.when(f.count <= 32, by("up_to_32"), long)

        (hash_value,) = f.when(f.count <= 16, by("up_to_16"), longer)
        f.give(hash_value)


def _word(f: Fn, at: Val | int) -> Val:
    """Eight bytes, at any address."""
    copy = f.alloca(I64)
    f.memcpy(copy, f.at(f.data, at), 8)
    return f.load(copy, 0, I64)


def _half(f: Fn, at: Val | int) -> Val:
    copy = f.alloca(I32)
    f.memcpy(copy, f.at(f.data, at), 4)
    return f.convert(f.load(copy, 0, I32), I64, signed=False)


def _byte(f: Fn, at: Val | int) -> Val:
    return f.convert(f.load(f.data, at, I8), I64, signed=False)


def _rotate(f: Fn, value: Val, shift: int) -> Val:
    return f.intrinsic("fshr", value, value, shift, ty=I64)


def _mix(f: Fn, value: Val) -> Val:
    return value ^ f.binary("lshr", value, 47)


def _emit_combine(m: Module) -> None:
    with m.fn("combine", ret=I64, internal=True, u=I64, v=I64, multiplier=I64) as f:
        a = _mix(f, (f.u ^ f.v) * f.multiplier)
        f.give(_mix(f, (f.v ^ a) * f.multiplier) * f.multiplier)


def _combine(f: Fn, u: Val, v: Val, multiplier: Val) -> Val:
    return f.call("combine", u, v, multiplier, ret=I64)


def _up_to_16(f: Fn) -> Val:
    n, multiplier = f.count, f.count * 2 + _K2

    def eight() -> tuple[Val, ...]:
        a, b = _word(f, 0) + _K2, _word(f, n - 8)
        c = _rotate(f, b, 37) * multiplier + a
        d = (_rotate(f, a, 25) + b) * multiplier
        return (_combine(f, c, d, multiplier),)

    def four() -> tuple[Val, ...]:
        return (_combine(f, n + (_half(f, 0) << 3), _half(f, n - 4), multiplier),)

    def some() -> tuple[Val, ...]:
        y = _byte(f, 0) + (_byte(f, n >> 1) << 8)
        z = n + (_byte(f, n - 1) << 2)
        return (_mix(f, (y * _K2) ^ (z * _K0)) * _K2,)

    def fewer() -> tuple[Val, ...]:
        return f.when(n >= 4, four, lambda: f.when(n > 0, some, lambda: (f.i64(_K2),)))

    return f.when(n >= 8, eight, fewer)[0]


def _halves(f: Fn, a: Val, b: Val, c: Val, d: Val) -> tuple[Val, Val]:
    first = _rotate(f, a + b, 43) + _rotate(f, c, 30) + d
    return first, a + _rotate(f, b + _K2, 18) + c


def _up_to_32(f: Fn) -> Val:
    n, multiplier = f.count, f.count * 2 + _K2
    a, b = _word(f, 0) * _K1, _word(f, 8)
    c, d = _word(f, n - 8) * multiplier, _word(f, n - 16) * _K2
    return _combine(f, *_halves(f, a, b, c, d), multiplier)


def _up_to_64(f: Fn) -> Val:
    n, multiplier = f.count, f.count * 2 + _K2
    a, b = _word(f, 0) * _K2, _word(f, 8)
    c, d = _word(f, n - 8) * multiplier, _word(f, n - 16) * _K2
    y, rest = _halves(f, a, b, c, d)
    z = _combine(f, y, rest, multiplier)
    e, g = _word(f, 16) * multiplier, (y + _word(f, n - 32)) * multiplier
    h, i = _word(f, 24), (z + _word(f, n - 24)) * multiplier
    first = _rotate(f, e + h, 43) + _rotate(f, g, 30) + i
    return _combine(f, first, e + _rotate(f, h + a, 18) + g, multiplier)


@dataclass(frozen=True)
class _State:
    """The seven words of a long string's hash."""

    x: Val
    y: Val
    z: Val
    v: tuple[Val, Val]
    w: tuple[Val, Val]

    def words(self) -> tuple[Val, ...]:
        return (self.x, self.y, self.z, *self.v, *self.w)

    @classmethod
    def of(cls, words: Sequence[Val]) -> "_State":
        x, y, z, *rest = words
        return cls(x, y, z, (rest[0], rest[1]), (rest[2], rest[3]))


def _of_more(f: Fn) -> Val:
    """The hash of more than 64 bytes: whole blocks, then the last 64 bytes, which overlap the last block."""
    n = f.count
    y = f.i64(_signed((_SEED * (_K1 & _MASK) + 113) & _MASK))
    z = _mix(f, y * _K2 + 113) * _K2
    x = _word(f, 0) + _signed((_SEED * (_K2 & _MASK)) & _MASK)
    zero = f.i64(0)
    state = _State(x, y, z, (zero, zero), (zero, zero))
    k1 = f.i64(_K1)

    def block(at: Val, *words: Val) -> tuple[Val, ...]:
        return _taken_in(f, at, _State.of(words), k1, 1).words()

    end = ((n - 1) >> 6) << 6
    state = _State.of(f.loop(zero, end, _BLOCK, block, *state.words()))
    multiplier = k1 + ((state.z & 0xFF) << 1)
    w0 = state.w[0] + ((n - 1) & 63)
    v0 = state.v[0] + w0
    state = replace(state, v=(v0, state.v[1]), w=(w0 + v0, state.w[1]))
    last = _taken_in(f, n - _BLOCK, state, multiplier, 9)
    first = _combine(f, last.v[0], last.w[0], multiplier) + _mix(f, last.y) * _K0 + last.z
    second = _combine(f, last.v[1], last.w[1], multiplier) + last.x
    return _combine(f, first, second, multiplier)


def _taken_in(f: Fn, at: Val, s: _State, multiplier: Val, weight: int) -> _State:
    """The state after a block. `weight` is the weight of two of the words."""
    x = _rotate(f, s.x + s.y + s.v[0] + _word(f, at + 8), 37) * multiplier
    y = _rotate(f, s.y + s.v[1] + _word(f, at + 48), 42) * multiplier
    x = x ^ (s.w[1] * weight)
    y = y + s.v[0] * weight + _word(f, at + 40)
    z = _rotate(f, s.z + s.w[0], 33) * multiplier
    v = _weak(f, at, s.v[1] * multiplier, x + s.w[0])
    w = _weak(f, at + 32, z + s.w[1], y + _word(f, at + 16))
    return _State(z, y, x, v, w)


def _weak(f: Fn, at: Val, a: Val, b: Val) -> tuple[Val, Val]:
    """32 bytes mixed into two words."""
    w, x, y, z = (_word(f, at + 8 * i) for i in range(4))
    a = a + w
    b = _rotate(f, b + a + z, 21)
    more = a + x + y
    b = b + _rotate(f, more, 44)
    return more + z, b + a


def _emit_all(m: Module, name: str, **more: str) -> None:
    arguments: Any = dict(strings=PTR, number=I64, **more, found=PTR)
    with m.fn(name, ret=I64, internal=True, **arguments) as f:
        result = remainder(f, f.count) if more else lambda value: value

        def one(i: Val) -> None:
            data, count = py.bytes_parts(f, f.load(f.strings, i, PTR))
            f.store(result(f.call("fingerprint", data, count, ret=I64)), f.found, i)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def remainder(f: Fn, divisor: Val) -> Callable[[Val], Val]:
    """A function from an unsigned word to its remainder, by products with the reciprocal (Barrett 1986): a division would take as long as a short string's hash."""
    reciprocal = f.binary("udiv", f.i64(-1), divisor)

    def result(word: Val) -> Val:
        # The quotient is exact or one too small: the reciprocal is at most 1 below 2^64 / divisor.
        rest = word - high_product(f, word, reciprocal) * divisor
        return f.select(f.compare("uge", rest, divisor), rest - divisor, rest)

    return result
