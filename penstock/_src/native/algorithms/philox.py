"""Blocks of a Philox stream at any offsets, and from them Poisson numbers of small rates, binomial numbers, and classes.

Sources: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Knuth, TAOCP vol. 2, 3.4.1.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import python_calls as py
from ..builtins import compiled
from ..language.function import Fn
from ..language.module import Module
from ..language.types import F64, I32, I64, PTR
from ..language.value import Val

ROUNDS = 10
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85  # added to the halves of the key after each round
_LOW = 0xFFFFFFFF
_ONE = 1023 << 52  # the bits of 1.0


class Philox(NamedTuple):
    """Builtins. `key` and the halves of the counter are int64 of the bits of uint64.

    blocks (key, low, high, offsets, count, words [count, 4] of uint32) -> 0
    products (key, low, high, offsets, count, least [count] of float64, counts [count] of float64) -> 0; the number of uniform
        numbers multiplied until the product is at most `least`, without the last. The two of a block are used from last
        to first.
    successes (key, low, high, offsets, count, trials [count] of float64, logarithms [count] of float64 of the probabilities of failure, successes [count] of float64) -> 0;
        the number of waiting times, each from a uniform number, whose sum is at most the number of trials. Probabilities of success are neither 0 nor 1.
    classes (key, low, high, weights [rows, columns] of float64, rows, columns, samples, numbers [rows, samples] of int64) -> 0; the number
        of the row's running sums that are at most a uniform number times its total. The weights become the running sums.
    """

    blocks: Callable[..., int]
    products: Callable[..., int]
    successes: Callable[..., int]
    classes: Callable[..., int]


@compiled(Philox)
def philox(m: Module) -> None:
    """The functions, compiled."""
    emit_block(m)
    _emit_blocks(m)
    _emit_products(m)
    _emit_successes(m)
    _emit_classes(m)
    py.emit_entry(m, "blocks", "nnnana")
    py.emit_entry(m, "products", "nnnanaa")
    py.emit_entry(m, "successes", "nnnanaaa")
    py.emit_entry(m, "classes", "nnnannna")


def emit_block(m: Module) -> None:
    """`block` (key, low, high, offset, words): the four words of the block `offset` after the counter."""
    arguments: Any = dict(key=I64, low=I64, high=I64, offset=I64, words=PTR)
    with m.fn("block", ret=I64, internal=True, **arguments) as f:
        low = f.offset + f.low
        # The counter has 128 bits: a sum that is smaller than a term has carried.
        carried = f.compare("ult", low, f.offset)
        high = f.high + f.convert(carried, I64, signed=False)
        c0, c1 = low & _LOW, f.binary("lshr", low, 32)
        c2, c3 = high & _LOW, f.binary("lshr", high, 32)
        key0, key1 = f.key & _LOW, f.binary("lshr", f.key, 32)
        for _ in range(ROUNDS):
            a, b = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
            c0 = f.binary("lshr", b, 32) ^ c1 ^ key0
            c2 = f.binary("lshr", a, 32) ^ c3 ^ key1
            c1, c3 = b & _LOW, a & _LOW
            key0, key1 = (key0 + WEYL[0]) & _LOW, (key1 + WEYL[1]) & _LOW
        for at, word in enumerate((c0, c1, c2, c3)):
            f.store(f.convert(word, I32), f.words, at)
        f.give(f.i64(0))


def _emit_blocks(m: Module) -> None:
    arguments: Any = dict(key=I64, low=I64, high=I64, offsets=PTR, count=I64, words=PTR)
    with m.fn("blocks", ret=I64, internal=True, **arguments) as f:

        def one(i: Val) -> None:
            offset = f.load(f.offsets, i, I64)
            f.call("block", f.key, f.low, f.high, offset, f.at(f.words, i * 16), ret=I64)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))


def _uniform(f: Fn, first: Val, second: Val) -> Val:
    """A double of [0, 1) from two words."""
    # The 52 bits become the fraction of a number of [1, 2).
    bits = (first & 0xFFFFF) << 32 | second | _ONE
    return f.bits(bits, F64) - 1.0


def _uniforms(f: Fn, offset: Val, words: Val) -> tuple[Val, Val]:
    """The two numbers of a block in the order of their use, which is TensorFlow's; `words` is room for it."""
    _block(f, offset, words)
    w = [f.convert(f.load(words, at, I32), I64, signed=False) for at in range(4)]
    return _uniform(f, w[2], w[3]), _uniform(f, w[0], w[1])


