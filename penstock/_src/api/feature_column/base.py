"""Base classes of feature columns: named tuples that turn features into tensors."""

import numpy as np

from penstock._src.api.sparse.functions import to_dense
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


class FeatureColumn:
    """A column of data."""

    @property
    def name(self):
        """The name of the column."""
        raise NotImplementedError(f"{type(self).__name__}.name")

    @property
    def parse_example_spec(self):
        """The features that `tf.io.parse_example` must parse for the column."""
        raise NotImplementedError(f"{type(self).__name__}.parse_example_spec")

    @property
    def parents(self):
        """The columns or keys that it depends on."""
        raise NotImplementedError(f"{type(self).__name__}.parents")

    def transform(self, features):
        """The tensor of the column.

        Args:
          features: a Features.
        """
        raise NotImplementedError(f"{type(self).__name__}.transform")

    def get_config(self):
        """The arguments of the column as plain values."""
        config = dict(zip(self._fields, self))
        return {name: _plain(value) for name, value in config.items()}

    @property
    def _is_v2_column(self):
        return True


def _plain(value):
    if isinstance(value, FeatureColumn):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, dtypes.DType):
        return value.name
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


class DenseColumn(FeatureColumn):
    """A column whose tensor is dense, `[batch, *variable_shape]`."""

    @property
    def variable_shape(self):
        """The static shape without the batch."""
        raise NotImplementedError(f"{type(self).__name__}.variable_shape")

    def dense_tensor(self, features):
        """The dense tensor of the column."""
        return features.get(self)


class CategoricalColumn(FeatureColumn):
    """A column whose tensor is sparse, with category ids."""

    @property
    def num_buckets(self):
        """The number of categories."""
        raise NotImplementedError(f"{type(self).__name__}.num_buckets")

    def sparse_tensors(self, features):
        """The sparse tensors of category ids and of weights (or None)."""
        return features.get(self), None


class SequenceDenseColumn(FeatureColumn):
    """A column with a dense tensor for each step of a sequence."""


class Features:
    """A dictionary of tensors, with a cache of the tensors of columns."""

    def __init__(self, features):
        self._features = dict(features)
        self._made = {}

    def get(self, key):
        """The tensor of a key, with at least two axes, or of a column."""
        if key not in self._made:
            self._made[key] = self._raw(key) if isinstance(key, str) else key.transform(self)
        return self._made[key]

    def _raw(self, key):
        if key not in self._features:
            raise ValueError(f"Feature {key} is not in features dictionary.")
        value = self._features[key]
        if isinstance(value, SparseTensor) or hasattr(value, "row_splits"):
            return value if isinstance(value, SparseTensor) else value.to_sparse()
        value = convert_to_tensor(value)
        if value.shape.rank == 0:
            raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {value}")
        return raw.ExpandDims(input=value, axis=np.int32(-1)) if value.shape.rank == 1 else value


def sparse_of(value):
    """Converts a dense tensor to a sparse one, dropping -1 and empty strings; returns a sparse one unchanged."""
    if isinstance(value, SparseTensor):
        return value
    missing = b"" if value.dtype == dtypes.string else np.asarray(-1, value.dtype.np)
    kept = raw.Where(condition=raw.NotEqual(x=value, y=missing))
    values = raw.GatherNd(params=value, indices=kept)
    return SparseTensor(kept, values, raw.Shape(input=value, out_type=dtypes.int64))


def dense_of(value, default):
    """Converts a sparse tensor to a dense one filled with `default`; returns a dense one unchanged."""
    if not isinstance(value, SparseTensor):
        return value
    return to_dense(value, default_value=default)


def check_key(key):
    """Raises unless `key` names a feature."""
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")
