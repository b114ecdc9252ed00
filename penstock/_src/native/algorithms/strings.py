"""Functions from strings to numbers: keyed hashes, character counts, and parsed numbers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I8, I64, PTR
from ..language.value import Val
from ..readers import decimals
from ..readers.fingerprints import remainder


class StringNumbers(NamedTuple):
    """Builtins over arrays of bytes objects.

    keyed_buckets (strings, number, key int64 [2], count, buckets int64) -> 0; SipHash-2-4 modulo the number of buckets
    murmur_buckets (strings, number, count, buckets int64) -> 0; MurmurHash64A with TensorFlow's seed
    characters (strings, number, counts int64) -> 0; the bytes of UTF-8 that begin a character
    decimals, integers (strings, number, values float64 or int64, valid int64) -> the number of invalid strings, which are left to the caller
    """

    keyed_buckets: Callable[..., int]
    murmur_buckets: Callable[..., int]
    characters: Callable[..., int]
    decimals: Callable[..., int]
    integers: Callable[..., int]


@compiled(StringNumbers)
def string_numbers(m: Module) -> None:
    """The functions, compiled."""
    decimals.emit(m)
    _emit_siphash(m)
    _emit_murmur(m)
    _emit_each(m, "keyed_buckets", _keyed_hash, key=PTR, count=I64)
    _emit_each(m, "murmur_buckets", _murmur_hash, count=I64)
    _emit_each(m, "characters", _characters)
    _emit_numbers(m, "decimals", "decimal", F64)
    _emit_numbers(m, "integers", "integer", I64)
    py.emit_entry(m, "keyed_buckets", "anana", holds_gil=True)
    py.emit_entry(m, "murmur_buckets", "anna", holds_gil=True)
    py.emit_entry(m, "characters", "ana", holds_gil=True)
    py.emit_entry(m, "decimals", "anaa", holds_gil=True)
    py.emit_entry(m, "integers", "anaa", holds_gil=True)


def _string(f: Fn, i: Val) -> tuple[Val, Val]:
    """The address and size of a string."""
    return py.bytes_parts(f, f.load(f.strings, i, PTR))


def _rounds(f: Fn, v: tuple[Val, ...], count: int) -> tuple[Val, ...]:
    def left(value: Val, shift: int) -> Val:
        return f.intrinsic("fshl", value, value, shift, ty=I64)

    a, b, c, d = v
    for _ in range(count):
        a, c = a + b, c + d
        b, d = left(b, 13) ^ a, left(d, 16) ^ c
        a, c = left(a, 32) + d, c + b
        d, b = left(d, 21) ^ a, left(b, 17) ^ c
        c = left(c, 32)
    return a, b, c, d


def _emit_siphash(m: Module) -> None:
    """`siphash` (data, size, first and second half of the key) -> hash."""
    with m.fn("siphash", ret=I64, internal=True, data=PTR, count=I64, low=I64, high=I64) as f:
        word = f.alloca(I64)

        def mixed(value: Val, *v: Val) -> tuple[Val, ...]:
            a, b, c, d = _rounds(f, (*v[:3], v[3] ^ value), 2)
            return a ^ value, b, c, d

        def block(i: Val, *v: Val) -> tuple[Val, ...]:
            f.memcpy(word, f.at(f.data, i * 8), 8)
            return mixed(f.load(word, 0, I64), *v)

        start = (
            f.low ^ 0x736F6D6570736575, f.high ^ 0x646F72616E646F6D,
            f.low ^ 0x6C7967656E657261, f.high ^ 0x7465646279746573,
        )  # fmt: skip
        whole = f.count >> 3
        v = f.loop(f.i64(0), whole, 1, block, *start)
        # The last word has at most seven bytes; the eighth is the size, modulo 256.
        v = mixed(_last_word(f, f.data, f.count) | (f.count << 56), *v)
        a, b, c, d = _rounds(f, (v[0], v[1], v[2] ^ 0xFF, v[3]), 4)
        f.give(a ^ b ^ c ^ d)


def _emit_each(m: Module, name: str, value_of: Callable[[Fn, Val, Val], Val], **more: str) -> None:
    """A function (strings, number, ..., found) that stores a word for the bytes and size of each string; the word modulo `count` if that is an argument."""
    arguments: Any = dict(strings=PTR, number=I64, **more, found=PTR)
    with m.fn(name, ret=I64, internal=True, **arguments) as f:
        result = remainder(f, f.count) if "count" in more else lambda value: value

        def one(i: Val) -> None:
            f.store(result(value_of(f, *_string(f, i))), f.found, i)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))


def _keyed_hash(f: Fn, data: Val, size: Val) -> Val:
    key = [f.load(f.key, k, I64) for k in range(2)]
    return f.call("siphash", data, size, *key, ret=I64)


def _last_word(f: Fn, data: Val, size: Val) -> Val:
    """The last bytes of a bytes object, fewer than eight, as a word whose upper bytes are 0."""
    # The object's header is before its bytes: eight bytes before their end can be read. A shift by 64 would be undefined.
    word, rest = f.alloca(I64), size & 7
    f.memcpy(word, f.at(data, size - 8), 8)
    shifted = f.binary("lshr", f.load(word, 0, I64), ((8 - rest) & 7) << 3)
    return f.select(rest.eq(0), f.i64(0), shifted)


_MURMUR_FACTOR = 0xC6A4A7935BD1E995 - (1 << 64)  # as a signed word
_MURMUR_SEED = 0xDECAFCAFFE  # TensorFlow's, so that strings fall into the same buckets


def _emit_murmur(m: Module) -> None:
    """`murmur` (data, size) -> hash: MurmurHash64A, words in little-endian order (Austin Appleby, MurmurHash2)."""
    with m.fn("murmur", ret=I64, internal=True, data=PTR, count=I64) as f:
        word = f.alloca(I64)

        def folded(value: Val) -> Val:
            return value ^ f.binary("lshr", value, 47)

        def block(i: Val, value: Val) -> tuple[Val, ...]:
            f.memcpy(word, f.at(f.data, i * 8), 8)
            k = folded(f.load(word, 0, I64) * _MURMUR_FACTOR)
            return ((value ^ k * _MURMUR_FACTOR) * _MURMUR_FACTOR,)

        whole, rest = f.count >> 3, f.count & 7
        (value,) = f.loop(f.i64(0), whole, 1, block, f.count * _MURMUR_FACTOR ^ _MURMUR_SEED)

        def last() -> tuple[Val, ...]:
            return ((value ^ _last_word(f, f.data, f.count)) * _MURMUR_FACTOR,)

        (value,) = f.when(rest.ne(0), last, lambda: (value,))
        f.give(folded(folded(value) * _MURMUR_FACTOR))


def _murmur_hash(f: Fn, data: Val, size: Val) -> Val:
    return f.call("murmur", data, size, ret=I64)


def _characters(f: Fn, data: Val, size: Val) -> Val:
    def byte(at: Val, count: Val) -> tuple[Val, ...]:
        # All bytes of a character but its first are 10xxxxxx.
        begins = (f.load(data, at, I8) & 0xC0).ne(0x80)
        return (count + f.convert(begins, I64, signed=False),)

    return f.loop(f.i64(0), size, 1, byte, f.i64(0))[0]


def _emit_numbers(m: Module, name: str, of_one: str, ty: str) -> None:
    arguments: Any = dict(strings=PTR, number=I64, values=PTR, valid=PTR)
    with m.fn(name, ret=I64, internal=True, **arguments) as f:

        def one(i: Val, wrong: Val) -> tuple[Val, ...]:
            data, size = _string(f, i)
            # Numbers may be read with the eight bytes before them, which are the object's header.
            begin = f.i64(8)
            data, end = f.at(data, -8), begin + size
            value = f.call(of_one, data, begin, end, f.at(f.valid, i, I64), ret=ty)
            f.store(value, f.values, i)
            return (wrong + (1 - f.load(f.valid, i, I64)),)

        (wrong,) = f.loop(f.i64(0), f.number, 1, one, f.i64(0))
        f.give(wrong)
