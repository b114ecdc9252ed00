"""Dense columns of categories: indicators and embeddings."""

from __future__ import annotations

import collections
import functools
import math
from collections.abc import Callable
from typing import Any

from penstock._src.api.array.ranges import one_hot
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.nn.embedding import (
    embedding_lookup_sparse,
    safe_embedding_lookup_sparse_v1,
)
from penstock._src.api.sparse.functions import slice as sparse_slice
from penstock._src.api.sparse.functions import to_dense
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import (
    CategoricalColumn,
    IdWeightPair,
    TensorSequenceLengthPair,
    _CategoricalColumn,
    buckets_of,
    is_v2,
    spec_of,
)
from penstock._src.v1.feature_column.checks import check_embedding
from penstock._src.v1.feature_column.combined import is_sequence
from penstock._src.v1.feature_column.protocols import (
    EarlierDense,
    EarlierSequence,
    LaterDense,
    LaterSequence,
)
from penstock._src.v1.feature_column.serialization import registered
from penstock._src.v1.feature_column.sources import sequence_lengths
from penstock._src.v1.functions.sparse import sparse_merge
from penstock._src.v1.saving.initialized import init_from_checkpoint
from penstock._src.v1.variables.collections import GraphKeys, add_to_collection
from penstock._src.v1.variables.initializers import TruncatedNormal
from penstock._src.v1.variables.scopes import get_variable, get_variable_scope


class OfCategories:
    """Base of dense columns of a categorical one: one tensor for an example, or one for each step."""

    # The function that makes such a column, for messages.
    _maker = ""

    @property
    def parents(self) -> list[Any]:
        """The column of the categories."""
        return [self.categorical_column]

    @property
    def _is_v2_column(self) -> bool:
        return is_v2(self.categorical_column)

    def _spec(self) -> dict[str, Any]:
        return spec_of(self.categorical_column)

    def _dense(self, source: Any) -> Any:
        if is_sequence(self.categorical_column):
            self._refuse(source, "not be of", "a non-sequence categorical_column_with_*")
        return self._tensor(source)

    def _sequence(self, source: Any) -> TensorSequenceLengthPair:
        if not is_sequence(self.categorical_column):
            self._refuse(source, "be of", "a sequence_categorical_column_with_*")
        tensor = self._tensor(source)
        ids = source.categories(self.categorical_column).id_tensor
        return TensorSequenceLengthPair(tensor, sequence_lengths(ids))

    def _refuse(self, source: Any, must: str, instead: str) -> None:
        column = self.categorical_column
        underscore = "_" if source.is_first_generation else ""
        raise ValueError(
            f"In {self._maker}: {self.name}. categorical_column must {must} type "
            f"{underscore}SequenceCategoricalColumn: use {instead} here. "
            f"Given (type {type(column)}): {column}"
        )


class _Indicators(OfCategories):
    """Counts of categories, or the sums of their weights."""

    _maker = "indicator_column"

    @property
    def name(self) -> str:
        """The name of the column."""
        return f"{self.categorical_column.name}_indicator"

    def _shape(self) -> TensorShape:
        return TensorShape([1, buckets_of(self.categorical_column)])

    def _tensor(self, source: Any) -> Any:
        return source.get(self)

    def _transform(self, source: Any) -> Any:
        ids, weights = source.categories(self.categorical_column)
        depth = buckets_of(self.categorical_column)
        if weights is None:
            return reduce_sum(one_hot(to_dense(ids, default_value=-1), depth, 1.0, 0.0), [-2])
        merged = sparse_merge(ids, weights, int(depth))
        # Ids out of range are dropped.
        merged = sparse_slice(merged, [0, 0], merged.dense_shape)
        return raw.ScatterNd(
            indices=merged.indices, updates=merged.values, shape=merged.dense_shape
        )


class _IndicatorColumn(
    _Indicators,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple("_IndicatorColumn", ("categorical_column",)),
):
    """Counts of categories; of the first generation."""


@registered
class IndicatorColumn(
    _Indicators,
    LaterDense,
    LaterSequence,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple("IndicatorColumn", ("categorical_column",)),
):
    """Counts of categories."""


@export("feature_column.indicator_column")
def indicator_column(categorical_column: Any) -> IndicatorColumn:
    """A column with the counts of categories (multi-hot).

    Args:
      categorical_column: the categories; if they have weights, these are summed.

    Returns:
      A dense column of counts of the categories.

    Raises:
      ValueError: it is not a column of categories.

    >>> kind = tf.feature_column.categorical_column_with_identity("kind", num_buckets=3)
    >>> tf.feature_column.indicator_column(kind).variable_shape
    TensorShape([1, 3])
    """
    if not isinstance(categorical_column, (CategoricalColumn, _CategoricalColumn)):
        raise ValueError(
            f"Unsupported input type. Input must be a CategoricalColumn. Given: {categorical_column}"
        )
    return IndicatorColumn(categorical_column)


def looked_up(column: Any, ids: IdWeightPair, weights: Any) -> Any:
    """The combined embeddings of each example's (or step's) ids.

    Args:
      column: a column of embeddings.
      ids: the ids and their weights.
      weights: the variable of the embeddings.
    """
    rank = ids.id_tensor.dense_shape.shape[0]
    if column.use_safe_embedding_lookup or rank is None or rank > 2:
        look_up = safe_embedding_lookup_sparse_v1
    else:
        look_up = embedding_lookup_sparse
    return look_up(
        weights,
        ids.id_tensor,
        ids.weight_tensor,
        combiner=column.combiner,
        max_norm=column.max_norm,
        name=f"{column.name}_weights",
    )


