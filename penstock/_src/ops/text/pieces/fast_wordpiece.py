"""Texts cut into pieces of a vocabulary that a model in bytes holds."""

import numpy as np

from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.native.algorithms.texts.wordpiece import pieces_of, texts_of
from penstock._src.native.algorithms.texts.words import APART, SPACE, Words, sizes_of, words_of
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.text.characters.decoding import characters, cut, splits_shape
from penstock._src.ops.text.models import wordpiece
from penstock._src.ops.text.models.model_cache import ModelCache
from penstock._src.ops.text.models.wordpiece import WordpieceModel
from penstock._src.ops.variants import variant

model_of = ModelCache(wordpiece.read)


def _words(rows):
    """The words of texts: how many each text has, each word, and the byte of its text at which it begins."""
    decoded = characters(rows)
    kinds = wordpiece.kinds_of(decoded.points)
    is_first = decoded.is_first()
    begins = is_first[:-1].copy()
    begins[1:] |= (kinds[1:] != kinds[:-1]) | (kinds[1:] == APART)
    first = np.flatnonzero(begins)
    behind = np.append(first[1:], len(kinds))[: len(first)]
    is_word = kinds[first] != SPACE
    first, behind = first[is_word], behind[is_word]
    splits = np.searchsorted(first, decoded.splits)
    starts = decoded.begins[first]
    words = cut(decoded.data, starts, decoded.begins[behind])
    return np.diff(splits), words.tolist(), starts - np.repeat(decoded.starts[:-1], np.diff(splits))


def _natively(rows: np.ndarray, model: WordpieceModel) -> tuple[np.ndarray, ...] | None:
    """The outputs of the op; None if a string is malformed, or the model does not suit native code."""
    if model.vocabulary is None:
        return None
    rows = np.ascontiguousarray(rows)
    vocabulary, texts = model.vocabulary
    if model.is_end_to_end:
        words = words_of(rows, wordpiece.KINDS)
    else:
        sizes, _ = sizes_of(rows)
        words = Words(np.zeros_like(sizes), sizes, np.arange(len(rows) + 1))
    if words is None:
        return None
    pieces = pieces_of(rows, words, vocabulary)
    strings = texts_of(pieces.numbers, texts)
    if strings is None:
        return None
    return strings, pieces.numbers, pieces.splits, pieces.begins, pieces.ends


class FastWordpieceTokenizeWithOffsets(Op):
    """The pieces of texts, their numbers, and the bytes at which they begin and end."""

    signature = """input_values: string, wp_model: uint8 -> output_subwords: string,
        output_ids: int64, output_row_splits: int64, start_values: int64, end_values: int64"""

    def shape(self, input_values, wp_model):
        wp_model.with_rank(1)
        return [None], [None], splits_shape(input_values), [None], [None]

    def eager(self, input_values, wp_model):
        model = model_of(wp_model)
        outputs = _natively(input_values, model) if runs_native_code() else None
        if outputs is not None:
            return outputs
        if not model.is_end_to_end:
            counts, texts, numbers, begins, ends = model.memory.pieces(input_values.tolist())
            return texts, numbers, np.append(0, np.cumsum(counts)), begins, ends
        words_of_each, words, places = _words(input_values)
        counts, texts, numbers, begins, ends = model.memory.pieces(words)
        shift = np.repeat(places, counts)
        splits = np.append(0, np.cumsum(counts))[np.append(0, np.cumsum(words_of_each))]
        return texts, numbers, splits, begins + shift, ends + shift


class _FastWordpieceDetokenize(Op):
    """The texts of rows of numbers of pieces: those that go on within a word follow without a space."""

    signature = """input_values: int32, input_row_splits: int64, wp_model: uint8
        -> output_words: string"""

    def shape(self, input_values, input_row_splits, wp_model):
        input_values.with_rank(1)
        rows = input_row_splits.with_rank(1)[0]
        return [None if rows is None else rows - 1]

    def eager(self, input_values, input_row_splits, wp_model):
        model = model_of(wp_model)
        if not model.has_texts:
            raise FailedPreconditionError(
                f"{self.op_type}: Detokenize function is only enabled when support_detokenization is true in the model: build it with support_detokenization=True."
            )
        wrong = (input_values < 0) | (input_values >= len(model.texts))
        if wrong.any():
            number = input_values[wrong][0]
            raise self.invalid(
                f"a piece has a number from 0 to {len(model.texts) - 1}. Received {number}."
            )
        if runs_native_code() and model.joiner is not None:
            joined = model.joiner.joined(input_values, input_row_splits)
            if joined is not None:
                return joined
        out = np.empty(len(input_row_splits) - 1, object)
        goes_on = model.goes_on.tolist()
        for row, (begin, end) in enumerate(
            zip(input_row_splits[:-1].tolist(), input_row_splits[1:].tolist(), strict=True)
        ):
            parts: list[bytes] = []
            for number in input_values[begin:end].tolist():
                if goes_on[number]:
                    parts.append(
                        model.texts[number] if parts else model.suffix + model.texts[number]
                    )
                else:
                    parts += (b" ", model.texts[number]) if parts else (model.texts[number],)
            out[row] = b"".join(parts)
        return out


variant("TFText>FastWordpieceDetokenize", _FastWordpieceDetokenize)
