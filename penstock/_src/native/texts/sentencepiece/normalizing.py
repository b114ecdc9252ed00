"""Normalizes strings by the rules of a SentencePiece model."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import load
from ...language.module import Module
from ...language.types import I8, I32, I64, PTR
from ...language.value import Val
from .. import tries, utf8
from ..table import DONE, LARGER, REPORT, STRING, WRITTEN
from ..words import stop

_SPACE = 0x20
_SYMBOL = "\u2581".encode()
_REPLACEMENT = "\ufffd".encode()
_ADDS_BEFORE, _ADDS_BEHIND, _REMOVES, _ESCAPES, _REPLACEMENT_AT = range(5)


class _Functions(NamedTuple):
    """Builtins.

    normalize (strings, number, units of the symbols, their number, units of the rules, their number, replacements, options, state, buffer, origins, capacity, splits) -> 0
    """

    normalize: Callable[..., int]


class Normalized(NamedTuple):
    """Strings, one after the other with a zero behind each.

    Attributes:
      data: uint8.
      origins: the byte of its string that each byte comes from; that of a zero is the end.
      splits: where each string begins, and where the last one ends.
    """

    data: np.ndarray
    origins: np.ndarray
    splits: np.ndarray


class Normalizer:
    """Normalizes strings.

    Args:
      symbols: units of a trie of texts that stay as they are.
      rules: units of a trie with the begins of replacements as values.
      replacements: each ends with a zero.
      adds_before: whether a space is put before each string.
      adds_behind: whether one is put behind it.
      removes: whether spaces at both ends and repeated ones are left out.
      escapes: whether spaces become the symbol for them.
    """

    def __init__(
        self,
        symbols: np.ndarray,
        rules: np.ndarray,
        replacements: bytes,
        adds_before: bool,
        adds_behind: bool,
        removes: bool,
        escapes: bool,
    ) -> None:
        self._symbols, self._rules = np.ascontiguousarray(symbols), np.ascontiguousarray(rules)
        held = replacements + b"\0" + _REPLACEMENT + b"\0"
        self._replacements = np.frombuffer(held, np.uint8)
        at = len(replacements) + 1
        self._options = np.array([adds_before, adds_behind, removes, escapes, at], np.int64)

    def normalized(self, strings: np.ndarray) -> Normalized:
        """The strings of a contiguous vector, normalized."""
        count = len(strings)
        capacity = 2 * sum(map(len, strings.tolist())) + 8 * count + 256
        data, origins = np.empty(capacity, np.uint8), np.empty(capacity, np.int32)
        splits, state = np.zeros(count + 1, np.int64), np.zeros(4, np.int64)
        while True:
            _functions().normalize(
                strings, count, self._symbols, len(self._symbols), self._rules, len(self._rules),
                self._replacements, self._options, state, data, origins, capacity, splits,
            )  # fmt: skip
            if state[REPORT] == DONE:
                return Normalized(data, origins, splits)
            capacity *= 2
            data = np.append(data, np.empty_like(data))
            origins = np.append(origins, np.empty_like(origins))


@functools.cache
def _functions() -> _Functions:
    m = Module()
    utf8.emit_longer(m)
    tries.emit_longest(m)
    _emit_prefix(m)
    _emit_normalize(m)
    py.emit_entry(m, "normalize", "anananaaaaana", holds_gil=True)
    return load(m, _Functions)


def _emit_prefix(m: Module) -> None:
    """`prefix` (data, position, end, tries, replacements, where U+FFFD stands in them, into [3]) -> 0; what stands at a position: its address, its size, and the bytes that it takes."""
    arguments: Any = dict(
        data=PTR, begin=I64, end=I64, symbols=PTR, symbol_units=I64, rules=PTR, rule_units=I64,
        replacements=PTR, malformed=I64, into=PTR,
    )  # fmt: skip
    with m.fn("prefix", ret=I64, internal=True, **arguments) as f:
        held = f.alloca(I64)
        here = f.at(f.data, f.begin)

        def longest(units: Val, count: Val) -> Val:
            (end,) = f.when(
                count > 0,
                lambda: (
                    f.call(
                        "longest", units, count, f.i64(0), f.data, f.begin, f.end, held, ret=I64
                    ),
                ),
                lambda: (f.i64(tries.NOTHING),),
            )
            return end

        def size_of(text: Val) -> Val:
            (size,) = f.loop_while(
                lambda size: f.load(text, size, I8).ne(0), lambda size: (size + 1,), f.i64(0)
            )
            return size

        def by_rule(end: Val) -> tuple[Val, ...]:
            # Behind the last replacement there is a zero.
            place = f.min(f.load(held, 0, I64), f.malformed - 1)
            text = f.at(f.replacements, place)
            return text, size_of(text), end - f.begin

        def character() -> tuple[Val, ...]:
            point, taken = utf8.character(f, f.data, f.begin)
            return f.when(
                point < 0,
                lambda: (
                    f.at(f.replacements, f.malformed), f.i64(len(_REPLACEMENT)), f.i64(1),
                ),
                lambda: (here, taken, taken),
            )  # fmt: skip

        def other() -> tuple[Val, ...]:
            end = longest(f.rules, f.rule_units)
            return f.when(end >= 0, lambda: by_rule(end), character)

        symbol = longest(f.symbols, f.symbol_units)
        size = symbol - f.begin
        text, size, taken = f.when(symbol >= 0, lambda: (here, size, size), other)
        f.store(text, f.into, 0)
        f.store(size, f.into, 1)
        f.store(taken, f.into, 2)
        f.give(f.i64(0))


def _emit_normalize(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, symbols=PTR, symbol_units=I64, rules=PTR, rule_units=I64, replacements=PTR,
        options=PTR, state=PTR, out=PTR, origins=PTR, capacity=I64, splits=PTR,
    )  # fmt: skip
    with m.fn("normalize", ret=I64, internal=True, **arguments) as f:
        options = [f.load(f.options, k, I64) for k in range(5)]
        found = f.alloca(I64, 3)
        f.store(f.i64(DONE), f.state, REPORT)

        def put(value: Val | int, origin: Val, at: Val) -> None:
            f.store(f.const(value, I8) if isinstance(value, int) else value, f.out, at)
            f.store(f.convert(origin, I32), f.origins, at)

        def put_space(origin: Val, at: Val) -> tuple[Val]:
            def symbol() -> tuple[Val]:
                for k, value in enumerate(_SYMBOL):
                    put(value - 256, origin, at + k)
                return (at + len(_SYMBOL),)

            def space() -> tuple[Val]:
                put(_SPACE, origin, at)
                return (at + 1,)

            return f.when(options[_ESCAPES].ne(0), symbol, space)  # type: ignore[return-value]

        def string(row: Val, first: Val, _: Val) -> tuple[Val, ...]:
            data, size = utf8.string(f, f.strings, row)

            def prefix(at: Val) -> tuple[Val, Val, Val]:
                f.call(
                    "prefix", data, at, size, f.symbols, f.symbol_units, f.rules, f.rule_units,
                    f.replacements, options[_REPLACEMENT_AT], found, ret=I64,
                )  # fmt: skip
                return f.load(found, 0, PTR), f.load(found, 1, I64), f.load(found, 2, I64)

            def skip(at: Val, _: Val) -> tuple[Val, ...]:
                text, count, taken = prefix(at)
                is_space = count.eq(1) & f.load(text, 0, I8).eq(_SPACE)
                return at + f.select(is_space, taken, f.i64(0)), f.convert(
                    is_space, I64, signed=False
                )

            begin, _ = f.loop_while(
                lambda at, goes_on: (at < size) & goes_on.ne(0), skip, f.i64(0), options[_REMOVES]
            )

            def part(at: Val, end: Val, after_space: Val, fits: Val) -> tuple[Val, ...]:
                text, count, taken = prefix(at)

                def copied() -> tuple[Val, ...]:
                    (lead,) = f.loop_while(
                        lambda k: (k < count) & f.load(text, k, I8).eq(_SPACE),
                        lambda k: (k + 1,),
                        f.i64(0),
                    )
                    lead = f.select(after_space.ne(0), lead, f.i64(0))

                    def one(k: Val, end: Val) -> tuple[Val, ...]:
                        value = f.load(text, k, I8)

                        def same() -> tuple[Val]:
                            put(value, at, end)
                            return (end + 1,)

                        return f.when(value.eq(_SPACE), lambda: put_space(at, end), same)

                    (following,) = f.loop(lead, count, 1, one, end)

                    def last() -> tuple[Val]:
                        is_space = f.load(text, count - 1, I8).eq(_SPACE)
                        return (f.convert(is_space, I64, signed=False),)

                    (after,) = f.when(lead < count, last, lambda: (after_space,))
                    return at + taken, following, after & options[_REMOVES], f.i64(1)

                room = end + count * len(_SYMBOL) + 2 * len(_SYMBOL)
                return f.when(room < f.capacity, copied, lambda: (at, end, after_space, f.i64(0)))

            def made() -> tuple[Val, ...]:
                (start,) = f.when(
                    options[_ADDS_BEFORE].ne(0), lambda: put_space(begin, first), lambda: (first,)
                )
                at, end, _, fits = f.loop_while(
                    lambda at, end, after, fits: (at < size) & fits.ne(0),
                    part, begin, start, options[_REMOVES], f.i64(1),
                )  # fmt: skip

                def is_space_before(end: Val) -> Val:
                    def is_text(text: bytes) -> Callable[[], tuple[Val]]:
                        def check() -> tuple[Val]:
                            place = end - len(text)
                            same = place >= first
                            place = f.select(same, place, first)
                            for k, value in enumerate(text):
                                same = same & utf8.byte(f, f.out, place + k).eq(value)
                            return (same,)

                        return check

                    (same,) = f.when(
                        options[_ESCAPES].ne(0), is_text(_SYMBOL), is_text(bytes([_SPACE]))
                    )
                    return same

                width = f.select(options[_ESCAPES].ne(0), f.i64(len(_SYMBOL)), f.i64(1))

                def trim(end: Val, _: Val) -> tuple[Val, ...]:
                    return end - width, f.convert(
                        f.load(f.origins, end - width, I32), I64, signed=False
                    )

                def trimmed() -> tuple[Val, ...]:
                    return f.loop_while(lambda end, _: is_space_before(end), trim, end, at)

                end, at = f.when(options[_REMOVES].ne(0), trimmed, lambda: (end, at))
                (end,) = f.when(
                    options[_ADDS_BEHIND].ne(0), lambda: put_space(at, end), lambda: (end,)
                )
                return end, at, fits

            room = first + 4 * len(_SYMBOL) < f.capacity
            end, at, fits = f.when(
                room,
                lambda: f.when(begin < size, made, lambda: (first, f.i64(0), f.i64(1))),
                lambda: (first, f.i64(0), f.i64(0)),
            )

            def ended() -> tuple[Val, ...]:
                put(0, at, end)
                f.store(end + 1, f.splits, row + 1)
                return row + 1, end + 1, f.i64(1)

            def full() -> tuple[Val, ...]:
                stop(f, LARGER, row, first)
                return row, first, f.i64(0)

            return f.when(fits.ne(0), ended, full)

        f.loop_while(
            lambda row, _, goes_on: (row < f.number) & goes_on.ne(0),
            string, f.load(f.state, STRING, I64), f.load(f.state, WRITTEN, I64), f.i64(1),
        )  # fmt: skip
        f.give(f.i64(0))
