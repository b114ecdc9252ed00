"""Normalizes strings by the rules of a SentencePiece model."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .... import python_calls as py
from ....builtins import compiled
from ....language.function import Fn
from ....language.module import Module
from ....language.types import I8, I32, I64, PTR
from ....language.value import Val
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
    """Strings, one after the other, each followed by a zero.

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
      adds_before: True if a space is put before each string.
      adds_behind: True to put one after it.
      removes: True if spaces at both ends and repeated ones are left out.
      escapes: True if spaces become the symbol for them.
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
        content = replacements + b"\0" + _REPLACEMENT + b"\0"
        self._replacements = np.frombuffer(content, np.uint8)
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


@compiled(_Functions)
def _functions(m: Module) -> None:
    utf8.emit_longer(m)
    tries.emit_longest(m)
    _emit_prefix(m)
    _emit_copy(m)
    _emit_trim(m)
    _emit_parts(m)
    _emit_string(m)
    _emit_normalize(m)
    py.emit_entry(m, "normalize", "anananaaaaana", holds_gil=True)


def _emit_prefix(m: Module) -> None:
    """`prefix` (data, position, end, tries, replacements, offset of U+FFFD in them, into [3]) -> 0; the normalized text of a position: its address, its size, and the bytes that it replaces."""
    arguments: Any = dict(
        data=PTR, begin=I64, end=I64, symbols=PTR, symbol_units=I64, rules=PTR, rule_units=I64,
        replacements=PTR, malformed=I64, into=PTR,
    )  # fmt: skip
    with m.fn("prefix", ret=I64, internal=True, **arguments) as f:
        value_at = f.alloca(I64)
        here = f.at(f.data, f.begin)

        def by_rule(end: Val) -> tuple[Val, ...]:
            # After the last replacement there is a zero.
            place = f.min(f.load(value_at, 0, I64), f.malformed - 1)
            text = f.at(f.replacements, place)
            return text, _size_of(f, text), end - f.begin

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
            end = _longest(f, f.rules, f.rule_units, value_at)
            return f.when(end >= 0, lambda: by_rule(end), character)

        symbol = _longest(f, f.symbols, f.symbol_units, value_at)
        size = symbol - f.begin
        text, size, taken = f.when(symbol >= 0, lambda: (here, size, size), other)
        f.store(text, f.into, 0)
        f.store(size, f.into, 1)
        f.store(taken, f.into, 2)
        f.give(f.i64(0))


def _longest(f: Fn, units: Val, count: Val, value_at: Val) -> Val:
    """The end of the longest key of a trie that begins at the position, or NOTHING; stores its value."""

    def search() -> tuple[Val]:
        found = f.call("longest", units, count, f.i64(0), f.data, f.begin, f.end, value_at, ret=I64)
        return (found,)

    (end,) = f.when(count > 0, search, lambda: (f.i64(tries.NOTHING),))
    return end


def _size_of(f: Fn, text: Val) -> Val:
    """The number of bytes of a text before its zero."""
    (size,) = f.loop_while(
        lambda size: f.load(text, size, I8).ne(0), lambda size: (size + 1,), f.i64(0)
    )
    return size


def _put(f: Fn, value: Val | int, origin: Val, at: Val) -> None:
    """Writes a byte and where it comes from."""
    f.store(f.const(value, I8) if isinstance(value, int) else value, f.out, at)
    f.store(f.convert(origin, I32), f.origins, at)


def _put_space(f: Fn, escapes: Val, origin: Val, at: Val) -> tuple[Val]:
    """Writes a space, or the symbol for it; returns the position after it."""

    def symbol() -> tuple[Val]:
        for k, value in enumerate(_SYMBOL):
            _put(f, value - 256, origin, at + k)
        return (at + len(_SYMBOL),)

    def space() -> tuple[Val]:
        _put(f, _SPACE, origin, at)
        return (at + 1,)

    return f.when(escapes.ne(0), symbol, space)  # type: ignore[return-value]


