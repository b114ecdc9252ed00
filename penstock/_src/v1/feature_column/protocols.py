"""The methods of both protocols, made of one computation over a `Source`, and configurations of columns.

A column's class has

    _spec()                what examples must hold
    _transform(source)     its tensor or tensors
    _shape()               dense: the static shape without the batch
    _dense(source)         dense: the tensor
    _buckets()             categorical: the number of categories
    _categories(source)    categorical: an IdWeightPair
    _sequence(source)      of sequences: a TensorSequenceLengthPair

and derives from `Earlier...` classes, which offer them by the names of the first generation, and, if it is of the second
generation, from `Later...` classes in front of those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.v1.feature_column import serialization
from penstock._src.v1.feature_column.bases import (
    CategoricalColumn,
    DenseColumn,
    FeatureColumn,
    IdWeightPair,
    SequenceDenseColumn,
    TensorSequenceLengthPair,
    _CategoricalColumn,
    _DenseColumn,
    _FeatureColumn,
    _SequenceDenseColumn,
)
from penstock._src.v1.feature_column.sources import BuilderSource, CacheSource


class EarlierColumn(_FeatureColumn):
    """The methods of the first generation that every column has."""

    @property
    def _parse_example_spec(self) -> dict[str, Any]:
        return self._spec()

    def _transform_feature(self, inputs: Any) -> Any:
        return self._transform(BuilderSource(inputs))


class EarlierDense(EarlierColumn, _DenseColumn):
    """The methods of the first generation that a dense column has."""

    @property
    def _variable_shape(self) -> TensorShape:
        return self._shape()

    def _get_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> Any:
        return self._dense(BuilderSource(inputs, weight_collections, trainable))

    def _dense(self, source: Any) -> Any:
        return source.get(self)


class EarlierCategorical(EarlierColumn, _CategoricalColumn):
    """The methods of the first generation that a categorical column has."""

    @property
    def _num_buckets(self) -> int:
        return self._buckets()

    def _get_sparse_tensors(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> IdWeightPair:
        return self._categories(BuilderSource(inputs, weight_collections, trainable))

    def _categories(self, source: Any) -> IdWeightPair:
        return IdWeightPair(source.get(self), None)


class EarlierSequence(EarlierColumn, _SequenceDenseColumn):
    """The methods of the first generation that a dense column of sequences has."""

    def _get_sequence_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> TensorSequenceLengthPair:
        return self._sequence(BuilderSource(inputs, weight_collections, trainable))


class LaterColumn(FeatureColumn):
    """The methods of the second generation that every column has."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The features that `tf.io.parse_example` must parse for the column."""
        return self._spec()

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the tensor (or tensors) of the column."""
        return self._transform(CacheSource(transformation_cache, state_manager))

    # Fields whose values are not plain, and so have another form in a configuration.
    _as_is: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the column as plain values."""
        return {
            field: _CODERS[field][0](value)
            if field in _CODERS and field not in self._as_is
            else value
            for field, value in zip(self._fields, self)
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> Any:
        """Creates a column from what `get_config` returned.

        Args:
          config: the arguments as plain values.
          custom_objects: {name: class or function} that configurations may name.
          columns_by_name: the columns made so far, which are not made again.

        Raises:
          ValueError: the keys are not the arguments of the class.
        """
        if set(config) != set(cls._fields):
            raise ValueError(f"Invalid config: {config}, expected keys: {cls._fields}")
        fields = {}
        for field, value in config.items():
            if field in _CODERS and field not in cls._as_is:
                value = _CODERS[field][1](value, custom_objects, columns_by_name)
            fields[field] = tuple(value) if isinstance(value, list) else value
        return cls(**fields)


class LaterDense(LaterColumn, DenseColumn):
    """The methods of the second generation that a dense column has."""

    @property
    def variable_shape(self) -> TensorShape:
        """The static shape without the batch."""
        return self._shape()

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the dense tensor."""
        return self._dense(CacheSource(transformation_cache, state_manager))


class LaterCategorical(LaterColumn, CategoricalColumn):
    """The methods of the second generation that a categorical column has."""

    @property
    def num_buckets(self) -> int:
        """The number of categories."""
        return self._buckets()

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> IdWeightPair:
        """Returns the IdWeightPair of sparse ids and their weights (or None)."""
        return self._categories(CacheSource(transformation_cache, state_manager))


class LaterSequence(LaterColumn, SequenceDenseColumn):
    """The methods of the second generation that a dense column of sequences has."""

    def get_sequence_dense_tensor(
        self, transformation_cache: Any, state_manager: Any
    ) -> TensorSequenceLengthPair:
        """Returns the TensorSequenceLengthPair of `[batch, steps, *shape]` and the lengths."""
        return self._sequence(CacheSource(transformation_cache, state_manager))


def _columns_to_plain(columns: Any) -> tuple[Any, ...]:
    return tuple(serialization.serialize_feature_column(column) for column in columns)


def _columns_of(configs: Any, custom_objects: Any, columns_by_name: Any) -> tuple[Any, ...]:
    make = serialization.deserialize_feature_column
    return tuple(make(config, custom_objects, columns_by_name) for config in configs)


_COLUMN = (
    serialization.serialize_feature_column,
    serialization.deserialize_feature_column,
)
_OBJECT = (
    serialization.serialize_object,
    lambda config, custom_objects, _: serialization.deserialize_object(config, custom_objects),
)
# {field: (its value as a plain one, and back)}
_CODERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "dtype": (lambda dtype: dtype.name, lambda name, *_: dtypes.as_dtype(name)),
    "source_column": _COLUMN,
    "categorical_column": _COLUMN,
    "keys": (_columns_to_plain, _columns_of),
    "normalizer_fn": _OBJECT,
    "initializer": _OBJECT,
}
