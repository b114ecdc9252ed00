"""Embeddings that several columns of categories share."""

from __future__ import annotations

import collections
import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.core import dtypes
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import (
    CategoricalColumn,
    _CategoricalColumn,
    buckets_of,
)
from penstock._src.v1.feature_column.checks import check_embedding
from penstock._src.v1.feature_column.combined import categories_of
from penstock._src.v1.feature_column.dense import (
    OfCategories,
    default_initializer,
    looked_up,
    restore,
)
from penstock._src.v1.feature_column.protocols import (
    EarlierDense,
    EarlierSequence,
    LaterDense,
    LaterSequence,
)
from penstock._src.v1.feature_column.serialization import registered
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.collections import add_to_collection, get_collection
from penstock._src.v1.variables.scopes import get_variable


class _Shared(OfCategories):
    """One of several columns of categories that share vectors."""

    _maker = "embedding_column"

    @property
    def name(self) -> str:
        """The name of the column."""
        return f"{self.categorical_column.name}_shared_embedding"

    def _transform(self, source: Any) -> Any:
        return source.get(self.categorical_column)

    def _tensor(self, source: Any) -> Any:
        with name_scope_v1(None, default_name=self.name):
            return looked_up(
                self, source.categories(self.categorical_column), self._variable(source)
            )


class _SharedEmbeddingColumn(
    _Shared,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple(
        "_SharedEmbeddingColumn",
        (
            "categorical_column",
            "dimension",
            "combiner",
            "initializer",
            "shared_embedding_collection_name",
            "ckpt_to_load_from",
            "tensor_name_in_ckpt",
            "max_norm",
            "trainable",
            "use_safe_embedding_lookup",
        ),
    ),
):
    """A column of shared vectors, which a collection of the graph has; of the first generation."""

    @property
    def _var_scope_name(self) -> str:
        return self.shared_embedding_collection_name

    def _shape(self) -> TensorShape:
        return TensorShape([self.dimension])

    def _embedding_shape(self) -> tuple[int, int]:
        return (buckets_of(self.categorical_column), self.dimension)

    def _variable(self, source: Any) -> Any:
        key, shape = self.shared_embedding_collection_name, self._embedding_shape()
        collected = get_collection(key)
        if len(collected) > 1:
            raise ValueError(
                f"Collection {key} can only contain one variable, the shared embeddings. Given: "
                f"{collected}. Choose another shared_embedding_collection_name, or keep other variables "
                "out of it."
            )
        if collected and collected[0].shape != TensorShape(shape):
            raise ValueError(
                f"Shared embedding collection {key} contains variable {collected[0].name} of unexpected "
                f"shape {collected[0].shape}. Expected shape is {shape}. Choose another "
                "shared_embedding_collection_name, or keep other variables out of it."
            )
        weights = collected[0] if collected else source.embeddings(self)
        if not collected:
            add_to_collection(key, weights)
        restore(weights, self.ckpt_to_load_from, self.tensor_name_in_ckpt)
        return weights


class SharedEmbeddingColumnCreator(AutoTrackable):
    """Makes columns that share vectors, and keeps the variable of each graph.

    Args:
      dimension: the length of a vector.
      initializer: of the vectors.
      ckpt_to_load_from: a checkpoint with the vectors.
      tensor_name_in_ckpt: their name there.
      num_buckets: the number of categories.
      trainable: whether the vectors are trained.
      name: of the variable.
      use_safe_embedding_lookup: whether examples without a category are allowed.
    """

    def __init__(
        self,
        dimension: int,
        initializer: Callable[..., Any],
        ckpt_to_load_from: str | None,
        tensor_name_in_ckpt: str | None,
        num_buckets: int,
        trainable: bool,
        name: str = "shared_embedding_column_creator",
        use_safe_embedding_lookup: bool = True,
    ) -> None:
        self._dimension, self._num_buckets = dimension, num_buckets
        self._initializer, self._trainable = initializer, trainable
        self._from_checkpoint = (ckpt_to_load_from, tensor_name_in_ckpt)
        self._name, self._safe = name, use_safe_embedding_lookup
        self._embedding_weights: Any = weakref.WeakKeyDictionary()

    def __call__(
        self, categorical_column: Any, combiner: str, max_norm: float | None
    ) -> SharedEmbeddingColumn:
        return SharedEmbeddingColumn(categorical_column, self, combiner, max_norm, self._safe)

    @property
    def embedding_weights(self) -> Any:
        """The variable of the vectors in the current graph, which functions traced in it share."""
        key = get_default_graph()
        while isinstance(key, FuncGraph):
            key = key.outer_graph
        if key not in self._embedding_weights:
            weights = get_variable(
                self._name,
                shape=(self._num_buckets, self._dimension),
                dtype=dtypes.float32,
                initializer=self._initializer,
                trainable=self._trainable,
            )
            restore(weights, *self._from_checkpoint)
            self._embedding_weights[key] = weights
        return self._embedding_weights[key]

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension


