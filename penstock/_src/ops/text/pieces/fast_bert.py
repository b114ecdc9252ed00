"""Texts normalized as BERT's tokenizers take them."""

import functools

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.text.characters.decoding import characters, cut, splits_shape
from penstock._src.ops.text.models import normalizer


@functools.lru_cache(maxsize=4)
def _read(data: bytes) -> normalizer.NormalizerModel:
    return normalizer.read(data)


class FastBertNormalize(Op):
    """Texts normalized by a model, and of each byte and of the end the byte of the text that it comes from."""

    signature = """input_values: string, fast_bert_normalizer_model: uint8
        -> output_values: string[input_values], output_offsets: int64[?], output_row_splits: int64[?]"""
    get_offsets: bool = False

    def shape(self, input_values, fast_bert_normalizer_model):
        fast_bert_normalizer_model.with_rank(1)
        return input_values.with_rank(1), [None], splits_shape(input_values)

    def eager(self, input_values, fast_bert_normalizer_model):
        model = _read(fast_bert_normalizer_model.tobytes())
        found = characters(input_values)
        sizes = model.sizes[found.points]
        changes = sizes >= 0
        rows = len(input_values)
        lengths = np.where(changes, sizes, np.diff(found.begins))
        ends = np.cumsum(lengths)
        begins = ends - lengths
        starts = np.append(begins, ends[-1] if len(ends) else 0)[found.splits]
        if changes.any():
            source = np.concatenate([np.frombuffer(found.data, np.uint8), model.pool])
            first = np.where(
                changes, len(found.data) + model.begins[found.points], found.begins[:-1]
            )
            made = source[np.arange(starts[-1]) + np.repeat(first - begins, lengths)].tobytes()
            texts = cut(made, starts[:-1], starts[1:])
        else:
            texts = input_values
        if not self.get_offsets:
            return texts, np.empty(0, np.int64), np.zeros(rows + 1, np.int64)
        # Bytes of a character that stays come from each of its own, those of one that changes from its first.
        own = (np.arange(starts[-1]) - np.repeat(begins, lengths)) * np.repeat(~changes, lengths)
        offsets = np.repeat(found.begins[:-1], lengths) + own
        offsets -= np.repeat(found.starts[:-1], np.diff(starts))
        offsets = np.insert(offsets, starts[1:], np.diff(found.starts))
        return texts, offsets, starts + np.arange(rows + 1)
