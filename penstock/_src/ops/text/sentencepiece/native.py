"""A model of SentencePiece as native code takes it."""

from collections.abc import Callable, Sequence

import numpy as np

from penstock._src.native.algorithms.texts.joining import Joiner
from penstock._src.native.algorithms.texts.sentencepiece.cutting import Cutter
from penstock._src.native.algorithms.texts.sentencepiece.normalizing import Normalizer
from penstock._src.ops.text.models.double_array import build
from penstock._src.ops.text.sentencepiece.model import (
    BPE,
    UNIGRAM,
    UNUSED,
    USER_DEFINED,
    Pieces,
    Rules,
)
from penstock._src.ops.text.sentencepiece.segmenting import chunks, piece_scores, unknown_score


def normalizer(pieces: Pieces, rules: Rules) -> Normalizer | None:
    """The native normalizer of texts; None if symbols of users are not valid UTF-8."""
    symbols = _encoded([text for text in pieces.symbols() if text])
    if symbols is None:
        return None
    return Normalizer(
        symbols=build(dict.fromkeys(symbols, 0)) if symbols else np.zeros(0, np.uint32),
        rules=rules.trie.units if rules.trie is not None else np.zeros(0, np.uint32),
        replacements=rules.replacements,
        adds_before=rules.adds_prefix and not pieces.space_is_suffix,
        adds_behind=rules.adds_prefix and pieces.space_is_suffix,
        removes=rules.removes_spaces,
        escapes=rules.escapes_spaces,
    )


def cutter(pieces: Pieces) -> Cutter | None:
    """The cutter of normalized texts; None if native code does not support the model."""
    of_bytes = [pieces.byte(value) for value in range(256)] if pieces.falls_back_to_bytes else None
    if of_bytes is not None and pieces.unknown in of_bytes:
        return None
    scores = np.array(pieces.scores, np.float64)
    if pieces.kind == UNIGRAM:
        numbers = {}
        for text, (number, score) in piece_scores(pieces).items():
            numbers[text], scores[number] = number, score
    elif pieces.kind == BPE and _merges_alone(pieces):
        numbers = {text: number for text, number in pieces.known.items() if text}
    else:
        return None
    texts = _encoded(list(numbers))
    if texts is None:
        return None
    return Cutter(
        units=build(dict(zip(texts, numbers.values(), strict=True))),
        scores=scores,
        unknown=pieces.unknown,
        unknown_score=unknown_score(pieces),
        of_bytes=of_bytes,
        is_chunked=chunks(pieces) is not None,
        merges=pieces.kind == BPE,
        compares_rounded=pieces.compares_rounded,
    )


def joiner(surface: Callable[[int, bool], bytes], pieces: Pieces) -> Joiner:
    """Joins pieces to texts, if no piece is a byte.

    Args:
      surface: what the piece with a number is in a text, given whether it stands at its begin.
      pieces: the vocabulary.
    """
    numbers = range(len(pieces.texts))
    first, other = ([surface(number, at) for number in numbers] for at in (True, False))
    return Joiner(first, other)


def _merges_alone(pieces: Pieces) -> bool:
    """True if all pieces are single characters or merges of them, and no other text has their names."""
    return (
        USER_DEFINED not in pieces.types
        and UNUSED not in pieces.types
        and not any(len(text) == 1 or text in pieces.known for text in pieces.reserved)
    )


def _encoded(texts: Sequence[str]) -> list[bytes] | None:
    """Texts in UTF-8; None if one is malformed or has a zero."""
    try:
        encoded = [text.encode() for text in texts]
    except UnicodeEncodeError:
        return None
    return None if any(b"\0" in text for text in encoded) else encoded