def _refuse(*_: Any, **__: Any) -> Any:
    raise ValueError(
        "SharedEmbeddingColumns are not supported in `linear_model` or `input_layer`: use "
        "tf.compat.v1.feature_column.shared_embedding_columns with these."
    )


@registered
class SharedEmbeddingColumn(
    _Shared,
    LaterDense,
    LaterSequence,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple(
        "SharedEmbeddingColumn",
        (
            "categorical_column",
            "shared_embedding_column_creator",
            "combiner",
            "max_norm",
            "use_safe_embedding_lookup",
        ),
        defaults=(True,),
    ),
):
    """A column of shared vectors, which its creator has."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    def _shape(self) -> TensorShape:
        return TensorShape([self.shared_embedding_column_creator.dimension])

    def _variable(self, source: Any) -> Any:
        return self.shared_embedding_column_creator.embedding_weights

    # It is of no use to what takes the first generation only.
    _parse_example_spec = property(_refuse)
    _variable_shape = property(_refuse)
    _transform_feature = _get_dense_tensor = _get_sequence_dense_tensor = _refuse


def _checked(categorical_columns: Any, kind: type, name: str | None) -> tuple[int, str]:
    """The number of categories of columns that share, and the name of the shared object."""
    columns = sorted(categorical_columns, key=lambda column: column.name)
    first = columns[0]
    if not isinstance(first, kind):
        raise ValueError(
            f"All categorical_columns must be subclasses of {kind.__name__}. Given: {first}, of "
            f"type: {type(first)}"
        )
    count, first = buckets_of(first), categories_of(first)
    for column in map(categories_of, columns[1:]):
        if not isinstance(column, type(first)):
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same type, "
                "or be weighted_categorical_column or sequence column of the same type. Given "
                f"column: {first} of type: {type(first)} does not match given column: {column} of "
                f"type: {type(column)}"
            )
        if buckets_of(column) != count:
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same number "
                f"of buckets. Given column: {first} with buckets: {count} does not match column: "
                f"{column} with buckets: {buckets_of(column)}"
            )
    return count, name or "_".join(column.name for column in columns) + "_shared_embedding"


def _check_graph() -> None:
    if executing_eagerly():
        raise RuntimeError(
            "shared_embedding_columns are not supported when eager execution is enabled."
        )


@export(v1=["feature_column.shared_embedding_columns"])
def shared_embedding_columns(
    categorical_columns: Any,
    dimension: int,
    combiner: str = "mean",
    initializer: Callable[..., Any] | None = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> list[_SharedEmbeddingColumn]:
    """Columns of vectors for several columns of categories, which share the vectors.

    Args:
      categorical_columns: of one class, with the same number of categories.
      dimension: the length of a vector; it and what follows as for `embedding_column`.
      combiner: how the vectors of an example become one.
      initializer: of the vectors.
      shared_embedding_collection_name: of the graph's collection that keeps the variable.
      ckpt_to_load_from: a checkpoint with the vectors.
      tensor_name_in_ckpt: their name there.
      max_norm: the greatest length of a vector.
      trainable: whether the vectors are trained.
      use_safe_embedding_lookup: whether examples without a category are allowed.

    Raises:
      RuntimeError: not in a graph.
      ValueError: the columns do not fit each other, or an argument is invalid.
    """
    _check_graph()
    check_embedding(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    _, name = _checked(categorical_columns, _CategoricalColumn, shared_embedding_collection_name)
    return [
        _SharedEmbeddingColumn(
            column,
            dimension,
            combiner,
            initializer or default_initializer(dimension),
            name,
            ckpt_to_load_from,
            tensor_name_in_ckpt,
            max_norm,
            trainable,
            use_safe_embedding_lookup,
        )
        for column in categorical_columns
    ]


@export("feature_column.shared_embeddings", v1=[])
def shared_embeddings(
    categorical_columns: Any,
    dimension: int,
    combiner: str = "mean",
    initializer: Callable[..., Any] | None = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> list[SharedEmbeddingColumn]:
    """Columns of vectors for several columns of categories, which share the vectors.

    Args:
      categorical_columns: of one class, with the same number of categories.
      dimension: the length of a vector; it and what follows as for `embedding_column`.
      combiner: how the vectors of an example become one.
      initializer: of the vectors.
      shared_embedding_collection_name: the name of the variable.
      ckpt_to_load_from: a checkpoint with the vectors.
      tensor_name_in_ckpt: their name there.
      max_norm: the greatest length of a vector.
      trainable: whether the vectors are trained.
      use_safe_embedding_lookup: whether examples without a category are allowed.

    Returns:
      A list of columns.

    Raises:
      RuntimeError: not in a graph.
      ValueError: the columns do not fit each other, or an argument is invalid.
    """
    _check_graph()
    check_embedding(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    count, name = _checked(categorical_columns, CategoricalColumn, shared_embedding_collection_name)
    creator = SharedEmbeddingColumnCreator(
        dimension,
        initializer or default_initializer(dimension),
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        count,
        trainable,
        name,
        use_safe_embedding_lookup,
    )
    return [creator(column, combiner, max_norm) for column in categorical_columns]
