"""Texts to pieces and back, by a model."""

import functools
import itertools
import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from penstock._src.core.errors import InternalError
from penstock._src.native.algorithms.texts.joining import Joiner
from penstock._src.native.algorithms.texts.sentencepiece.cutting import Cutter
from penstock._src.native.algorithms.texts.sentencepiece.normalizing import (
    Normalizer as NativeNormalizer,
)
from penstock._src.native.algorithms.texts.wordpiece import texts_of
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.text.pieces.memory import Memory, Piece
from penstock._src.ops.text.sentencepiece import drawing, native
from penstock._src.ops.text.sentencepiece.model import (
    BPE,
    BYTE,
    CONTROL,
    SPACE,
    UNIGRAM,
    UNKNOWN,
    Pieces,
    Rules,
    read_model,
)
from penstock._src.ops.text.sentencepiece.normalizing import Normalizer
from penstock._src.ops.text.sentencepiece.segmenting import Cut, Merges, chunks, lattice, segmenter
from penstock._src.util.process import forks

# Limit of the number of cuts from which one is drawn, as in SentencePiece.
_MOST_WAYS = 512


def encoded(text: str) -> bytes:
    """The bytes of a piece."""
    return text.encode("utf-8", "surrogateescape")


class Processor:
    """Cuts texts into pieces, and joins pieces to texts.

    Args:
      pieces: the vocabulary.
      rules: how texts are normalized.
    """

    def __init__(self, pieces: Pieces, rules: Rules) -> None:
        self.pieces, self.rules = pieces, rules
        self.normalizer = Normalizer(rules, pieces.symbols(), pieces.space_is_suffix)
        self._chunks = chunks(pieces)
        self._memory = Memory(self._cut)
        self.texts = np.empty(len(pieces.texts), object)
        self.texts[:] = [encoded(text) for text in pieces.texts]

    @forks.cached_property
    def _segment(self) -> Callable[[str], Cut]:
        return segmenter(self.pieces)

    @forks.cached_property
    def _native(self) -> tuple[NativeNormalizer, Cutter] | None:
        """The native normalizer and cutter of texts; None if native code does not support the model."""
        normalizer = native.normalizer(self.pieces, self.rules)
        cutter = native.cutter(self.pieces)
        return None if normalizer is None or cutter is None else (normalizer, cutter)

    def _cut(self, chunk: str) -> list[Piece]:
        return self._finished(self._segment(chunk))

    def _finished(self, cut: Cut) -> list[Piece]:
        """Pieces with their positions; adjacent unknown characters are one piece, or are pieces for their bytes."""
        unknown, merged, at = self.pieces.unknown, [], 0
        for text, number in cut:
            data = encoded(text)
            end = at + len(data)
            if number != unknown:
                merged.append(Piece(data, number, at, end))
            elif self.pieces.falls_back_to_bytes:
                # The last of the bytes represents the character, the others nothing.
                for value in data[:-1]:
                    merged.append(self._byte(value, at, at))
                merged.append(self._byte(data[-1], at, end))
            elif merged and merged[-1].number == unknown:
                before = merged.pop()
                merged.append(Piece(before.text + data, unknown, before.begin, end))
            else:
                merged.append(Piece(data, unknown, at, end))
            at = end
        return merged

    def _byte(self, value: int, begin: int, end: int) -> Piece:
        number = self.pieces.byte(value)
        return Piece(self.texts[number], number, begin, end)

    def encode(
        self, rows: np.ndarray, with_origins: bool, with_texts: bool = True
    ) -> tuple[np.ndarray, ...]:
        """The pieces of texts.

        Args:
          rows: a vector of texts.
          with_origins: whether places are asked for.
          with_texts: whether texts of pieces are asked for.

        Returns:
          Row splits, the texts of the pieces, their numbers, and the bytes at which they begin and end. What is not asked for is anything.
        """
        if runs_native_code() and self._native is not None:
            outputs = self._encoded_natively(np.ascontiguousarray(rows), with_texts)
            if outputs is not None:
                return outputs
        return self._encoded(rows.tolist(), with_origins)

    def _encoded_natively(
        self, rows: np.ndarray, with_texts: bool
    ) -> tuple[np.ndarray, ...] | None:
        """The same; None if a text has parts too long for native code, or the model is damaged."""
        assert self._native is not None
        normalizer, cutter = self._native
        normal = normalizer.normalized(rows)
        pieces = cutter.pieces(normal)
        if pieces is None:
            return None
        texts: np.ndarray | None = np.empty(0, object)
        if with_texts:
            texts = texts_of(pieces.numbers, self.texts)
            if texts is None:
                return None
            for at in np.flatnonzero(pieces.numbers == self.pieces.unknown).tolist():
                texts[at] = normal.data[pieces.begins[at] : pieces.ends[at]].tobytes()
        begins, ends = normal.origins[pieces.begins], normal.origins[pieces.ends]
        return pieces.splits, texts, pieces.numbers, begins.astype(np.int64), ends.astype(np.int64)

    def _encoded(self, rows: Iterable[bytes], with_origins: bool) -> tuple[np.ndarray, ...]:
        parts, counts, begins, origins, before = [], [], [], [], 0
        for row in rows:
            if with_origins:
                normal, own = self.normalizer.with_origins(row)
                origins.append(own)
            else:
                normal = self.normalizer.text(row)
            chunks = self._chunks_of(normal)
            parts += chunks
            counts.append(len(chunks))
            if with_origins:
                sizes = [len(encoded(chunk)) for chunk in chunks]
                begins += [before + at for at in itertools.accumulate(sizes, initial=0)][:-1]
                before += len(own)
        memory = self._memory if self._chunks is not None else Memory(self._cut)
        pieces_each, texts, numbers, starts, ends = memory.pieces(parts)
        splits = np.append(0, np.cumsum(pieces_each))[
            np.append(0, np.cumsum(counts, dtype=np.int64))
        ]
        if not with_origins:
            return splits, texts, numbers, starts, ends
        flat = np.array(list(itertools.chain.from_iterable(origins)), np.int64)
        shift = np.repeat(np.array(begins, np.int64), pieces_each)
        return splits, texts, numbers, flat[starts + shift], flat[ends + shift]

    def _chunks_of(self, normal: bytes) -> list[str]:
        text = normal.decode("utf-8", "surrogateescape")
        if self._chunks is not None:
            return self._chunks.findall(text)
        return [text] if text else []

    def encode_in_ways(
        self, row: bytes, ways: int, alpha: float, returns_all: bool
    ) -> list[list[Piece]]:
        """The pieces of a text, drawn at random, or in the best ways.

        Args:
          row: the text.
          ways: of how many of the best ones is drawn; negative for all.
          alpha: how much scores count; of BPE, the part of merges that are left out.
          returns_all: whether the best ways are returned in place of one that is drawn.

        Returns:
          Pieces with places in the text for each way.

        Raises:
          InternalError: the model has no such ways.
        """
        normal, origins = self.normalizer.with_origins(row)
        text = normal.decode("utf-8", "surrogateescape")
        cuts = self._ways(text, ways, alpha, returns_all) if text else [[]]
        return [
            [
                piece._replace(begin=origins[piece.begin], end=origins[piece.end])
                for piece in self._finished(cut)
            ]
            for cut in cuts
        ]

    def _ways(self, text: str, ways: int, alpha: float, returns_all: bool) -> list[Cut]:
        if ways > _MOST_WAYS:
            raise InternalError(
                f"SentencePiece: nbest_size must be at most {_MOST_WAYS}. Received {ways}."
            )
        kind = self.pieces.kind
        if kind == BPE and ways < 0 and not returns_all:
            return [Merges(self.pieces).best(text, lambda: random.random() < alpha)]
        if kind != UNIGRAM:
            raise InternalError("SentencePiece: only unigram models cut texts in several ways.")
        arcs = self._lattice
        if returns_all:
            return [cut for _, cut in drawing.best_ways(arcs, text, max(1, ways))]
        if ways > 1:
            return [drawing.drawn_of_best(arcs, text, ways, alpha)]
        return [drawing.drawn(arcs, text, alpha)]

    @forks.cached_property
    def _lattice(self):
        return lattice(self.pieces)

    @forks.cached_property
    def _joiner(self) -> Joiner:
        pieces = self.pieces

        def surface(number: int, at_begin: bool) -> bytes:
            return self._surface(number, pieces.types[number], pieces.texts[number], at_begin)

        return native.joiner(surface, pieces)

    @forks.cached_property
    def _is_byte(self) -> np.ndarray:
        return np.array(self.pieces.types) == BYTE

    def decode_rows(self, numbers: np.ndarray, splits: np.ndarray) -> np.ndarray | None:
        """The texts of rows of numbers of pieces, computed natively; None if a piece is a byte."""
        if not runs_native_code() or self._is_byte[numbers].any():
            return None
        return self._joiner.joined(numbers, splits)

    def decode(self, numbers: Sequence[int], texts: Sequence[str]) -> bytes:
        """The text of pieces.

        Args:
          numbers: of the pieces.
          texts: of them.
        """
        pieces = self.pieces
        out, pending = bytearray(), bytearray()
        for number, text in zip(numbers, texts, strict=True):
            kind = pieces.types[number]
            if kind == BYTE:
                pending.append(int(pieces.texts[number][3:5], 16))
                continue
            if pending:
                out += bytes(pending).decode("utf-8", "replace").encode()
                pending.clear()
            out += self._surface(number, kind, text, not out)
        if pending:
            out += bytes(pending).decode("utf-8", "replace").encode()
        return bytes(out)

    def _surface(self, number: int, kind: int, text: str, at_begin: bool) -> bytes:
        """The text of a piece."""
        pieces, rules = self.pieces, self.rules
        if kind == CONTROL:
            return b""
        if kind == UNKNOWN:
            is_name = text == pieces.texts[number]
            return pieces.unknown_surface if is_name else encoded(text)
        if at_begin and (rules.adds_prefix or rules.removes_spaces):
            # Also where spaces belong to the word before them, as in tensorflow-text's version of SentencePiece.
            text = text.removeprefix(SPACE)
        return encoded(text.replace(SPACE, " "))


