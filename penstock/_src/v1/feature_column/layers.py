"""tf.compat.v1.feature_column.input_layer, and other functions that apply columns to features."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.feature_column.bases import FeatureColumn, _DenseColumn, _FeatureColumn
from penstock._src.v1.feature_column.sources import FeatureTransformationCache, _LazyBuilder
from penstock._src.v1.variables.collections import GraphKeys, get_collection
from penstock._src.v1.variables.scopes import get_variable_scope, variable_scope
from penstock._src.v1.variables.templates import make_template


def listed(feature_columns: Any, kind: type = _FeatureColumn) -> list[Any]:
    """One column or several as a list, in the order given.

    Args:
      feature_columns: a column, or an iterable of columns.
      kind: the base class of columns of the generation.

    Raises:
      ValueError: there is none, two have the same name, or one is of another class.
    """
    if isinstance(feature_columns, kind):
        return [feature_columns]
    if isinstance(feature_columns, Iterator):
        feature_columns = list(feature_columns)
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    for column in feature_columns:
        if not isinstance(column, kind):
            raise ValueError(
                f"Items of feature_columns must be a {kind.__name__}. Given (type {type(column)}): "
                f"{column}."
            )
    if not feature_columns:
        raise ValueError("feature_columns must not be empty.")
    by_name: dict[str, Any] = {}
    for column in feature_columns:
        if column.name in by_name:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and "
                f"{by_name[column.name]}. Columns of the same feature have the same name: leave one "
                "out, or add the feature under another key."
            )
        by_name[column.name] = column
    return list(feature_columns)


def by_name(feature_columns: Any) -> list[Any]:
    """The columns in the order of their names."""
    return sorted(feature_columns, key=lambda column: column.name)


def with_model_collections(weight_collections: Any) -> list[Any]:
    """The collections of variables that a model creates: those given, all variables and the model's."""
    keys = list(weight_collections or [])
    needed = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES)
    return keys + [key for key in needed if key not in keys]


def check_batches(tensors: list[Any], columns: list[Any]) -> None:
    """Raises unless the tensors of columns have the same number of rows, as far as it is known."""
    known = [(t.shape[0], column.name) for t, column in zip(tensors, columns) if t.shape.rank]
    known = [(int(size), name) for size, name in known if size is not None]
    for size, name in known[1:]:
        if size != known[0][0]:
            raise ValueError(
                "Batch size (first dimension) of each feature must be same. Batch size of columns "
                f"({known[0][1]}, {name}): ({known[0][0]}, {size})"
            )


def _concatenated(
    features: dict[str, Any],
    feature_columns: Any,
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None,
    cols_to_output_tensors: dict[Any, Any] | None = None,
) -> Any:
    """The tensors of dense columns, each in a scope of its own, side by side."""
    builder, tensors, columns = _LazyBuilder(features), [], by_name(feature_columns)
    for column in columns:
        with variable_scope(None, default_name=column._var_scope_name):
            tensor = column._get_dense_tensor(
                builder, weight_collections=weight_collections, trainable=trainable
            )
            rows = raw.Shape(input=tensor)[0]
            shape = raw.Pack(values=[rows, column._variable_shape.num_elements()])
            tensors.append(raw.Reshape(tensor=tensor, shape=shape))
            if cols_to_vars is not None:
                scope = get_variable_scope().name
                cols_to_vars[column] = get_collection(GraphKeys.GLOBAL_VARIABLES, scope)
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = tensors[-1]
    check_batches(tensors, columns)
    if len(tensors) == 1:
        return raw.Identity(input=tensors[0], name="concat")
    return raw.ConcatV2(values=tensors, axis=1, name="concat")


def _dense_columns(feature_columns: Any) -> list[Any]:
    columns = listed(feature_columns)
    for column in columns:
        if not isinstance(column, _DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a _DenseColumn. You can wrap a categorical column "
                f"with an embedding_column or indicator_column. Given: {column}"
            )
    return columns


