"""Texts cut into phrases of a vocabulary that a model in bytes holds."""

import random
import re

import numpy as np

from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.ops.text.characters.decoding import splits_shape
from penstock._src.ops.text.characters.whitespace import words_of_texts
from penstock._src.ops.text.models import phrases
from penstock._src.ops.text.models.model_cache import ModelCache
from penstock._src.ops.text.models.phrases import PhraseModel
from penstock._src.ops.variants import variant

# Suffixes that are separate words.
_END = re.compile(rb"(?:'(?:t|s|m|d|ve|ll|re)|[.,!?])\Z")


_model = ModelCache(phrases.read)


def _cut(model: PhraseModel, words: list[bytes]) -> list[tuple[bytes, int]]:
    """The longest phrase starting at each position, and its number."""
    if model.splits_ends:
        split = []
        for word in words:
            end = _END.search(word) if len(word) > 1 else None
            split += [word] if end is None else [word[: end.start()], end[0]]
        words = split
    cut, at = [], 0
    while at < len(words):
        best = 0
        for count in range(1, min(model.most_words, len(words) - at) + 1):
            if b" ".join(words[at : at + count]) in model.numbers and not (
                best and model.percent and random.random() * 100 < model.percent
            ):
                best = count
        if best:
            text = b" ".join(words[at : at + best])
            cut.append((text, model.numbers[text]))
        else:
            cut.append((model.unknown, model.unknown_number))
        at += best or 1
    return cut


class PhraseTokenize(Op):
    """The phrases of texts, and their numbers."""

    signature = """input_values: string, phrase_model: uint8 -> output_subwords: string, output_ids: int64,
        output_row_splits: int64"""
    differentiable = False

    def shape(self, input_values, phrase_model):
        phrase_model.with_rank(1)
        return [None], [None], splits_shape(input_values)

    def eager(self, input_values, phrase_model):
        model = _model(phrase_model)
        words, splits = words_of_texts(input_values, model.config)[:2]
        cut, row_splits = [], [0]
        for begin, end in zip(splits[:-1].tolist(), splits[1:].tolist(), strict=True):
            cut += _cut(model, words[begin:end].tolist())
            row_splits.append(len(cut))
        texts = np.empty(len(cut), object)
        texts[:] = [text for text, _ in cut]
        return (
            texts,
            np.array([number for _, number in cut], np.int64),
            np.array(row_splits, np.int64),
        )


class _PhraseDetokenize(Op):
    """The texts of rows of numbers of phrases."""

    signature = (
        "input_values: int32, input_row_splits: int64, phrase_model: uint8 -> output_words: string"
    )

    def shape(self, input_values, input_row_splits, phrase_model):
        rows = input_row_splits.with_rank(1)[0]
        return [None if rows is None else rows - 1]

    def eager(self, input_values, input_row_splits, phrase_model):
        model = _model(phrase_model)
        if not model.has_texts:
            raise FailedPreconditionError(
                f"{self.op_type}: Detokenize function is only enabled when support_detokenization is true in the model: build it with support_detokenization=True."
            )
        wrong = (input_values < 0) | (input_values >= len(model.texts))
        if wrong.any():
            raise self.invalid(
                f"a phrase has a number from 0 to {len(model.texts) - 1}. Received {input_values[wrong][0]}."
            )
        out = np.empty(len(input_row_splits) - 1, object)
        for row, (begin, end) in enumerate(
            zip(input_row_splits[:-1].tolist(), input_row_splits[1:].tolist(), strict=True)
        ):
            joined = b""
            for number in input_values[begin:end].tolist():
                text = model.texts[number]
                attached = model.splits_ends and _END.fullmatch(text) is not None
                joined += text if attached or not joined else b" " + text
            out[row] = joined
        return out


variant("TFText>PhraseDetokenize", _PhraseDetokenize)
