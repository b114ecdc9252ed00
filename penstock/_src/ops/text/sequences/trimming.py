"""Segments that give one item in turn until a bound is reached."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY, INDEX
from penstock._src.ops.variants import variant


def _shares(op, most, values, splits):
    """The number of items of each segment in each row: [rows, segments]."""
    rows = len(splits[0]) - 1
    for own in splits:
        if len(own) - 1 != rows:
            raise op.invalid(f"all segments must have {rows} rows. Received {len(own) - 1}.")
    most = int(np.reshape(most, -1)[0]) if np.size(most) else 0
    lengths = np.stack([np.diff(own) for own in splits], axis=1)
    most = max(most, 0)
    level = _level(np.sort(lengths.astype(np.int64), axis=1), most)
    shares = np.minimum(lengths, level)
    # After whole rounds, the first segments that still have items get one more each.
    is_open = lengths > level
    left = most - shares.sum(axis=1, keepdims=True)
    return shares + (is_open & (np.cumsum(is_open, axis=1) <= left))


def _level(ascending, most):
    """The number of rounds in which every segment that has an item left gives one: [rows, 1]."""
    count = ascending.shape[1]
    before = np.cumsum(ascending, axis=1) - ascending
    # If the k shortest segments give all they have, the others share the rest.
    rounds = (most - before) // np.arange(count, 0, -1)
    fits = rounds < ascending
    first = fits.argmax(axis=1)[:, None]
    whole = ascending[:, -1:]
    return np.where(fits.any(axis=1)[:, None], np.take_along_axis(rounds, first, 1), whole)


def _mask(splits, shares):
    lengths = np.diff(splits)
    in_row = np.arange(splits[-1]) - np.repeat(splits[:-1], lengths)
    return in_row < np.repeat(shares, lengths)


class _RoundRobinGenerateMasks(Op):
    """Which items of segments stay if each gives one in turn until a bound is reached."""

    signature = """max_sequence_length: int32, input_values: N * T, input_row_splits: N * Tsplits -> masks: N * bool"""
    T = ANY
    Tsplits = INDEX
    minimum = {"N": 1}
    differentiable = False

    def shape(self, max_sequence_length, input_values, input_row_splits):
        return list(input_values)

    def eager(self, max_sequence_length, input_values, input_row_splits):
        shares = _shares(self, max_sequence_length, input_values, input_row_splits)
        return [_mask(own, shares[:, k]) for k, own in enumerate(input_row_splits)]


variant("TFText>RoundRobinGenerateMasks", _RoundRobinGenerateMasks)


class _RoundRobinTrim(Op):
    """Segments that give one item each in turn until a bound is reached."""

    signature = """max_sequence_length: int32, input_values: N * T, input_row_splits: N * Tsplits
        -> values: N * T, row_splits: N * Tsplits"""
    T = ANY
    Tsplits = INDEX
    minimum = {"N": 1}
    differentiable = False

    def shape(self, max_sequence_length, input_values, input_row_splits):
        return [[None]] * len(input_values), list(input_row_splits)

    def eager(self, max_sequence_length, input_values, input_row_splits):
        shares = _shares(self, max_sequence_length, input_values, input_row_splits)
        values, splits = [], []
        for k, own in enumerate(input_row_splits):
            values.append(input_values[k][_mask(own, shares[:, k])])
            splits.append(np.append(0, np.cumsum(shares[:, k])).astype(own.dtype))
        return values, splits


variant("TFText>RoundRobinTrim", _RoundRobinTrim)
