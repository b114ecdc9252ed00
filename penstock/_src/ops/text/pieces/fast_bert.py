"""Texts normalized as BERT's tokenizers take them."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.text.characters.decoding import characters, cut, splits_shape
from penstock._src.ops.text.models import normalizer
from penstock._src.ops.text.models.model_cache import ModelCache

_model = ModelCache(normalizer.read, 4)


class FastBertNormalize(Op):
    """Texts normalized by a model, and of each byte and of the end the byte of the text that it comes from."""

    signature = """input_values: string, fast_bert_normalizer_model: uint8
        -> output_values: string[input_values], output_offsets: int64[?], output_row_splits: int64[?]"""
    get_offsets: bool = False

    def shape(self, input_values, fast_bert_normalizer_model):
        fast_bert_normalizer_model.with_rank(1)
        return input_values.with_rank(1), [None], splits_shape(input_values)

    def eager(self, input_values, fast_bert_normalizer_model):
        model = _model(fast_bert_normalizer_model)
        texts = model.replacements.replaced(input_values) if runs_native_code() else None
        if texts is None:
            return self._by_characters(input_values, model)
        if self.get_offsets:
            return texts, *model.replacements.origins(input_values, texts)
        return texts, np.empty(0, np.int64), np.zeros(len(input_values) + 1, np.int64)

    def _by_characters(self, input_values, model):
        decoded = characters(input_values)
        rows = len(input_values)
        new = [model.known[point] for point in decoded.points.tolist()]
        changes = np.array([text is not None for text in new], bool)
        sizes = np.array([len(text or b"") for text in new], np.int64)
        lengths = np.where(changes, sizes, np.diff(decoded.begins))
        ends = np.cumsum(lengths)
        begins = ends - lengths
        starts = np.append(begins, ends[-1] if len(ends) else 0)[decoded.splits]
        places = zip(decoded.begins[:-1].tolist(), decoded.begins[1:].tolist(), strict=True)
        parts = zip(new, places, strict=True)
        joined = b"".join([decoded.data[a:b] if text is None else text for text, (a, b) in parts])
        texts = cut(joined, starts[:-1], starts[1:])
        if not self.get_offsets:
            return texts, np.empty(0, np.int64), np.zeros(rows + 1, np.int64)
        # Bytes of a character that stays come from each of its own, those of one that changes from its first.
        own = (np.arange(starts[-1]) - np.repeat(begins, lengths)) * np.repeat(~changes, lengths)
        offsets = np.repeat(decoded.begins[:-1], lengths) + own
        offsets -= np.repeat(decoded.starts[:-1], np.diff(starts))
        offsets = np.insert(offsets, starts[1:], np.diff(decoded.starts))
        return texts, offsets, starts + np.arange(rows + 1)
