"""Rows of code points cut where the script changes."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.ops.strings.scripts import scripts_of
from penstock._src.ops.text.characters.whitespace import SPACES

_SPACES = np.array(SPACES, np.int32)


class UnicodeScriptTokenizeWithOffsets(Op):
    """The parts of rows of code points of one script, and where they begin and end; white space is of the script Common."""

    signature = """input_values: int32, input_splits: Tsplits -> output_values: int32,
        output_values_inner_splits: Tsplits, output_offset_starts: int64,
        output_offset_limits: int64, output_outer_splits: Tsplits"""
    keep_whitespace: bool = False
    Tsplits: INDEX = dtypes.int64

    def shape(self, input_values, input_splits):
        input_values.with_rank(1)
        return [None], [None], [None], [None], input_splits.with_rank(1)

    def eager(self, input_values, input_splits):
        scripts = scripts_of(input_values)
        is_space = np.isin(input_values, _SPACES)
        begins = np.zeros(len(scripts) + 1, bool)
        begins[input_splits] = True
        begins = begins[:-1]
        begins[1:] |= scripts[1:] != scripts[:-1]
        if self.keep_whitespace:
            begins[1:] |= is_space[1:] != is_space[:-1]
        # White space that is not kept does not end a part: it only is left out.
        kept = np.arange(len(scripts)) if self.keep_whitespace else np.flatnonzero(~is_space)
        parts = np.cumsum(begins)[kept]
        first = np.flatnonzero(np.diff(parts, prepend=-1))
        last = np.append(first[1:], len(kept))[: len(first)] - 1
        starts, limits = kept[first], kept[last] + 1
        outer = np.searchsorted(starts, input_splits)
        rows = np.repeat(input_splits[:-1], np.diff(outer))
        kind = self.Tsplits.np
        return (
            input_values[kept],
            np.append(first, len(kept)).astype(kind),
            (starts - rows).astype(np.int64),
            (limits - rows).astype(np.int64),
            outer.astype(kind),
        )