def restore(variable: Any, checkpoint: str | None, tensor_name: str | None) -> None:
    """Makes a variable's initializer read a tensor of a checkpoint, if one is given."""
    if checkpoint is not None:
        parts = getattr(variable, "_get_variable_list", lambda: variable)()
        init_from_checkpoint(checkpoint, {tensor_name: parts})


class _Embeddings(OfCategories):
    """Categories as learned vectors."""

    _maker = "embedding_column"

    @property
    def name(self) -> str:
        """The name of the column."""
        return f"{self.categorical_column.name}_embedding"

    def _shape(self) -> TensorShape:
        return TensorShape([self.dimension])

    def _transform(self, source: Any) -> Any:
        return source.get(self.categorical_column)

    def _embedding_shape(self) -> tuple[int, int]:
        return (buckets_of(self.categorical_column), self.dimension)

    def _tensor(self, source: Any) -> Any:
        ids = source.categories(self.categorical_column)
        weights = self._variable(source)
        restore(weights, self.ckpt_to_load_from, self.tensor_name_in_ckpt)
        return looked_up(self, ids, weights)


def default_initializer(dimension: int) -> Callable[..., Any]:
    """The initializer of embeddings if none is given."""
    return TruncatedNormal(mean=0.0, stddev=1 / math.sqrt(dimension))


def _fields(initializer: str) -> tuple[str, ...]:
    return (
        "categorical_column",
        "dimension",
        "combiner",
        initializer,
        "ckpt_to_load_from",
        "tensor_name_in_ckpt",
        "max_norm",
        "trainable",
        "use_safe_embedding_lookup",
    )


class _EmbeddingColumn(
    _Embeddings,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple("_EmbeddingColumn", _fields("layer_creator"), defaults=(True,)),
):
    """Categories as learned vectors, of a variable that `layer_creator` makes; of the first generation."""

    @classmethod
    def checked(
        cls,
        categorical_column: Any,
        dimension: int,
        combiner: str = "mean",
        initializer: Callable[..., Any] | None = None,
        ckpt_to_load_from: str | None = None,
        tensor_name_in_ckpt: str | None = None,
        max_norm: float | None = None,
        trainable: bool = True,
        use_safe_embedding_lookup: bool = True,
    ) -> Any:
        """Makes a column of valid arguments; see `embedding_column`."""
        check_embedding(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
        make = functools.partial(
            _created,
            shape=(buckets_of(categorical_column), dimension),
            initializer=initializer or default_initializer(dimension),
            trainable=trainable,
        )
        from_checkpoint = (ckpt_to_load_from, tensor_name_in_ckpt)
        options = (*from_checkpoint, max_norm, trainable, use_safe_embedding_lookup)
        return cls(categorical_column, dimension, combiner, make, *options)

    def _variable(self, source: Any) -> Any:
        return self.layer_creator(
            weight_collections=source.weight_collections, scope=get_variable_scope()
        )


def _created(
    weight_collections: Any, scope: Any, *, shape: Any, initializer: Any, trainable: bool
) -> Any:
    """The variable of embeddings in a scope, added to the collections."""
    del scope  # the current one
    variable = get_variable(
        "embedding_weights",
        shape=shape,
        dtype=dtypes.float32,
        initializer=initializer,
        trainable=trainable,
    )
    add_variable(variable, weight_collections or ())
    return variable


def add_variable(variable: Any, collections_of_weights: Any) -> None:
    """Adds a variable, or its parts, to collections other than that of all variables."""
    parts = getattr(variable, "_get_variable_list", lambda: [variable])()
    for key in collections_of_weights:
        for part in parts if key != GraphKeys.GLOBAL_VARIABLES else ():
            add_to_collection(key, part)


@registered
class EmbeddingColumn(
    _Embeddings,
    LaterDense,
    LaterSequence,
    EarlierDense,
    EarlierSequence,
    collections.namedtuple("EmbeddingColumn", _fields("initializer"), defaults=(True,)),
):
    """Categories as learned vectors."""

    def create_state(self, state_manager: Any) -> None:
        """Creates the variable of the vectors."""
        state_manager.create_variable(
            self,
            name="embedding_weights",
            shape=self._embedding_shape(),
            dtype=dtypes.float32,
            trainable=self.trainable,
            use_resource=True,
            initializer=self.initializer,
        )

    def _variable(self, source: Any) -> Any:
        return source.embeddings(self)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> Any:
        """Creates a column from what `get_config` returned."""
        config = {"use_safe_embedding_lookup": True, **config}
        return super().from_config(config, custom_objects, columns_by_name)


@export("feature_column.embedding_column")
def embedding_column(
    categorical_column: Any,
    dimension: int,
    combiner: str = "mean",
    initializer: Callable[..., Any] | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:
    """A column of vectors for categories.

    Args:
      categorical_column: the categories.
      dimension: the length of a vector.
      combiner: "mean", "sqrtn" or "sum": how the vectors of an example become one.
      initializer: of the vectors; by default a truncated normal distribution.
      ckpt_to_load_from: a checkpoint with the vectors.
      tensor_name_in_ckpt: their name there.
      max_norm: if given, vectors are scaled down to this length.
      trainable: whether the vectors are trained.
      use_safe_embedding_lookup: whether examples without a category, and invalid ids, are allowed.

    Returns:
      A dense column.

    Raises:
      ValueError: an argument is invalid.

    >>> kind = tf.feature_column.categorical_column_with_identity("kind", num_buckets=3)
    >>> tf.feature_column.embedding_column(kind, dimension=4).variable_shape
    TensorShape([4])
    """
    check_embedding(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer or default_initializer(dimension),
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )
