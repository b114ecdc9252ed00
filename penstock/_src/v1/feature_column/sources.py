"""Features as tensors: the caches of transformed features, and the `Source` from which columns compute."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.scopes import control_dependencies, name_scope_v1
from penstock._src.api.debugging.asserts import assert_positive
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.scan import segment_max
from penstock._src.api.sparse.functions import reshape as sparse_reshape
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.feature_column.bases import FeatureColumn, _FeatureColumn
from penstock._src.v1.functions.arrays import convert_to_tensor_or_sparse_tensor
from penstock._src.v1.variables.scopes import get_variable


class _Cache:
    """A dictionary of features with the tensors that columns have made of them."""

    def __init__(self, features: dict[str, Any]) -> None:
        self._features = dict(features)
        self._feature_tensors: dict[Any, Any] = {}

    def _get(self, key: Any, kind: type, transform: Any) -> Any:
        """The tensor of a key or column; `transform` computes that of a column, which is of the class `kind`."""
        if key in self._feature_tensors:
            return self._feature_tensors[key]
        if key in self._features:
            tensor = _with_column_axis(key, self._features[key])
        elif isinstance(key, str):
            raise ValueError(f"Feature {key} is not in features dictionary.")
        elif not isinstance(key, kind):
            raise TypeError(f'"key" must be either a "str" or "{kind.__name__}". Provided: {key}')
        else:
            tensor = transform(key)
            if tensor is None:
                raise ValueError(f"Column {key.name} is not supported.")
        self._feature_tensors[key] = tensor
        return tensor


def _with_column_axis(key: str, feature: Any) -> Any:
    """A feature as tensor with at least two axes: of one axis, each element becomes a row."""
    tensor = convert_to_tensor_or_sparse_tensor(feature)
    message = f"Feature (key: {key}) cannot have rank 0. Given: {tensor}"

    def expanded() -> Any:
        if isinstance(tensor, SparseTensor):
            return sparse_reshape(tensor, [tensor.dense_shape[0], np.int64(1)])
        return raw.ExpandDims(input=tensor, axis=np.int32(-1))

    rank = tensor.shape.rank
    if rank == 0:
        raise ValueError(message)
    if rank is not None:
        return expanded() if rank == 1 else tensor
    size = (
        raw.Size(input=tensor.dense_shape)
        if isinstance(tensor, SparseTensor)
        else raw.Rank(input=tensor)
    )
    with control_dependencies([assert_positive(size, message=message)]):
        return cond(raw.Equal(x=size, y=np.int32(1)), expanded, lambda: tensor)


@export("__internal__.feature_column.FeatureTransformationCache", v1=[])
class FeatureTransformationCache(_Cache):
    """The tensors that columns have made of features, each computed once.

    Args:
      features: tensors, sparse tensors or arrays by key.
    """

    def get(self, key: Any, state_manager: Any, training: bool | None = None) -> Any:
        """Returns the tensor of a feature's key, with at least two axes, or of a column.

        Args:
          key: a key of the features, or a FeatureColumn.
          state_manager: has the variables and tables of columns.
          training: passed to columns that take it.

        Raises:
          ValueError: no feature has the key, or the column makes nothing of the features.
          TypeError: the key is neither a string nor a column.
        """

        def transform(column: FeatureColumn) -> Any:
            parameters = inspect.signature(column.transform_feature).parameters
            takes = "training" in parameters or any(
                p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
            )
            options = {"training": training} if takes else {}
            return column.transform_feature(self, state_manager, **options)

        return self._get(key, FeatureColumn, transform)


class _LazyBuilder(_Cache):
    """The cache of the first generation of columns."""

    def get(self, key: Any) -> Any:
        """Returns the tensor of a feature's key, with at least two axes, or of a column."""
        return self._get(key, _FeatureColumn, lambda column: column._transform_feature(self))