def _emit_copy(m: Module) -> None:
    """`copy` (text, first byte, its size, its origin, position, 1 to escape spaces, buffer, origins) -> the position after the copy."""
    arguments: Any = dict(
        source=PTR, first=I64, size=I64, origin=I64, place=I64, escapes=I64, out=PTR, origins=PTR
    )
    with m.fn("copy", ret=I64, internal=True, **arguments) as f:

        def one(k: Val, end: Val) -> tuple[Val, ...]:
            value = f.load(f.source, k, I8)

            def same() -> tuple[Val]:
                _put(f, value, f.origin, end)
                return (end + 1,)

            return f.when(value.eq(_SPACE), lambda: _put_space(f, f.escapes, f.origin, end), same)

        (end,) = f.loop(f.first, f.size, 1, one, f.place)
        f.give(end)


def _emit_trim(m: Module) -> None:
    """`trim` (begin, end, True if spaces are escaped, buffer) -> the end without spaces."""
    with m.fn("trim", ret=I64, internal=True, begin=I64, end=I64, escapes=I64, out=PTR) as f:

        def is_text(end: Val, text: bytes) -> Callable[[], tuple[Val]]:
            def check() -> tuple[Val]:
                place = end - len(text)
                same = place >= f.begin
                place = f.select(same, place, f.begin)
                for k, value in enumerate(text):
                    same = same & utf8.byte(f, f.out, place + k).eq(value)
                return (same,)

            return check

        def is_space_before(end: Val) -> Val:
            symbol, space = is_text(end, _SYMBOL), is_text(end, bytes([_SPACE]))
            (same,) = f.when(f.escapes.ne(0), symbol, space)
            return same

        width = f.select(f.escapes.ne(0), f.i64(len(_SYMBOL)), f.i64(1))
        (end,) = f.loop_while(is_space_before, lambda end: (end - width,), f.end)
        f.give(end)


_ARGUMENTS: Any = dict(
    symbols=PTR, symbol_units=I64, rules=PTR, rule_units=I64, replacements=PTR, options=PTR, state=PTR, out=PTR,
    origins=PTR, capacity=I64,
)  # fmt: skip


def _prefix(f: Fn, at: Val, match_words: Val) -> tuple[Val, Val, Val]:
    """The address and the size of the normalized text of a position, and the bytes that it replaces."""
    malformed = f.load(f.options, _REPLACEMENT_AT, I64)
    f.call(
        "prefix", f.data, at, f.size, f.symbols, f.symbol_units, f.rules, f.rule_units, f.replacements,
        malformed, match_words, ret=I64,
    )  # fmt: skip
    return f.load(match_words, 0, PTR), f.load(match_words, 1, I64), f.load(match_words, 2, I64)


def _emit_parts(m: Module) -> None:
    """`parts` (data, first byte, size, position, ..., address for the origin of the end) -> the position after the normalized string, NOTHING if the buffer is full."""
    with m.fn(
        "parts", ret=I64, internal=True, data=PTR, begin=I64, size=I64, place=I64, **_ARGUMENTS, last=PTR
    ) as f:  # fmt: skip
        removes, escapes = f.load(f.options, _REMOVES, I64), f.load(f.options, _ESCAPES, I64)
        match_words = f.alloca(I64, 3)

        def part(at: Val, end: Val, after_space: Val, fits: Val) -> tuple[Val, ...]:
            text, count, taken = _prefix(f, at, match_words)

            def copied() -> tuple[Val, ...]:
                (lead,) = f.loop_while(
                    lambda k: (k < count) & f.load(text, k, I8).eq(_SPACE),
                    lambda k: (k + 1,),
                    f.i64(0),
                )
                lead = f.select(after_space.ne(0), lead, f.i64(0))
                following = f.call(
                    "copy", text, lead, count, at, end, escapes, f.out, f.origins, ret=I64
                )

                def last() -> tuple[Val]:
                    is_space = f.load(text, count - 1, I8).eq(_SPACE)
                    return (f.convert(is_space, I64, signed=False),)

                (after,) = f.when(lead < count, last, lambda: (after_space,))
                return at + taken, following, after & removes, f.i64(1)

            # Room for the part, and for spaces at both ends.
            room = end + count * len(_SYMBOL) + 2 * len(_SYMBOL)
            return f.when(room < f.capacity, copied, lambda: (at, end, after_space, f.i64(0)))

        at, end, _, fits = f.loop_while(
            lambda at, end, after, fits: (at < f.size) & fits.ne(0),
            part, f.begin, f.place, removes, f.i64(1),
        )  # fmt: skip
        f.store(at, f.last)
        f.give(f.select(fits.ne(0), end, f.i64(tries.NOTHING)))


