"""The features of examples that are parsed separately, read for a group of them at once."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.values.groups import NotGrouped, Ragged, Stacked, splits_of
from penstock._src.ops.parsing import columns
from penstock._src.ops.parsing.sequence_columns import places


def read_each(reader, serialized, keys, read):
    """Return the result of `read` for the features of a group's examples, each parsed by itself.

    Args:
      reader: makes columns of serialized examples and lists of keys.
      serialized: a group of scalars.
      keys: the lists of keys.
      read: takes the columns.

    Raises:
      NotGrouped: native code cannot read them, or refuses one.
    """
    if type(serialized) is not Stacked or serialized.array.ndim != 1 or not any(keys):
        raise NotGrouped
    if not columns.is_available():
        raise NotGrouped
    try:
        return read(reader(serialized.array.tolist(), *[tuple(dict.fromkeys(k)) for k in keys]))
    except columns.IrregularError:  # parsing them separately reads it or reports its error
        raise NotGrouped from None


def dense_each(batch, keys, types, shapes, defaults):
    """The dense features of each example."""
    features = []
    for key, dtype, shape, default in zip(keys, types, shapes, defaults, strict=True):
        dims = shape.as_list()
        if dims and dims[0] is None:
            features.append(_rows_each(batch, key, dtype, dims[1:]))
        else:
            features.append(Stacked(batch.dense(key, dtype, shape, default)))
    return features


def _rows_each(batch, key, dtype, inner):
    """A feature of rows of a shape, as many as each example has."""
    values, splits = batch.ragged(key, dtype, dtypes.int64)
    stride = math.prod(inner)
    if stride == 0 or (splits % stride).any():
        raise columns.IrregularError
    return Ragged(values.reshape(-1, *inner), splits // stride)


def sparse_each(batch, keys, types):
    """The sparse features of each example: indices, values and shapes."""
    features = []
    for key, dtype in zip(keys, types, strict=True):
        values, splits = batch.ragged(key, dtype, dtypes.int64)
        counts = np.diff(splits)
        index = np.arange(len(values)) - np.repeat(splits[:-1], counts)
        sizes = Stacked(counts.reshape(-1, 1))
        features.append((Ragged(index.reshape(-1, 1), splits), Ragged(values, splits), sizes))
    return [f[0] for f in features], [f[1] for f in features], [f[2] for f in features]


def ragged_each(batch, keys, types, splits_types):
    """The ragged features of each example: values, and no row splits, as an example is one row."""
    features = [Ragged(*batch.ragged(key, dtype, dtypes.int64)) for key, dtype in zip(keys, types)]
    return features, [Stacked(np.zeros((batch.rows, 0), kind.np)) for kind in splits_types]


def dense_steps_each(batch, keys, types, shapes, may_miss):
    """The dense feature lists of each sequence example, and how many steps they have."""
    features = [
        batch.dense_rows(key, dtype, shape, miss)
        for key, dtype, shape, miss in zip(keys, types, shapes, may_miss, strict=True)
    ]
    values = [Ragged(rows, splits_of(lengths)) for rows, lengths in features]
    return values, [Stacked(lengths.copy()) for _, lengths in features]


def sparse_steps_each(batch, keys, types):
    """The sparse feature lists of each sequence example: indices, values and shapes."""
    features = []
    for key, dtype in zip(keys, types, strict=True):
        values, outer, inner = batch.ragged_steps(key, dtype, dtypes.int64)
        lengths, counts = np.diff(outer), np.diff(inner)
        row, step = places(lengths)
        of_value, position = places(counts)
        index, splits = np.stack([step[of_value], position], 1), inner[outer]
        widest = np.zeros(batch.rows, np.int64)
        np.maximum.at(widest, row, counts)
        sizes = Stacked(np.stack([lengths, widest], 1))
        features.append((Ragged(index, splits), Ragged(values, splits), sizes))
    return [f[0] for f in features], [f[1] for f in features], [f[2] for f in features]


def ragged_steps_each(batch, keys, types, splits_types):
    """The ragged feature lists of each sequence example: values, no splits of examples, and the splits of steps."""
    flat, steps = [], []
    for key, dtype, kind in zip(keys, types, splits_types, strict=True):
        values, outer, inner = batch.ragged_steps(key, dtype, dtypes.int64)
        flat.append(Ragged(values, inner[outer]))
        counts = np.diff(outer) + 1
        ends = inner[np.arange(counts.sum()) - np.repeat(np.arange(batch.rows), counts)]
        ends = ends - np.repeat(inner[outer[:-1]], counts)
        steps.append(Ragged(ends.astype(kind.np), splits_of(counts)))
    return flat, [Stacked(np.zeros((batch.rows, 0), kind.np)) for kind in splits_types], steps
