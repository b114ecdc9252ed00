"""Normalized texts cut into pieces: by scores (unigram), by merges (BPE), into words or characters."""

import heapq
import re
from collections.abc import Callable

import numpy as np

from penstock._src.ops.text.sentencepiece.model import (
    BPE,
    CHAR,
    NORMAL,
    SPACE,
    UNIGRAM,
    UNUSED,
    USER_DEFINED,
    WORD,
    Pieces,
)

_UNKNOWN_PENALTY = 10.0

Cut = list[tuple[str, int]]
"""Pieces of a text, and their numbers."""


class Lattice:
    """Which pieces may stand where in a text, and their scores.

    Args:
      scores: the number and score of each piece.
      unknown: the number of the unknown piece, which is any character.
      unknown_score: its score.
      compares_rounded: whether all sums are rounded before they are compared; else only those of the unknown piece.
    """

    def __init__(
        self,
        scores: dict[str, tuple[int, float]],
        unknown: int,
        unknown_score: float,
        compares_rounded: bool = False,
    ) -> None:
        self._compares_rounded = compares_rounded
        self._scores = scores
        self._unknown, self._unknown_score = unknown, unknown_score
        self._longest = max(map(len, scores), default=1)

    def arcs(self, text: str, begin: int) -> list[tuple[int, int, float]]:
        """The ends, numbers and scores of the pieces that begin at a position; the unknown one if no piece is a single character."""
        scores, arcs, has_single = self._scores, [], False
        for end in range(begin + 1, min(len(text), begin + self._longest) + 1):
            piece = scores.get(text[begin:end])
            if piece is not None:
                arcs.append((end, *piece))
                has_single |= end == begin + 1
        if not has_single:
            arcs.append((begin + 1, self._unknown, self._unknown_score))
        return arcs

    def best(self, text: str) -> Cut:
        """The way of cutting with the greatest sum of scores.

        Sums are float32 numbers over the whole text, each compared before it is rounded (if not `compares_rounded`), as in SentencePiece: rounding decides between ways that are equal otherwise.
        """
        size = len(text)
        sums: list[float | None] = [None] * (size + 1)
        before = [(0, 0)] * (size + 1)
        sums[0] = 0.0
        for begin in range(size):
            reached = sums[begin]
            if reached is None:
                continue
            for end, number, score in self.arcs(text, begin):
                candidate = reached + score
                if self._compares_rounded or number == self._unknown:
                    candidate = _rounded(candidate)
                known = sums[end]
                if known is None or candidate > known:
                    sums[end] = _rounded(candidate)
                    before[end] = begin, number
        cut, end = [], size
        while end:
            begin, number = before[end]
            cut.append((text[begin:end], number))
            end = begin
        return cut[::-1]


def _rounded(score: float) -> float:
    return float(np.float32(score))


def unknown_score(pieces: Pieces) -> float:
    """The score of an unknown character."""
    if pieces.unknown_score is not None:
        return pieces.unknown_score
    normal = [s for s, t in zip(pieces.scores, pieces.types, strict=True) if t == NORMAL]
    return _rounded(min(normal, default=0.0) - _UNKNOWN_PENALTY)


def piece_scores(pieces: Pieces) -> dict[str, tuple[int, float]]:
    """The number and score of each piece that a unigram model cuts texts into."""
    normal = [s for s, t in zip(pieces.scores, pieces.types, strict=True) if t == NORMAL]
    # SentencePiece looks for the greatest score from the least positive float32 number on: scores, logarithms, are mostly below it.
    most = max(normal + [float(np.finfo(np.float32).tiny)])
    scores: dict[str, tuple[int, float]] = {}
    for text, number in pieces.known.items():
        score = pieces.scores[number]
        if pieces.types[number] == USER_DEFINED:
            # The product is a float32 number in SentencePiece, the difference a float64 one.
            score = _rounded(len(text.encode("utf-8", "surrogateescape")) * most) - 0.1
        if pieces.types[number] != UNUSED and text:
            scores[text] = number, score
    return scores


def lattice(pieces: Pieces) -> Lattice:
    """The lattice of a unigram model."""
    return Lattice(
        piece_scores(pieces), pieces.unknown, unknown_score(pieces), pieces.compares_rounded
    )


