"""Cuts normalized strings into pieces: by the greatest sum of scores (unigram), or by merges of neighbours (BPE)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .... import python_calls as py
from ....builtins import compiled
from ....language.function import Fn
from ....language.module import Module
from ....language.types import F32, F64, I1, I64, PTR
from ....language.value import Val
from .. import tries, utf8
from ..wordpiece import PieceArrays
from .normalizing import Normalized

_SYMBOL = "\u2581".encode()
# Merges look at all parts of a chunk each time; longer chunks are left to a heap.
_LONGEST_MERGED = 4096
_UNKNOWN, _UNKNOWN_SCORE, _FALLS_BACK, _IS_CHUNKED, _COMPARES_ROUNDED = range(5)


class _Functions(NamedTuple):
    """Builtins over normalized strings.

    sums, merges (data, splits, number, units, their number, scores, options float64 [5], numbers of bytes, scratch, numbers, begins, ends, splits of pieces) -> how many pieces there are;
        -1 if a chunk is too long
    """

    sums: Callable[..., int]
    merges: Callable[..., int]


class Cutter:
    """Cuts normalized strings.

    Args:
      units: of a trie of the pieces' texts, with their numbers as values.
      scores: of the pieces, by number.
      unknown: the number of the unknown piece.
      unknown_score: its score.
      of_bytes: the numbers of the pieces for the bytes of unknown characters; None without byte pieces.
      is_chunked: True if a string is cut before each space symbol that follows another character.
      merges: True if pieces are found by merges.
      compares_rounded: True if sums are rounded to float32 before they are compared.
    """

    def __init__(
        self,
        units: np.ndarray,
        scores: np.ndarray,
        unknown: int,
        unknown_score: float,
        of_bytes: list[int] | None,
        is_chunked: bool,
        merges: bool,
        compares_rounded: bool,
    ) -> None:
        self._units = np.ascontiguousarray(units)
        self._scores = np.ascontiguousarray(scores, np.float64)
        self._bytes = np.array(of_bytes or [0] * 256, np.int64)
        self._options = np.array(
            [unknown, unknown_score, of_bytes is not None, is_chunked, compares_rounded],
            np.float64,
        )
        self._merges = merges

    def pieces(self, texts: Normalized) -> PieceArrays | None:
        """The pieces of strings, with positions in the normalized data; None if this code does not cut them."""
        most = int(texts.splits[-1])
        numbers, begins, ends = (np.empty(most, np.int64) for _ in range(3))
        splits = np.zeros(len(texts.splits), np.int64)
        longest = int(np.diff(texts.splits).max(initial=0)) + 1
        scratch = np.empty((3, longest), np.int64)
        function = _functions().merges if self._merges else _functions().sums
        count = function(
            texts.data, texts.splits, len(texts.splits) - 1, self._units, len(self._units), self._scores,
            self._options, self._bytes, scratch, longest, numbers, begins, ends, splits,
        )  # fmt: skip
        if count < 0:
            return None
        return PieceArrays(
            numbers[:count].copy(), begins[:count].copy(), ends[:count].copy(), splits
        )


@compiled(_Functions)
def _functions(m: Module) -> None:
    _emit_chunk_end(m)
    _emit_finish(m)
    _emit_cut(m, "sums", _emit_best)
    _emit_cut(m, "merges", _emit_merged)
    for name in ("sums", "merges"):
        py.emit_entry(m, name, "aananaaaanaaaa", holds_gil=True)


_CHUNK: dict[str, Any] = dict(
    data=PTR, begin=I64, end=I64, units=PTR, count=I64, scores=PTR, options=PTR, links=PTR, found=PTR,
    sums=PTR,
)  # fmt: skip


def _width(f: Fn, data: Val, at: Val) -> Val:
    """The bytes of a character of text that is well formed."""
    first = utf8.byte(f, data, at)
    longer = f.select(first < 0xE0, f.i64(2), f.select(first < 0xF0, f.i64(3), f.i64(4)))
    return f.select(first < 0x80, f.i64(1), longer)


def _option(f: Fn, k: int) -> Val:
    return f.convert(f.load(f.options, k, F64), I64)


def _emit_best(m: Module, name: str) -> None:
    """Writes where the piece that begins at a position of a chunk ends, in `links`, and its number, in `found`."""
    with m.fn(name, ret=I64, internal=True, **_CHUNK) as f:
        size = f.end - f.begin
        search = _BestSums(f, f.at(f.data, f.begin), size)
        f.loop_while(lambda at: at < size, search.character, f.i64(0))
        _turn_round(f, size)
        f.give(f.i64(0))


class _BestSums:
    """Writes Viterbi's search: the best sum up to each byte of a chunk.

    A sum is a float32 number as in SentencePiece, whose choice among equal ways follows from its rounding; -inf where no piece ends.
    """

    def __init__(self, f: Fn, text: Val, size: Val) -> None:
        self.f, self.text, self.size = f, text, size
        self.nothing = nothing = f.const(-np.inf, F64)
        f.loop(f.i64(0), size + 1, 1, lambda i: f.store(nothing, f.sums, i))
        f.store(f.const(0.0, F64), f.sums, 0)
        self.unknown = _option(f, _UNKNOWN)
        self.unknown_score = f.load(f.options, _UNKNOWN_SCORE, F64)
        self.compares_rounded = _option(f, _COMPARES_ROUNDED).ne(0)

    def character(self, at: Val) -> tuple[Val]:
        """Adds the arcs of all pieces that begin at a character; returns where the next one begins."""
        f = self.f
        width = _width(f, self.text, at)
        reached = f.load(f.sums, at, F64)

        def arcs() -> None:
            _, _, has_single = f.loop_while(
                lambda place, node, _: (place < self.size) & (node >= 0),
                lambda *state: self._byte(at, width, reached, *state), at, f.i64(0), f.i64(0),
            )  # fmt: skip
            f.when(
                # A character that is a piece by itself is never taken for unknown.
                has_single.eq(0),
                lambda: self._arc(
                    at, at + width, self.unknown, self._rounded(reached + self.unknown_score)
                ),
            )

        f.when(reached > self.nothing, arcs)
        return (at + width,)

    def _byte(
        self, begin: Val, width: Val, reached: Val, place: Val, node: Val, has_single: Val
    ) -> tuple[Val, ...]:
        """Goes on in the trie by the byte at `place`; adds the arc of a piece that ends with it.

        Returns the next place; the trie's node; and 1 if the first character is a piece, of `width` bytes.
        """
        f = self.f
        following = tries.child(f, f.units, f.count, node, utf8.byte(f, self.text, place))

        def inside() -> tuple[Val, ...]:
            number = tries.value(f, f.units, f.count, following)

            def piece() -> tuple[Val]:
                total = reached + f.load(f.scores, number, F64)
                candidate = f.select(self.compares_rounded, self._rounded(total), total)
                self._arc(begin, place + 1, number, candidate)
                is_single = (place + 1).eq(begin + width)
                return (f.select(is_single, f.i64(1), has_single),)

            return f.when(number >= 0, piece, lambda: (has_single,))

        (has_single,) = f.when(following >= 0, inside, lambda: (has_single,))
        return place + 1, following, has_single

    def _arc(self, begin: Val, end: Val, number: Val, candidate: Val) -> None:
        """Keeps the arc of a piece if its sum is the best up to its end."""
        f = self.f

        def take() -> None:
            f.store(self._rounded(candidate), f.sums, end)
            f.store(begin, f.links, end)
            f.store(number, f.found, end)

        # Strictly: of equal sums the first piece found stays. What is compared is mostly not rounded yet.
        f.when(candidate > f.load(f.sums, end, F64), take)

    def _rounded(self, value: Val) -> Val:
        return self.f.convert(self.f.convert(value, F32), F64)


def _turn_round(f: Fn, size: Val) -> None:
    """Turns the best way, which leads back from the end: each piece's end and number go to where it begins."""

    def back(end: Val, following: Val, number: Val) -> tuple[Val, ...]:
        begin, own = f.load(f.links, end, I64), f.load(f.found, end, I64)
        f.store(following, f.links, end)
        f.store(number, f.found, end)
        return begin, end, own

    start = f.i64(0)
    _, following, number = f.loop_while(lambda end, _, __: end > 0, back, size, start, start)
    f.store(following, f.links, 0)
    f.store(number, f.found, 0)


