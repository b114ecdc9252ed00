"""FarmHash's Fingerprint64 of whole arrays of strings; `ops/strings/fingerprint.py` says what the steps are."""

import functools
from collections.abc import Callable
from typing import Any

from .. import python_calls as py
from ..code import Code
from ..kernels import kernels
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I8, I32, I64, PTR
from ..language.value import Val

LONGEST = 64  # bytes of the strings that are hashed here


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


_K0, _K1, _K2 = map(_signed, (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))


@functools.cache
def fingerprints() -> Callable[..., int]:
    """A builtin (strings, number, hashes, marks) -> number of marks: the places of strings that are too long."""
    m = Module()
    emit(m)
    _emit_all(m)
    py.emit_entry(m, "fingerprints", "anaa", holds_gil=True)
    library = kernels()[Code.of(m)]
    _libraries.append(library)
    return py.builtin(library["py_fingerprints"], "fingerprints")


_libraries: list = []  # kept alive: the builtin holds its address


def emit(m: Module) -> None:
    """Adds `fingerprint` to a module: (data, count) -> hash, of at most LONGEST bytes."""
    _emit_combine(m)
    for name, give in (("up_to_16", _up_to_16), ("up_to_32", _up_to_32), ("up_to_64", _up_to_64)):
        with m.fn(name, ret=I64, internal=True, data=PTR, count=I64) as f:
            f.give(give(f))
    with m.fn("fingerprint", ret=I64, internal=True, data=PTR, count=I64) as f:

        def by(name: str) -> Callable[[], tuple[Val, ...]]:
            return lambda: (f.call(name, f.data, f.count, ret=I64),)

        def longer() -> tuple[Val, ...]:
            return f.when(f.count <= 32, by("up_to_32"), by("up_to_64"))

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


def _emit_all(m: Module) -> None:
    arguments: Any = dict(strings=PTR, number=I64, hashes=PTR, marks=PTR)
    with m.fn("fingerprints", ret=I64, internal=True, **arguments) as f:

        def one(i: Val, marked: Val) -> tuple[Val, ...]:
            string = f.load(f.strings, i, PTR)
            data = f.call("PyBytes_AsString", string, ret=PTR)
            count = f.call("PyBytes_Size", string, ret=I64)

            def short() -> tuple[Val, ...]:
                return (f.call("fingerprint", data, count, ret=I64),)

            (hash_value,) = f.when(count <= LONGEST, short, lambda: (f.i64(0),))
            f.store(hash_value, f.hashes, i)
            f.store(i, f.marks, marked)
            return (marked + f.convert(count > LONGEST, I64),)

        (marked,) = f.loop(f.i64(0), f.number, 1, one, f.i64(0))
        f.give(marked)