@functools.lru_cache(maxsize=8)
def processor(data: bytes) -> Processor:
    """The processor of a model file, kept.

    Raises:
      InternalError: it is none.
    """
    return Processor(*read_model(data))


def with_ends(
    splits: np.ndarray,
    arrays: Sequence[np.ndarray],
    first: Sequence | None,
    last: Sequence | None,
    reverse: bool,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Row splits and values with one more at the ends of each row, and rows the other way round.

    Args:
      splits: the row splits.
      arrays: several arrays of values.
      first: the value for each array that is put at the begin of rows; None for nothing.
      last: the same for their end.
      reverse: whether rows are turned round afterwards.
    """
    outputs = []
    for number, values in enumerate(arrays):
        if first is not None or last is not None:
            places, new = [], []
            if first is not None:
                places.append(splits[:-1])
                new += [first[number]] * (len(splits) - 1)
            if last is not None:
                places.append(splits[1:])
                new += [last[number]] * (len(splits) - 1)
            rows = np.concatenate(places)
            # For an empty row, the first value comes before the last one.
            added = np.empty(len(new), values.dtype)
            added[:] = new
            if first is not None and last is not None:
                order = np.argsort(
                    np.concatenate(
                        [np.arange(len(splits) - 1) * 2, np.arange(len(splits) - 1) * 2 + 1]
                    ),
                    kind="stable",
                )
                rows, added = rows[order], added[order]
            values = np.insert(values, rows, added)
        outputs.append(values)
    more = (first is not None) + (last is not None)
    splits = splits + more * np.arange(len(splits))
    if reverse:
        sizes = np.diff(splits)
        turned = np.repeat(splits[:-1] + splits[1:] - 1, sizes) - np.arange(splits[-1])
        outputs = [values[turned] for values in outputs]
    return splits, outputs