@export(v1=["feature_column.input_layer"])
def input_layer(
    features: dict[str, Any],
    feature_columns: Any,
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None,
    cols_to_output_tensors: dict[Any, Any] | None = None,
) -> Any:
    """The dense tensors of columns concatenated to `[batch, n]`, in the order of their names.

    Args:
      features: tensors by key.
      feature_columns: dense columns.
      weight_collections: the collections of the graph to which variables are added.
      trainable: whether embeddings are trained.
      cols_to_vars: a dictionary that is filled with the variables of each column.
      cols_to_output_tensors: a dictionary that is filled with the tensor of each column.

    Raises:
      ValueError: a column is not dense, or two have the same name.

    Example:
      >>> import penstock as tf
      >>> price = tf.feature_column.numeric_column("price")
      >>> with tf.Graph().as_default(), tf.compat.v1.Session() as session:
      ...     layer = tf.compat.v1.feature_column.input_layer({"price": [[1.0], [5.0]]}, [price])
      ...     print(session.run(layer).tolist())
      [[1.0], [5.0]]
    """
    columns = _dense_columns(feature_columns)
    with variable_scope(None, default_name="input_layer", values=features.values()):
        return _concatenated(
            features,
            columns,
            with_model_collections(weight_collections),
            trainable,
            cols_to_vars,
            cols_to_output_tensors,
        )


class InputLayer:
    """`input_layer` as an object. All its calls use the same variables.

    Args:
      feature_columns: dense columns.
      weight_collections: the collections of the graph to which variables are added.
      trainable: whether embeddings are trained.
      cols_to_vars: accepted.
      name: of the scope of the variables.
      create_scope_now: whether the scope is created at once, not by the first call.
    """

    def __init__(
        self,
        feature_columns: Any,
        weight_collections: Any = None,
        trainable: bool = True,
        cols_to_vars: dict[Any, Any] | None = None,
        name: str = "feature_column_input_layer",
        create_scope_now: bool = True,
    ) -> None:
        self._columns = _dense_columns(feature_columns)
        self._collections = with_model_collections(weight_collections)
        self._trainable, self._name = trainable, name
        self._template = make_template(name, _concatenated, create_scope_now_=create_scope_now)

    def __call__(self, features: dict[str, Any]) -> Any:
        return self._template(features, self._columns, self._collections, self._trainable)

    name = read_only("_name", "The name of the scope of the variables.")
    variables = read_only("_template.variables", "All variables.")
    weights = read_only("_template.variables", "All variables.")
    trainable_variables = read_only("_template.trainable_variables", "The trainable variables.")
    trainable_weights = read_only("_template.trainable_variables", "The trainable variables.")
    non_trainable_variables = read_only(
        "_template.non_trainable_variables", "The variables that are not trained."
    )
    non_trainable_weights = read_only(
        "_template.non_trainable_variables", "The variables that are not trained."
    )


def transform_features(features: dict[str, Any], feature_columns: Any) -> dict[Any, Any]:
    """Return {column: transformed features} for columns of the first generation."""
    columns = by_name(listed(feature_columns))
    with name_scope_v1(None, default_name="transform_features", values=features.values()):
        builder, outputs = _LazyBuilder(features), {}
        for column in columns:
            with name_scope_v1(None, default_name=column.name):
                outputs[column] = builder.get(column)
    return outputs


def transform_features_v2(
    features: dict[str, Any], feature_columns: Any, state_manager: Any
) -> dict[Any, Any]:
    """Return {column: transformed features}."""
    columns = by_name(listed(feature_columns, FeatureColumn))
    with name_scope_v1(None, default_name="transform_features", values=features.values()):
        cache, outputs = FeatureTransformationCache(features), {}
        for column in columns:
            scope = re.sub(r"[^A-Za-z0-9_.\-]", "_", column.name)
            with name_scope_v1(None, default_name=scope):
                outputs[column] = cache.get(column, state_manager)
    return outputs
