"""Strings joined in windows."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import as_bytes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.texts.joining import cuts, joined_neighbours
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.variants import variant


class _NgramsStringJoin(Op):
    """The strings of each window of a row, joined."""

    signature = """input_values: string, input_row_splits: RAGGED_RANK * Tsplits
        -> output_values: string, output_row_splits: RAGGED_RANK * Tsplits"""
    width: int
    axis: int
    string_separator: str
    Tsplits: INDEX = dtypes.int64
    minimum = {"RAGGED_RANK": 0}
    differentiable = False

    def shape(self, input_values, input_row_splits):
        if input_row_splits:
            return [None], list(input_row_splits)
        if input_values.rank is None:
            return None, []
        *outer, last = input_values.as_list()
        return [*outer, None if last is None else max(0, last - self.width + 1)], []

    def eager(self, input_values, input_row_splits):
        joiner, width = as_bytes(self.string_separator), self.width
        if not input_row_splits:
            count = max(0, input_values.shape[-1] - width + 1)
            rows = input_values.reshape(-1, input_values.shape[-1])
            out = np.empty((len(rows), count), object)
            for number, row in enumerate(rows.tolist()):
                out[number] = [joiner.join(row[k : k + width]) for k in range(count)]
            return out.reshape(*input_values.shape[:-1], count), []
        *outer, inner = input_row_splits
        if runs_native_code() and width > 0 and cuts(inner, len(input_values)):
            counts = np.maximum(np.diff(inner) - width + 1, 0)
            ends = np.cumsum(counts)
            shift = np.repeat(inner[:-1] - ends + counts, counts)
            begins = np.arange(len(shift)) + shift
            values = joined_neighbours(input_values, begins, width, joiner)
            return values, [*outer, np.append(0, ends).astype(inner.dtype)]
        strings, joined, splits = input_values.tolist(), [], [0]
        for begin, end in zip(inner[:-1].tolist(), inner[1:].tolist(), strict=True):
            joined += [joiner.join(strings[k : k + width]) for k in range(begin, end - width + 1)]
            splits.append(len(joined))
        values = np.empty(len(joined), object)
        values[:] = joined
        return values, [*outer, np.array(splits, inner.dtype)]


variant("TFText>NgramsStringJoin", _NgramsStringJoin)
