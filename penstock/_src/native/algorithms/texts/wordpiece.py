"""Cuts words into pieces of a trie: of each position on, the longest."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import python_calls as py
from ...builtins import compiled
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from . import tries, utf8
from .words import Words, put


class _Functions(NamedTuple):
    """Builtins.

    pieces (strings, number, begins, ends, splits of words, units, their number, options [5], numbers, begins, ends, splits of pieces) ->
    the number of pieces texts (numbers, number, texts of all, texts) -> 0
    """

    pieces: Callable[..., int]
    texts: Callable[..., int]


class Vocabulary(NamedTuple):
    """The pieces into which words are divided.

    Attributes:
      units: of the trie, uint32.
      suffix_root: the node at which pieces begin that go on within a word.
      most_bytes: of a word, beyond which it is unknown.
      unknown: the number of the unknown piece.
      shift: number of low bits of a value that are not part of the piece number.
      mask: of the bits of a value that do.
    """

    units: np.ndarray
    suffix_root: int
    most_bytes: int
    unknown: int
    shift: int
    mask: int


class PieceArrays(NamedTuple):
    """Pieces of strings: their numbers, the bytes at which they begin and end, and row splits."""

    numbers: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    splits: np.ndarray


@compiled(_Functions)
def _functions(m: Module) -> None:
    tries.emit_longest(m)
    _emit_pieces(m)
    _emit_texts(m)
    py.emit_entry(m, "pieces", "anaaaanaaaaa", holds_gil=True)
    py.emit_entry(m, "texts", "anaa", holds_gil=True)


def pieces_of(strings: np.ndarray, words: Words, vocabulary: Vocabulary) -> PieceArrays:
    """The pieces of words of strings.

    Args:
      strings: a contiguous vector.
      words: of the strings.
      vocabulary: the pieces.
    """
    most = int((words.ends - words.begins).sum())
    numbers, begins, ends = (np.empty(most, np.int64) for _ in range(3))
    splits = np.zeros(len(strings) + 1, np.int64)
    v = vocabulary
    options = np.array([v.suffix_root, v.most_bytes, v.unknown, v.shift, v.mask], np.int64)
    count = _functions().pieces(
        strings, len(strings), words.begins, words.ends, words.splits, v.units, len(v.units), options,
        numbers, begins, ends, splits,
    )  # fmt: skip
    return PieceArrays(numbers[:count].copy(), begins[:count].copy(), ends[:count].copy(), splits)


def texts_of(numbers: np.ndarray, texts: np.ndarray) -> np.ndarray | None:
    """`texts[numbers]`, of bytes objects; None if a number, of a damaged model, is not within the texts."""
    if numbers.min(initial=0) < 0 or numbers.max(initial=-1) >= len(texts):
        return None
    strings = np.empty(len(numbers), object)
    _functions().texts(numbers, len(numbers), texts, strings)
    return strings


def _emit_pieces(m: Module) -> None:
    arguments: Any = dict(
        strings=PTR, number=I64, word_begins=PTR, word_ends=PTR, word_splits=PTR, units=PTR, count=I64,
        options=PTR, numbers=PTR, begins=PTR, ends=PTR, splits=PTR,
    )  # fmt: skip
    with m.fn("pieces", ret=I64, internal=True, **arguments) as f:
        suffix_root, most, unknown, shift, mask = (f.load(f.options, k, I64) for k in range(5))
        value_at = f.alloca(I64)
        f.store(f.i64(0), value_at)

        def string(row: Val, written: Val) -> tuple[Val]:
            data, _ = utf8.string(f, f.strings, row)

            def word(at: Val, before: Val) -> tuple[Val, ...]:
                first, behind = f.load(f.word_begins, at, I64), f.load(f.word_ends, at, I64)

                def piece(begin: Val, root: Val, written: Val) -> tuple[Val, ...]:
                    end = f.call(
                        "longest", f.units, f.count, root, data, begin, behind, value_at, ret=I64
                    )

                    def found() -> tuple[Val, ...]:
                        # The other bits of a value are further facts about the piece.
                        number = f.binary("lshr", f.load(value_at, 0, I64) & mask, shift)
                        return end, suffix_root, _add_piece(f, number, begin, end, written)

                    # No piece: all that was found of the word is forgotten.
                    return f.when(end >= 0, found, lambda: (behind, f.i64(tries.NOTHING), before))

                # A word that is too long is unknown as well.
                is_long = behind - first > most
                begin = f.select(is_long, behind, first)
                start = f.select(is_long, f.i64(tries.NOTHING), f.i64(0))
                _, root, written = f.loop_while(
                    lambda begin, root, written: begin < behind, piece, begin, start, before
                )
                return f.when(
                    root < 0,
                    lambda: (_add_piece(f, unknown, first, behind, before),),
                    lambda: (written,),
                )

            (written,) = f.loop(
                f.load(f.word_splits, row, I64), f.load(f.word_splits, row + 1, I64), 1, word, written
            )  # fmt: skip
            f.store(written, f.splits, row + 1)
            return (written,)

        (written,) = f.loop(f.i64(0), f.number, 1, string, f.i64(0))
        f.give(written)


def _add_piece(f: Any, number: Val, begin: Val, end: Val, at: Val) -> Val:
    """Writes a piece and its place in the text; returns the number of pieces."""
    f.store(number, f.numbers, at)
    f.store(begin, f.begins, at)
    f.store(end, f.ends, at)
    return at + 1


def _emit_texts(m: Module) -> None:
    with m.fn("texts", ret=I64, internal=True, numbers=PTR, number=I64, texts=PTR, into=PTR) as f:

        def one(i: Val) -> None:
            item = f.load(f.texts, f.load(f.numbers, i, I64), PTR)
            f.call("Py_IncRef", item)
            put(f, item, f.into, i)

        f.loop(f.i64(0), f.number, 1, one)
        f.give(f.i64(0))