def _emit_string(m: Module) -> None:
    """`string` (data, size, position, ..., address for the origin of the end) -> the position after the normalized string, NOTHING if the buffer is full."""
    with m.fn(
        "string", ret=I64, internal=True, data=PTR, size=I64, place=I64, **_ARGUMENTS, last=PTR
    ) as f:
        options = [f.load(f.options, k, I64) for k in range(5)]
        removes, escapes = options[_REMOVES], options[_ESCAPES]
        match_words = f.alloca(I64, 3)

        def skip(at: Val, _: Val) -> tuple[Val, ...]:
            text, count, taken = _prefix(f, at, match_words)
            is_space = count.eq(1) & f.load(text, 0, I8).eq(_SPACE)
            following = at + f.select(is_space, taken, f.i64(0))
            return following, f.convert(is_space, I64, signed=False)

        begin, _ = f.loop_while(
            lambda at, goes_on: (at < f.size) & goes_on.ne(0), skip, f.i64(0), removes
        )

        def space(is_asked: Val, origin: Val, at: Val) -> Val:
            (behind,) = f.when(
                is_asked.ne(0), lambda: _put_space(f, escapes, origin, at), lambda: (at,)
            )
            return behind

        def finished(end: Val) -> tuple[Val]:
            def trimmed() -> tuple[Val]:
                less = f.call("trim", f.place, end, escapes, f.out, ret=I64)

                def from_there() -> None:
                    f.store(f.convert(f.load(f.origins, less, I32), I64), f.last)

                f.when(less < end, from_there)
                return (less,)

            (end,) = f.when(removes.ne(0), trimmed, lambda: (end,))
            return (space(options[_ADDS_BEHIND], f.load(f.last, 0, I64), end),)

        def made() -> tuple[Val, ...]:
            start = space(options[_ADDS_BEFORE], begin, f.place)
            others = [getattr(f, name) for name in _ARGUMENTS]
            end = f.call("parts", f.data, begin, f.size, start, *others, f.last, ret=I64)
            return f.when(end >= 0, lambda: finished(end), lambda: (end,))

        f.store(f.i64(0), f.last)
        has_room = f.place + 4 * len(_SYMBOL) < f.capacity
        (end,) = f.when(
            has_room,
            lambda: f.when(begin < f.size, made, lambda: (f.place,)),
            lambda: (f.i64(tries.NOTHING),),
        )
        f.give(end)


def _emit_normalize(m: Module) -> None:
    with m.fn(
        "normalize", ret=I64, internal=True, strings=PTR, number=I64, **_ARGUMENTS, splits=PTR
    ) as f:
        f.store(f.i64(DONE), f.state, REPORT)
        last = f.alloca(I64)

        def string(row: Val, first: Val, _: Val) -> tuple[Val, ...]:
            others = [getattr(f, name) for name in _ARGUMENTS]
            data, size = utf8.string(f, f.strings, row)
            end = f.call("string", data, size, first, *others, last, ret=I64)

            def ended() -> tuple[Val, ...]:
                _put(f, 0, f.load(last, 0, I64), end)
                f.store(end + 1, f.splits, row + 1)
                return row + 1, end + 1, f.i64(1)

            def full() -> tuple[Val, ...]:
                stop(f, LARGER, row, first)
                return row, first, f.i64(0)

            return f.when(end >= 0, ended, full)

        f.loop_while(
            lambda row, _, goes_on: (row < f.number) & goes_on.ne(0),
            string, f.load(f.state, STRING, I64), f.load(f.state, WRITTEN, I64), f.i64(1),
        )  # fmt: skip
        f.give(f.i64(0))