class Merges:
    """Characters merged in pairs, those with the greatest score first.

    Args:
      pieces: the vocabulary of a BPE model.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        symbols = sorted((s for s in pieces.symbols() if s), key=len, reverse=True)
        self._parts = re.compile("|".join([*map(re.escape, symbols), "[\\s\\S]"]))
        self._frozen = frozenset(symbols)

    def best(self, text: str, dropped: Callable[[], bool] | None = None) -> Cut:
        """The pieces of a text.

        Args:
          text: what is cut.
          dropped: says of each merge whether it is left out.
        """
        known, scores, types, frozen = (
            self._pieces.known,
            self._pieces.scores,
            self._pieces.types,
            self._frozen,
        )
        parts: list[str] = self._parts.findall(text)
        after, before = list(range(1, len(parts) + 1)), list(range(-1, len(parts) - 1))
        waiting: list[tuple[float, int, int, str]] = []
        halves: dict[str, tuple[str, str]] = {}

        def consider(left: int, right: int) -> None:
            if left < 0 or right >= len(parts) or parts[left] in frozen or parts[right] in frozen:
                return
            merged = parts[left] + parts[right]
            number = known.get(merged)
            if number is None:
                return
            heapq.heappush(waiting, (-scores[number], left, right, merged))
            if types[number] == UNUSED:
                halves[merged] = parts[left], parts[right]

        for left in range(len(parts) - 1):
            consider(left, left + 1)
        while waiting:
            _, left, right, merged = heapq.heappop(waiting)
            if not parts[left] or not parts[right] or parts[left] + parts[right] != merged:
                continue
            if dropped is not None and dropped():
                continue
            parts[left], parts[right] = merged, ""
            after[left] = after[right]
            if after[right] < len(parts):
                before[after[right]] = left
            consider(before[left], left)
            consider(left, after[left])
        path: Cut = []
        for part in parts:
            if part:
                self._add(part, halves, path)
        return path

    def _add(self, part: str, halves: dict[str, tuple[str, str]], pieces: Cut) -> None:
        """Adds a piece; one that is not used is cut again."""
        number = self._pieces.number(part)
        if (
            number != self._pieces.unknown
            and self._pieces.types[number] == UNUSED
            and part in halves
        ):
            for half in halves[part]:
                self._add(half, halves, pieces)
        else:
            pieces.append((part, number))


def _words(pieces: Pieces) -> Callable[[str], Cut]:
    pattern = re.compile(
        f"[^{SPACE}]*{SPACE}|[^{SPACE}]+"
        if pieces.space_is_suffix
        else f"{SPACE}[^{SPACE}]*|[^{SPACE}]+"
    )
    return lambda text: [(word, pieces.number(word)) for word in pattern.findall(text)]


def _characters(pieces: Pieces) -> Callable[[str], Cut]:
    symbols = sorted((s for s in pieces.symbols() if s), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, symbols), "[\\s\\S]"]))
    return lambda text: [(part, pieces.number(part)) for part in pattern.findall(text)]


def segmenter(pieces: Pieces) -> Callable[[str], Cut]:
    """Cuts texts by a vocabulary."""
    return {
        UNIGRAM: lambda p: lattice(p).best,
        BPE: lambda p: Merges(p).best,
        WORD: _words,
        CHAR: _characters,
    }[pieces.kind](pieces)


def chunks(pieces: Pieces) -> re.Pattern[str] | None:
    """A pattern of parts of texts that may be cut by themselves; None if there are no such parts.

    No piece goes on behind a word, where the symbol for a space follows another character; and that symbol is a piece, so that it is not joined to an unknown one. Of unigram models, sums of scores
    go on from part to part.
    """
    crosses = re.compile(f"[^{SPACE}]{SPACE}")
    number = pieces.known.get(SPACE)
    if number is None or pieces.types[number] == UNUSED or pieces.space_is_suffix:
        return None
    if pieces.kind != BPE or any(crosses.search(text) for text in pieces.known):
        return None
    return re.compile(f"{SPACE}*[^{SPACE}]+|{SPACE}+")
