"""Abstract classes of feature columns, of both generations."""

from __future__ import annotations

import abc
import collections
from typing import Any

from penstock._src.util.export import export

IdWeightPair = collections.namedtuple("IdWeightPair", ("id_tensor", "weight_tensor"))
TensorSequenceLengthPair = collections.namedtuple(
    "TensorSequenceLengthPair", ("dense_tensor", "sequence_length")
)


class _SortedByText(metaclass=abc.ABCMeta):
    """Sorts by its text, also among strings, as keys of dictionaries may have to."""

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name of the column."""


@export("__internal__.feature_column.FeatureColumn", v1=[])
class FeatureColumn(_SortedByText):
    """A column of data, computed through a cache of transformed features and a manager of variables."""

    @abc.abstractmethod
    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the tensor (or tensors) of the column."""

    @property
    @abc.abstractmethod
    def parse_example_spec(self) -> dict[str, Any]:
        """The features that `tf.io.parse_example` must parse for the column."""

    @property
    @abc.abstractmethod
    def parents(self) -> list[Any]:
        """The columns and keys that it depends on."""

    @property
    @abc.abstractmethod
    def _is_v2_column(self) -> bool:
        """True if the column and all columns below it implement this protocol."""

    def create_state(self, state_manager: Any) -> None:
        """Creates the variables of the column; most have none."""

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the column as plain values."""
        return self._get_config()

    def _get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__}.get_config must be implemented.")

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> Any:
        """Creates a column from a result of `get_config`."""
        return cls._from_config(config, custom_objects, columns_by_name)

    @classmethod
    def _from_config(cls, config: Any, custom_objects: Any, columns_by_name: Any) -> Any:
        raise NotImplementedError(f"{cls.__name__}.from_config must be implemented.")


@export("__internal__.feature_column.DenseColumn", v1=[])
class DenseColumn(FeatureColumn):
    """A column with a dense tensor, `[batch, *variable_shape]`."""

    @property
    @abc.abstractmethod
    def variable_shape(self) -> Any:
        """The static shape without the batch."""

    @abc.abstractmethod
    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the dense tensor."""


class CategoricalColumn(FeatureColumn):
    """A column with a sparse tensor of category ids."""

    IdWeightPair = IdWeightPair

    @property
    @abc.abstractmethod
    def num_buckets(self) -> int:
        """The number of categories."""

    @abc.abstractmethod
    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the IdWeightPair of sparse ids and their weights (or None)."""


@export("__internal__.feature_column.SequenceDenseColumn", v1=[])
class SequenceDenseColumn(FeatureColumn):
    """A column with a dense tensor for each step of a sequence."""

    TensorSequenceLengthPair = TensorSequenceLengthPair

    @abc.abstractmethod
    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the TensorSequenceLengthPair of `[batch, steps, *shape]` and the lengths."""


class _FeatureColumn(_SortedByText):
    """A column of the first generation, computed through a builder that caches tensors."""

    @property
    def _var_scope_name(self) -> str:
        """The name of the scope of its variables."""
        return self.name

    @abc.abstractmethod
    def _transform_feature(self, inputs: Any) -> Any:
        """Returns the tensor (or tensors) of the column."""

    @property
    @abc.abstractmethod
    def _parse_example_spec(self) -> dict[str, Any]:
        """The features that `tf.io.parse_example` must parse for the column."""

    def _reset_config(self) -> None:
        """Clears the state of a call; columns keep none."""


class _DenseColumn(_FeatureColumn):
    """A column of the first generation with a dense tensor."""

    @property
    @abc.abstractmethod
    def _variable_shape(self) -> Any:
        """The static shape without the batch."""

    @abc.abstractmethod
    def _get_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> Any:
        """Returns the dense tensor."""


class _CategoricalColumn(_FeatureColumn):
    """A column of the first generation with a sparse tensor of category ids."""

    IdWeightPair = IdWeightPair

    @property
    @abc.abstractmethod
    def _num_buckets(self) -> int:
        """The number of categories."""

    @abc.abstractmethod
    def _get_sparse_tensors(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> Any:
        """Returns the IdWeightPair of sparse ids and their weights (or None)."""


class _SequenceDenseColumn(_FeatureColumn):
    """A column of the first generation with a dense tensor for each step of a sequence."""

    TensorSequenceLengthPair = TensorSequenceLengthPair

    @abc.abstractmethod
    def _get_sequence_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> Any:
        """Returns the TensorSequenceLengthPair of `[batch, steps, *shape]` and the lengths."""


def spec_of(column: Any) -> dict[str, Any]:
    """Return the features that `tf.io.parse_example` must parse for a column of either generation."""
    if isinstance(column, FeatureColumn):
        return dict(column.parse_example_spec)
    return dict(column._parse_example_spec)


def buckets_of(column: Any) -> int:
    """The number of categories of a column of either generation."""
    if isinstance(column, CategoricalColumn):
        return column.num_buckets
    return column._num_buckets


def is_v2(column: Any) -> bool:
    """True if a column and all columns below it implement the protocol of caches and state managers."""
    return isinstance(column, FeatureColumn) and column._is_v2_column