def _block(f: Fn, offset: Val, words: Val) -> None:
    f.call("block", f.key, f.low, f.high, offset, words, ret=I64)


def _emit_products(m: Module) -> None:
    arguments: Any = dict(key=I64, low=I64, high=I64, offsets=PTR, count=I64, least=PTR, counts=PTR)
    with m.fn("products", ret=I64, internal=True, **arguments) as f:
        words = f.alloca(I32, 4)

        def one(i: Val) -> None:
            least = f.load(f.least, i, F64)

            def block(offset: Val, product: Val, number: Val, _: Val) -> tuple[Val, ...]:
                u, v = _uniforms(f, offset, words)
                once = product * u
                twice = once * v
                first, second = once <= least, twice <= least
                more = f.select(first, number, f.select(second, number + 1, number + 2))
                return offset + 1, twice, more, f.convert(first | second, I64, signed=False)

            offset = f.load(f.offsets, i, I64)
            _, _, number, _ = f.loop_while(
                lambda _, __, ___, done: done.eq(0),
                block,
                offset,
                f.const(1.0, F64),
                f.i64(0),
                f.i64(0),
            )
            f.store(f.convert(number, F64), f.counts, i)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))


def _emit_successes(m: Module) -> None:
    arguments: Any = dict(key=I64, low=I64, high=I64, offsets=PTR, count=I64)
    arguments |= dict(trials=PTR, logarithms=PTR, successes=PTR)
    with m.fn("successes", ret=I64, internal=True, **arguments) as f:
        words = f.alloca(I32, 4)

        def one(i: Val) -> None:
            trials, logarithm = f.load(f.trials, i, F64), f.load(f.logarithms, i, F64)

            def after(total: Val, u: Val) -> Val:
                waited = f.binary("div", f.call("log", u, ret=F64), logarithm)
                return total + f.intrinsic("ceil", waited)

            def block(offset: Val, total: Val, number: Val) -> tuple[Val, ...]:
                u, v = _uniforms(f, offset, words)
                once = after(total, u)
                twice = after(once, v)
                first, second = (f.convert(t <= trials, F64, signed=False) for t in (once, twice))
                return offset + 1, twice, number + first + second

            offset = f.load(f.offsets, i, I64)
            _, _, number = f.loop_while(
                lambda _, total, __: total <= trials, block, offset, f.zero(F64), f.zero(F64)
            )
            f.store(number, f.successes, i)

        f.loop(f.i64(0), f.count, 1, one)
        f.give(f.i64(0))


def _emit_classes(m: Module) -> None:
    arguments: Any = dict(key=I64, low=I64, high=I64, weights=PTR, rows=I64, columns=I64)
    arguments |= dict(samples=I64, numbers=PTR)
    with m.fn("classes", ret=I64, internal=True, **arguments) as f:
        words = f.alloca(I32, 4)

        def row(r: Val) -> None:
            begin = r * f.columns

            def add(at: Val, total: Val) -> tuple[Val, ...]:
                total = f.binary("add", total, f.load(f.weights, at, F64))
                f.store(total, f.weights, at)
                return (total,)

            (total,) = f.loop(begin, begin + f.columns, 1, add, f.zero(F64))

            def draw(k: Val) -> None:
                # A block has the words of two numbers.
                half = k & 1
                is_new = half.eq(0) | k.eq(r * f.samples)
                offset = f.binary("lshr", k, 1)
                f.when(is_new, lambda: _block(f, offset, words))
                pair = [
                    f.convert(f.load(words, half * 2 + at, I32), I64, signed=False) for at in (0, 1)
                ]
                number = _count_up_to(f, begin, f.binary("mul", _uniform(f, *pair), total))
                f.store(number, f.numbers, k)

            f.loop(r * f.samples, (r + 1) * f.samples, 1, draw)

        f.loop(f.i64(0), f.rows, 1, row)
        f.give(f.i64(0))


def _count_up_to(f: Fn, begin: Val, point: Val) -> Val:
    """The number of the row's running sums that are at most `point`, found by halves."""

    def halve(low: Val, high: Val) -> tuple[Val, ...]:
        middle = f.binary("lshr", low + high, 1)
        is_passed = f.load(f.weights, begin + middle, F64) <= point
        return f.select(is_passed, middle + 1, low), f.select(is_passed, high, middle)

    low, _ = f.loop_while(lambda low, high: low < high, halve, f.i64(0), f.columns)
    return low
