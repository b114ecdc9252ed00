"""Columns of numbers, and of the intervals in which numbers are."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.array.ranges import one_hot
from penstock._src.api.io.parsing import FixedLenFeature, VarLenFeature
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.functions import to_dense
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import (
    IdWeightPair,
    SequenceDenseColumn,
    TensorSequenceLengthPair,
    is_v2,
    spec_of,
)
from penstock._src.v1.feature_column.checks import check_key, check_numeric
from penstock._src.v1.feature_column.protocols import (
    EarlierCategorical,
    EarlierDense,
    LaterCategorical,
    LaterColumn,
    LaterDense,
)
from penstock._src.v1.feature_column.serialization import registered
from penstock._src.v1.feature_column.sources import CacheSource, sequence_lengths


def _checked_shape(shape: Any, key: Any) -> tuple[int, ...]:
    shape = tuple(shape) if nest.is_nested(shape) else (shape,)
    for size in shape:
        if not isinstance(size, (int, np.integer)):
            raise TypeError(f"shape dimensions must be integer. shape: {shape}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {shape}, key: {key}")
    return shape


def _checked_default(default: Any, shape: tuple[int, ...], dtype: Any, key: Any) -> Any:
    """The default as nested tuples of the shape."""
    if default is None:
        return None
    try:
        array = np.asarray(default)
    except ValueError:  # a nest that is not an array
        array = np.zeros((*shape, 0))
    if array.ndim and array.shape != shape:
        raise ValueError(
            "The shape of default_value must be equal to given shape. default_value: "
            f"{default}, shape: {shape}, key: {key}"
        )
    fits = "iuf" if dtype.is_floating else "iu"
    if array.dtype.kind not in fits:
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {default}, dtype: {dtype}, "
            f"key: {key}"
        )
    return _tuples(np.broadcast_to(array, shape).tolist())


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _check_normalizer(normalizer_fn: Any) -> None:
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")


class _Numbers:
    """Numbers of a feature, optionally normalized, as float32."""

    @classmethod
    def checked(
        cls,
        key: str,
        shape: Any = (1,),
        default_value: Any = None,
        dtype: Any = dtypes.float32,
        normalizer_fn: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Makes a column of valid arguments; see `numeric_column`."""
        shape, dtype = _checked_shape(shape, key), dtypes.as_dtype(dtype)
        check_numeric(dtype, f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
        default = _checked_default(default_value, shape, dtype, key)
        _check_normalizer(normalizer_fn)
        check_key(key)
        return cls(key, shape, default, dtype, normalizer_fn)

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.key

    @property
    def parents(self) -> list[str]:
        """The key of the feature."""
        return [self.key]

    def _spec(self) -> dict[str, Any]:
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def _shape(self) -> TensorShape:
        return TensorShape(self.shape)

    def _transform(self, source: Any) -> Any:
        value = source.get(self.key)
        if isinstance(value, SparseTensor):
            raise ValueError(
                f"The feature of a numeric column must be a Tensor, not a SparseTensor. key: {self.key}"
            )
        return cast(value if self.normalizer_fn is None else self.normalizer_fn(value), "float32")


_NUMERIC_FIELDS = ("key", "shape", "default_value", "dtype", "normalizer_fn")


class _NumericColumn(
    _Numbers, EarlierDense, collections.namedtuple("_NumericColumn", _NUMERIC_FIELDS)
):
    """Numbers of a feature; of the first generation."""


@registered
class NumericColumn(
    _Numbers, LaterDense, EarlierDense, collections.namedtuple("NumericColumn", _NUMERIC_FIELDS)
):
    """Numbers of a feature."""


@export("feature_column.numeric_column")
def numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: Any = None,
    dtype: Any = dtypes.float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> NumericColumn:
    """A column of numbers.

    Args:
      key: of the feature.
      shape: of an example's numbers.
      default_value: for examples without the feature: a number, or an array of the shape.
      dtype: the type that is parsed.
      normalizer_fn: applied to the tensor.

    Returns:
      A column.

    Raises:
      TypeError: the shape has other than integers, the default does not fit the type, or the normalizer is not a function.
      ValueError: a size is not positive, the default has another shape, or the type is not numeric.

    >>> column = tf.feature_column.numeric_column("age")
    >>> column.name, column.shape
    ('age', (1,))
    """
    return NumericColumn.checked(key, shape, default_value, dtype, normalizer_fn)


class _Intervals:
    """The index of the interval of each number; as categories, each number of an example has its own."""

    @classmethod
    def checked(cls, source_column: Any, boundaries: Any) -> Any:
        """Makes a column of valid arguments; see `bucketized_column`."""
        if not isinstance(source_column, _Numbers):
            raise ValueError(
                "source_column must be a column generated with numeric_column(). Given: "
                f"{source_column}"
            )
        if len(source_column.shape) > 1:
            raise ValueError(
                f"source_column must be one-dimensional column. Given: {source_column}"
            )
        is_list = isinstance(boundaries, (list, tuple)) and len(boundaries) > 0
        if not is_list or any(a >= b for a, b in zip(boundaries, boundaries[1:])):
            raise ValueError(f"boundaries must be a sorted list. Given: {boundaries}")
        return cls(source_column, tuple(boundaries))

    @property
    def name(self) -> str:
        """The name of the column."""
        return f"{self.source_column.name}_bucketized"

    @property
    def parents(self) -> list[Any]:
        """The column of the numbers."""
        return [self.source_column]

    @property
    def _is_v2_column(self) -> bool:
        return is_v2(self.source_column)

    def _spec(self) -> dict[str, Any]:
        return spec_of(self.source_column)

    def _shape(self) -> TensorShape:
        return TensorShape([*self.source_column.shape, len(self.boundaries) + 1])

    def _buckets(self) -> int:
        return (len(self.boundaries) + 1) * self.source_column.shape[0]

    def _transform(self, source: Any) -> Any:
        numbers = source.get(self.source_column)
        return raw.Bucketize(input=numbers, boundaries=[float(b) for b in self.boundaries])

    def _dense(self, source: Any) -> Any:
        places = cast(source.get(self), dtypes.int64)
        return one_hot(places, len(self.boundaries) + 1, 1.0, 0.0)

    def _categories(self, source: Any) -> IdWeightPair:
        places, width = source.get(self), self.source_column.shape[0]
        rows = raw.Shape(input=places)[0]
        count = raw.Range(start=np.int32(0), limit=rows * width, delta=np.int32(1))
        row, column = count // width, count % width
        ids = raw.Reshape(tensor=places, shape=[-1]) + column * (len(self.boundaries) + 1)
        indices = cast(raw.Pack(values=[row, column], axis=1), dtypes.int64)
        shape = cast(raw.Pack(values=[rows, np.int32(width)], axis=0), dtypes.int64)
        return IdWeightPair(SparseTensor(indices, ids, shape), None)


_BUCKETIZED_FIELDS = ("source_column", "boundaries")


class _BucketizedColumn(
    _Intervals,
    EarlierDense,
    EarlierCategorical,
    collections.namedtuple("_BucketizedColumn", _BUCKETIZED_FIELDS),
):
    """Intervals of numbers; of the first generation."""


@registered
class BucketizedColumn(
    _Intervals,
    LaterDense,
    LaterCategorical,
    EarlierDense,
    EarlierCategorical,
    collections.namedtuple("BucketizedColumn", _BUCKETIZED_FIELDS),
):
    """Intervals of numbers."""


@export("feature_column.bucketized_column")
def bucketized_column(source_column: NumericColumn, boundaries: Any) -> BucketizedColumn:
    """A column of the intervals of a numeric column's numbers.

    Args:
      source_column: a numeric column with one axis.
      boundaries: ascending numbers; a number equal to one is in the interval above it.

    Returns:
      A column of as many categories as boundaries and one more.

    Raises:
      ValueError: the column is not such a one, or the boundaries are not ascending.

    >>> age = tf.feature_column.numeric_column("age")
    >>> tf.feature_column.bucketized_column(age, [18, 65]).num_buckets
    3
    """
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    return BucketizedColumn.checked(source_column, boundaries)


@registered
class SequenceNumericColumn(
    LaterColumn,
    SequenceDenseColumn,
    collections.namedtuple("SequenceNumericColumn", _NUMERIC_FIELDS),
):
    """Numbers for each step of a sequence."""

    _as_is = ("normalizer_fn",)

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.key

    @property
    def parents(self) -> list[str]:
        """The key of the feature."""
        return [self.key]

    @property
    def variable_shape(self) -> TensorShape:
        """The static shape of a step."""
        return TensorShape(self.shape)

    def _spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    def _transform(self, source: Any) -> Any:
        value = source.get(self.key)
        return value if self.normalizer_fn is None else self.normalizer_fn(value)

    def get_sequence_dense_tensor(
        self, transformation_cache: Any, state_manager: Any
    ) -> TensorSequenceLengthPair:
        """Returns the numbers `[batch, steps, *shape]`, padded with the default, and the lengths."""
        sparse = CacheSource(transformation_cache, state_manager).get(self)
        dense = to_dense(sparse, default_value=self.default_value)
        rows = raw.Shape(input=dense)[:1]
        shape = raw.ConcatV2(values=[rows, [-1], np.array(self.shape, np.int32)], axis=np.int32(0))
        size = self.variable_shape.num_elements() if sparse.shape.rank == 2 else 1
        return TensorSequenceLengthPair(
            raw.Reshape(tensor=dense, shape=shape), sequence_lengths(sparse, size)
        )


@export("feature_column.sequence_numeric_column")
def sequence_numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: float = 0.0,
    dtype: Any = dtypes.float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> SequenceNumericColumn:
    """A column of numbers for each step of a sequence.

    Shorter sequences are padded with `default_value`.

    Args:
      key, shape, dtype, normalizer_fn: as `tf.feature_column.numeric_column`'s.
      default_value: what shorter sequences are padded with.

    Returns:
      A column.
    """
    shape, dtype = _checked_shape(shape, key), dtypes.as_dtype(dtype)
    check_numeric(dtype, f"dtype must be convertible to float. dtype: {dtype}, key: {key}")
    _check_normalizer(normalizer_fn)
    return SequenceNumericColumn(key, shape, default_value, dtype, normalizer_fn)