class CacheSource:
    """Source of a column's inputs: a FeatureTransformationCache and a state manager."""

    is_first_generation = False

    def __init__(self, cache: Any, state_manager: Any) -> None:
        self._cache, self._state = cache, state_manager

    def get(self, key: Any) -> Any:
        """The tensor of a key or column."""
        return self._cache.get(key, self._state)

    def categories(self, column: Any) -> Any:
        """The ids and weights of a categorical column."""
        return column.get_sparse_tensors(self._cache, self._state)

    def embeddings(self, column: Any) -> Any:
        """The variable of an embedding column."""
        return self._state.get_variable(column, name="embedding_weights")

    def table(self, column: Any, name: str, make: Any) -> Any:
        """The table of a column, made by the first call if there is a state manager to keep it."""
        if self._state is None:
            return make()
        if not self._state.has_resource(column, name):
            self._state.add_resource(column, name, make())
        return self._state.get_resource(column, name)


class BuilderSource:
    """Source of a column's inputs: a builder, and the collections of variables that it creates.

    Args:
      builder: a _LazyBuilder.
      weight_collections: the collections of created variables.
      trainable: whether created variables are trained.
    """

    is_first_generation = True

    def __init__(
        self, builder: Any, weight_collections: Any = None, trainable: bool | None = None
    ) -> None:
        self._builder, self.trainable = builder, trainable
        self.weight_collections = weight_collections

    def get(self, key: Any) -> Any:
        """The tensor of a key or column."""
        return self._builder.get(key)

    def categories(self, column: Any) -> Any:
        """The ids and weights of a categorical column."""
        return column._get_sparse_tensors(
            self._builder, weight_collections=self.weight_collections, trainable=self.trainable
        )

    def embeddings(self, column: Any) -> Any:
        """The variable of an embedding column, of the current variable scope."""
        return get_variable(
            "embedding_weights",
            shape=column._embedding_shape(),
            dtype=dtypes.float32,
            initializer=column.initializer,
            trainable=bool(column.trainable and self.trainable),
            collections=self.weight_collections,
        )

    def table(self, column: Any, name: str, make: Any) -> Any:
        """A new table: this generation keeps none."""
        return make()


def sparse_without(tensor: Any, ignored: Any = None) -> SparseTensor:
    """A dense tensor as a sparse one without the elements `ignored`; a sparse tensor as it is.

    Args:
      tensor: dense or sparse.
      ignored: the value of elements to leave out; by default "", -1 or, of floats, 0.
    """
    tensor = convert_to_tensor_or_sparse_tensor(tensor)
    if isinstance(tensor, SparseTensor):
        return tensor
    with name_scope_v1(None, "to_sparse_input", [tensor]):
        if ignored is None:
            ignored = "" if tensor.dtype == dtypes.string else -1 if tensor.dtype.is_integer else 0
        if tensor.dtype != dtypes.string:
            ignored = np.asarray(ignored, tensor.dtype.as_numpy_dtype)
        kept = raw.NotEqual(x=tensor, y=ignored)
        indices = raw.Where(condition=kept, name="indices")
        return SparseTensor(
            indices,
            raw.GatherNd(params=tensor, indices=indices, name="values"),
            raw.Shape(input=tensor, out_type=dtypes.int64, name="dense_shape"),
        )


def sequence_lengths(sparse: SparseTensor, num_elements: int = 1) -> Any:
    """The number of steps of each row: the last one that has an entry, plus one.

    Args:
      sparse: entries `[batch, elements, ...]`.
      num_elements: how many elements of the second axis are a step.

    Returns:
      int64 `[batch]`.
    """
    with name_scope_v1(None, "sequence_length") as scope:
        ends = segment_max(sparse.indices[:, 1] + np.int64(1), sparse.indices[:, 0])
        steps = raw.FloorDiv(x=ends + np.int64(num_elements - 1), y=np.int64(num_elements))
        rows = cast(sparse.dense_shape[:1], dtypes.int32)
        missing = rows - raw.Shape(input=steps)
        padding = raw.Fill(dims=missing, value=np.int64(0))
        return raw.ConcatV2(values=[steps, padding], axis=np.int32(0), name=scope)