def _number_of(f: Fn, text: Val, begin: Val, end: Val) -> Val:
    """The number of the piece with a text, or -1."""
    _, node = f.loop_while(
        lambda place, node: (place < end) & (node >= 0),
        lambda place, node: (
            place + 1,
            tries.child(f, f.units, f.count, node, utf8.byte(f, text, place)),
        ),
        begin, f.i64(0),
    )  # fmt: skip
    (number,) = f.when(
        node >= 0,
        lambda: (tries.value(f, f.units, f.count, node),),
        lambda: (f.i64(tries.NOTHING),),
    )
    return number


def _emit_merged(m: Module, name: str) -> None:
    """As for unigrams; in `sums` are the scores of each part joined to the next one, -inf without a piece."""
    with m.fn(name, ret=I64, internal=True, **_CHUNK) as f:
        merging = _Merging(f)
        size = merging.size
        f.loop_while(lambda at: at < size, merging.separate, f.i64(0))
        f.loop_while(lambda at: at < size, merging.score, f.i64(0))
        f.loop_while(lambda best: best >= 0, merging.merge_best, f.i64(0))
        f.loop_while(lambda at: at < size, merging.number, f.i64(0))
        f.give(f.i64(0))


class _Merging:
    """The steps of byte-pair encoding: `links` of each part is the beginning of the next one."""

    def __init__(self, f: Fn) -> None:
        self.f = f
        self.size = f.end - f.begin
        self.text = f.at(f.data, f.begin)
        self.nothing = f.const(-np.inf, F64)
        self.unknown = _option(f, _UNKNOWN)

    def separate(self, at: Val) -> tuple[Val]:
        """Makes the character at `at` a part; returns the next character."""
        f = self.f
        following = at + _width(f, self.text, at)
        f.store(following, f.links, at)
        return (following,)

    def score(self, at: Val) -> tuple[Val]:
        """Scores the pair that begins at `at`; returns the next part."""
        self._score_pair(at)
        return (self.f.load(self.f.links, at, I64),)

    def _score_pair(self, begin: Val) -> None:
        f = self.f
        middle = f.load(f.links, begin, I64)

        def joined() -> tuple[Val, ...]:
            number = _number_of(f, self.text, begin, f.load(f.links, middle, I64))
            return f.when(
                number >= 0, lambda: (f.load(f.scores, number, F64),), lambda: (self.nothing,)
            )

        (score,) = f.when(middle < self.size, joined, lambda: (self.nothing,))
        f.store(score, f.sums, begin)

    def merge_best(self, _: Val) -> tuple[Val]:
        """Joins the pair of the highest score; returns its beginning, or -1 if no pair is a piece."""
        f, none = self.f, self.f.i64(-1)
        _, _, best, before, _ = f.loop_while(
            lambda at, *_: at < self.size, self._better, f.i64(0), none, none, none, self.nothing
        )

        def join() -> None:
            f.store(f.load(f.links, f.load(f.links, best, I64), I64), f.links, best)
            # Only the joined part and the one before have new neighbors.
            self._score_pair(best)
            f.when(before >= 0, lambda: self._score_pair(before))

        f.when(best >= 0, join)
        return (best,)

    def _better(self, at: Val, last: Val, best: Val, before: Val, most: Val) -> tuple[Val, ...]:
        """Compares the pair at `at` with the best one so far, which begins at `best` after the part at `before`."""
        f = self.f
        # The leftmost of the best pairs: `better` is strict.
        score = f.load(f.sums, at, F64)
        better = score > most
        return (
            f.load(f.links, at, I64), at, f.select(better, at, best),
            f.select(better, last, before), f.select(better, score, most),
        )  # fmt: skip

    def number(self, at: Val) -> tuple[Val]:
        """Stores the number of the part's piece; returns the next part."""
        f = self.f
        end = f.load(f.links, at, I64)
        # A part that was never merged has not been looked up yet.
        number = _number_of(f, self.text, at, end)
        f.store(f.select(number < 0, self.unknown, number), f.found, at)
        return (end,)


