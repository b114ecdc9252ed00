"""Numeric, bucketized and sequence numeric columns."""

import collections

import numpy as np

from penstock._src.api.array.creation import one_hot
from penstock._src.api.io.parsing import FixedLenFeature, VarLenFeature
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .base import (
    CategoricalColumn,
    DenseColumn,
    SequenceDenseColumn,
    SparseTensor,
    check_key,
    dense_of,
)


def _checked_shape(shape, key):
    shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    for n in shape:
        if not isinstance(n, (int, np.integer)):
            raise TypeError(f"shape dimensions must be integer. shape: {shape}, key: {key}")
        if n < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {shape}, key: {key}")
    return shape


def _checked_default(default, shape, dtype, key):
    """`default` as nested tuple of the shape."""
    if default is None:
        return None
    array = np.asarray(default)
    numeric = np.issubdtype(array.dtype, np.number)
    fits = numeric and (dtype.is_floating or np.issubdtype(array.dtype, np.integer))
    if not fits:
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {default}, dtype: "
            f"<dtype: '{dtype.name}'>, key: {key}"
        )
    if array.ndim and array.shape != shape:
        raise ValueError(
            "The shape of default_value must be equal to given shape. default_value: "
            f"{default}, shape: {shape}, key: {key}"
        )
    return _tuples(np.broadcast_to(array.astype(dtype.np), shape).tolist())


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _check_normalizer(normalizer_fn):
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")


def _check_numeric(dtype, key):
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(
            f"dtype must be convertible to float. dtype: <dtype: '{dtype.name}'>, key: {key}"
        )


class NumericColumn(
    DenseColumn,
    collections.namedtuple(
        "NumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn")
    ),
):
    """Numbers, optionally normalized."""

    name = read_only("key", "The name of the column.")

    @property
    def parse_example_spec(self):
        """The specification for `tf.io.parse_example` to parse the column."""
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    @property
    def parents(self):
        """The keys that it is made of."""
        return [self.key]

    @property
    def variable_shape(self):
        """The static shape without the batch."""
        return TensorShape(self.shape)

    def transform(self, features):
        """The numbers as float32."""
        value = features.get(self.key)
        if isinstance(value, SparseTensor):
            raise ValueError(
                f"The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not "
                f"supported. key: {self.key}"
            )
        if self.normalizer_fn is not None:
            value = self.normalizer_fn(value)
        return cast(value, dtypes.float32)


@export("feature_column.numeric_column")
def numeric_column(key, shape=(1,), default_value=None, dtype=dtypes.float32, normalizer_fn=None):
    """A column of numbers.

    Args:
      key: of the feature.
      shape: of an example's numbers.
      default_value: for examples without the feature: a number, or an array of the shape.
      dtype: the type that is parsed.
      normalizer_fn: applied to the tensor.
    """
    shape, dtype = _checked_shape(shape, key), dtypes.as_dtype(dtype)
    _check_numeric(dtype, key)
    default = _checked_default(default_value, shape, dtype, key)
    _check_normalizer(normalizer_fn)
    check_key(key)
    return NumericColumn(key, shape, default, dtype, normalizer_fn)


class BucketizedColumn(
    DenseColumn,
    CategoricalColumn,
    collections.namedtuple("BucketizedColumn", ("source_column", "boundaries")),
):
    """The index of the interval of each number."""

    @property
    def name(self):
        """The name of the column."""
        return f"{self.source_column.name}_bucketized"

    parse_example_spec = read_only(
        "source_column.parse_example_spec",
        "What `tf.io.parse_example` has to parse for the column.",
    )

    @property
    def parents(self):
        """The columns that it is made of."""
        return [self.source_column]

    @property
    def variable_shape(self):
        """The static shape without the batch."""
        return TensorShape([*self.source_column.shape, len(self.boundaries) + 1])

    @property
    def num_buckets(self):
        """The number of categories: each number of an example has its own."""
        return (len(self.boundaries) + 1) * self.source_column.shape[0]

    def transform(self, features):
        """The indices of the intervals."""
        return raw.Bucketize(
            input=features.get(self.source_column), boundaries=[float(b) for b in self.boundaries]
        )

    def dense_tensor(self, features):
        """The intervals, one-hot encoded."""
        return one_hot(features.get(self), len(self.boundaries) + 1, 1.0, 0.0)

    def sparse_tensors(self, features):
        """The categories as sparse tensor."""
        buckets, count = features.get(self), self.source_column.shape[0]
        rows = raw.Shape(input=buckets)[0]
        places = raw.Range(start=np.int32(0), limit=rows * count, delta=np.int32(1))
        row, column = places // count, places % count
        flat = raw.Reshape(tensor=buckets, shape=[-1])
        values = flat + column * (len(self.boundaries) + 1)
        indices = raw.Pack(values=[cast(row, dtypes.int64), cast(column, dtypes.int64)], axis=1)
        shape = raw.Pack(values=[cast(rows, dtypes.int64), np.int64(count)], axis=0)
        return SparseTensor(indices, cast(values, dtypes.int64), shape), None


@export("feature_column.bucketized_column")
def bucketized_column(source_column, boundaries):
    """A column of the intervals of a numeric column's numbers.

    Args:
      source_column: a numeric column with one axis.
      boundaries: ascending numbers; a number equal to one is in the interval above it.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(
            "source_column must be a column generated with numeric_column(). Given: "
            f"{source_column}"
        )
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, (list, tuple)):
        raise ValueError("boundaries must be a sorted list.")
    if any(a >= b for a, b in zip(boundaries, boundaries[1:])):
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))


class SequenceNumericColumn(
    SequenceDenseColumn,
    collections.namedtuple(
        "SequenceNumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn")
    ),
):
    """Numbers for each step of a sequence."""

    name = NumericColumn.name
    parents = NumericColumn.parents
    variable_shape = NumericColumn.variable_shape

    @property
    def parse_example_spec(self):
        """The specification for `tf.io.parse_example` to parse the column."""
        return {self.key: VarLenFeature(self.dtype)}

    def transform(self, features):
        """The sparse numbers, normalized."""
        value = features.get(self.key)
        return value if self.normalizer_fn is None else self.normalizer_fn(value)

    def dense_tensor(self, features):
        """The numbers `[batch, steps, *shape]`, padded with the default."""
        dense = cast(dense_of(features.get(self), self.default_value), dtypes.float32)
        batch = raw.Shape(input=dense)[:1]
        shape = raw.ConcatV2(values=[batch, [-1], np.array(self.shape, np.int32)], axis=np.int32(0))
        return raw.Reshape(tensor=dense, shape=shape)


@export("feature_column.sequence_numeric_column", v1=[])
def sequence_numeric_column(
    key, shape=(1,), default_value=0.0, dtype=dtypes.float32, normalizer_fn=None
):
    """A column of numbers for each step of a sequence; arguments as `numeric_column`'s.

    Shorter sequences are padded with `default_value`.
    """
    shape, dtype = _checked_shape(shape, key), dtypes.as_dtype(dtype)
    _check_numeric(dtype, key)
    _check_normalizer(normalizer_fn)
    return SequenceNumericColumn(key, shape, default_value, dtype, normalizer_fn)