def _emit_chunk_end(m: Module) -> None:
    """`chunk_end` (data, begin, end) -> the end of a chunk: symbols for spaces, and what follows up to the next one."""
    with m.fn("chunk_end", ret=I64, internal=True, data=PTR, begin=I64, end=I64) as f:

        def is_symbol(at: Val) -> Val:
            def check() -> tuple[Val]:
                same = [utf8.byte(f, f.data, at + k).eq(v) for k, v in enumerate(_SYMBOL)]
                return (same[0] & same[1] & same[2],)

            (is_equal,) = f.when(at + len(_SYMBOL) <= f.end, check, lambda: (f.const(0, I1),))
            return is_equal

        (word,) = f.loop_while(is_symbol, lambda at: (at + len(_SYMBOL),), f.begin)
        (behind,) = f.loop_while(
            lambda at: (at < f.end) & ~is_symbol(at), lambda at: (at + 1,), word
        )
        f.give(behind)


def _emit_finish(m: Module) -> None:
    """`finish` (..., number of the first piece) -> the number after the last one of a chunk; writes pieces, unknown ones joined, or as their bytes."""
    arguments: Any = dict(
        data=PTR, begin=I64, end=I64, links=PTR, found=PTR, options=PTR, of_bytes=PTR, numbers=PTR, begins=PTR,
        ends=PTR, first=I64,
    )  # fmt: skip
    with m.fn("finish", ret=I64, internal=True, **arguments) as f:
        unknown, falls_back = _option(f, _UNKNOWN), _option(f, _FALLS_BACK).ne(0)

        def add(number: Val, begin: Val, end: Val, at: Val) -> tuple[Val]:
            f.store(number, f.numbers, at)
            f.store(begin, f.begins, at)
            f.store(end, f.ends, at)
            return (at + 1,)

        def piece(at: Val, written: Val) -> tuple[Val, ...]:
            number, behind = f.load(f.found, at, I64), f.load(f.links, at, I64)
            here, there = f.begin + at, f.begin + behind

            def by_bytes() -> tuple[Val, ...]:
                def one(i: Val, written: Val) -> tuple[Val]:
                    own = f.load(f.of_bytes, utf8.byte(f, f.data, i), I64)
                    # The last byte produces the character, the others nothing.
                    return add(own, here, f.select((i + 1).eq(there), there, here), written)

                return f.loop(here, there, 1, one, written)

            def unknown_character() -> tuple[Val, ...]:
                def joined() -> tuple[Val]:
                    f.store(there, f.ends, written - 1)
                    return (written,)

                (goes_on,) = f.when(
                    written > f.first,
                    lambda: (f.load(f.numbers, written - 1, I64).eq(unknown),),
                    lambda: (f.const(0, I1),),
                )
                return f.when(goes_on, joined, lambda: add(number, here, there, written))

            (following,) = f.when(
                number.ne(unknown),
                lambda: add(number, here, there, written),
                lambda: f.when(falls_back, by_bytes, unknown_character),
            )
            return behind, following

        _, written = f.loop_while(lambda at, _: at < f.end - f.begin, piece, f.i64(0), f.first)
        f.give(written)


def _emit_cut(m: Module, name: str, emit_chunk: Callable[[Module, str], None]) -> None:
    emit_chunk(m, f"{name}_of_chunk")
    arguments: Any = dict(
        data=PTR, splits=PTR, number=I64, units=PTR, count=I64, scores=PTR, options=PTR, of_bytes=PTR,
        scratch=PTR, longest=I64, numbers=PTR, begins=PTR, ends=PTR, piece_splits=PTR,
    )  # fmt: skip
    most = _LONGEST_MERGED if name == "merges" else 1 << 62
    with m.fn(name, ret=I64, internal=True, **arguments) as f:
        links, found, sums = (f.at(f.scratch, f.longest * k, I64) for k in range(3))
        is_chunked = _option(f, _IS_CHUNKED).ne(0)

        def string(row: Val, written: Val, _: Val) -> tuple[Val, ...]:
            # Each string is followed by a zero.
            first, end = f.load(f.splits, row, I64), f.load(f.splits, row + 1, I64) - 1

            def chunk(begin: Val, written: Val, _: Val) -> tuple[Val, ...]:
                (behind,) = f.when(
                    is_chunked,
                    lambda: (f.call("chunk_end", f.data, begin, end, ret=I64),),
                    lambda: (end,),
                )

                def cut() -> tuple[Val, ...]:
                    f.call(
                        f"{name}_of_chunk", f.data, begin, behind, f.units, f.count, f.scores,
                        f.options, links, found, sums, ret=I64,
                    )  # fmt: skip
                    following = f.call(
                        "finish", f.data, begin, behind, links, found, f.options, f.of_bytes,
                        f.numbers, f.begins, f.ends, written, ret=I64,
                    )  # fmt: skip
                    return behind, following, f.i64(1)

                is_long = behind - begin > most
                return f.when(is_long, lambda: (begin, written, f.i64(0)), cut)

            _, written, goes_on = f.loop_while(
                lambda at, _, goes_on: (at < end) & goes_on.ne(0), chunk, first, written, f.i64(1)
            )
            f.store(written, f.piece_splits, row + 1)
            return row + 1, written, goes_on

        _, written, goes_on = f.loop_while(
            lambda row, _, goes_on: (row < f.number) & goes_on.ne(0),
            string, f.i64(0), f.i64(0), f.i64(1),
        )  # fmt: skip
        f.give(f.select(goes_on.ne(0), written, f.i64(-1)))
