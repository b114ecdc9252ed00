"""tf.compat.v1.feature_column.linear_model: weighted sums of columns and a bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.math.elementwise import cast
from penstock._src.api.nn.embedding import safe_embedding_lookup_sparse_v1
from penstock._src.api.sparse.functions import reshape as sparse_reshape
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.feature_column.bases import _CategoricalColumn, _DenseColumn
from penstock._src.v1.feature_column.dense import add_variable
from penstock._src.v1.feature_column.layers import (
    by_name,
    check_batches,
    listed,
    with_model_collections,
)
from penstock._src.v1.feature_column.sources import _LazyBuilder
from penstock._src.v1.variables.collections import GraphKeys, get_collection
from penstock._src.v1.variables.initializers import Zeros
from penstock._src.v1.variables.scopes import VariableScope, get_variable, variable_scope


def _parts(variable: Any) -> list[Any]:
    """A variable, or the parts of a partitioned one."""
    return getattr(variable, "_get_variable_list", lambda: [variable])()


class _Term:
    """The product of a column with its weights, which the first call creates."""

    def __init__(self, column: Any, name: str, model: LinearModel) -> None:
        self.column, self.name = column, name
        self._model = model
        self.scope: Any = None
        self.weights: Any = None

    def __call__(self, builder: _LazyBuilder) -> Any:
        if self.scope is None:
            with variable_scope(None, default_name=self.name) as self.scope:
                pass
        reuse = True if self.weights is not None else None
        with variable_scope(self.scope, reuse=reuse, auxiliary_name_scope=False):
            with name_scope_v1(self.scope.original_name_scope):
                if self.weights is None:
                    self.weights = self._model.variable("weights", self._rows())
                return self._product(builder)

    def _rows(self) -> int:
        if isinstance(self.column, _CategoricalColumn):
            return self.column._num_buckets
        return self.column._variable_shape.num_elements()

    def _product(self, builder: _LazyBuilder) -> Any:
        options = {
            "weight_collections": self._model.weight_collections,
            "trainable": self._model.trainable,
        }
        if not isinstance(self.column, _CategoricalColumn):
            tensor = self.column._get_dense_tensor(builder, **options)
            shape = raw.Pack(values=[raw.Shape(input=tensor)[0], self._rows()])
            flat = raw.Reshape(tensor=tensor, shape=shape)
            return raw.MatMul(a=flat, b=convert_to_tensor(self.weights), name="weighted_sum")
        ids, weights = self.column._get_sparse_tensors(builder, **options)
        return safe_embedding_lookup_sparse_v1(
            self.weights,
            _flat(ids),
            sparse_weights=None if weights is None else _flat(weights),
            combiner=self._model.sparse_combiner,
            name="weighted_sum",
        )


def _flat(sparse: Any) -> Any:
    """A sparse tensor with all axes but the first as one."""
    rows = cast(sparse.dense_shape[0], dtypes.int64)
    return sparse_reshape(sparse, raw.Pack(values=[rows, np.int64(-1)]))


class LinearModel:
    """Weighted sums of columns and a bias; each call uses the same variables.

    Args:
      feature_columns: dense or categorical columns.
      units: how many sums.
      sparse_combiner: "sum", "mean" or "sqrtn": how the weights of an example's categories become one.
      weight_collections: the collections of the graph to which variables are added.
      trainable: whether the weights are trained.
      name: of the scope of the variables.

    Raises:
      ValueError: there is no column, two have the same name, or one is neither dense nor categorical.
    """

    def __init__(
        self,
        feature_columns: Any,
        units: int = 1,
        sparse_combiner: str = "sum",
        weight_collections: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        self._columns, self._units = listed(feature_columns), units
        self._name = name or "linear_model"
        self.sparse_combiner, self.trainable = sparse_combiner, trainable
        self.weight_collections = with_model_collections(weight_collections)
        self._terms = []
        for column in by_name(self._columns):
            with variable_scope(None, default_name=column._var_scope_name) as scope:
                own = scope.name.rpartition("/")[2]
            self._terms.append(_Term(column, own, self))
        self._bias: Any = None
        self._cols_to_vars: dict[Any, Any] = {}

    def variable(self, name: str, rows: int | None) -> Any:
        """Creates a variable that starts at zero in the current scope.

        Args:
          name: of the variable.
          rows: its rows of weights for the units; None for one vector of them.
        """
        shape = [self._units] if rows is None else [rows, self._units]
        weights = get_variable(name, shape=shape, initializer=Zeros(), trainable=self.trainable)
        add_variable(weights, self.weight_collections)
        return weights

    def cols_to_vars(self) -> dict[Any, Any]:
        """Returns the variables of each column, and of "bias"."""
        return self._cols_to_vars

    def __call__(self, features: dict[str, Any]) -> Any:
        for column in self._columns:
            if not isinstance(column, (_DenseColumn, _CategoricalColumn)):
                raise ValueError(
                    "Items of feature_columns must be either a _DenseColumn or _CategoricalColumn. "
                    f"Given: {column}"
                )
        with name_scope_v1(self.name), variable_scope(self.name) as scope:
            return self._sum(_LazyBuilder(features), scope)

    def _sum(self, builder: _LazyBuilder, scope: VariableScope) -> Any:
        terms, sums = sorted(self._terms, key=lambda term: term.name), []
        for term in terms:
            sums.append(term(builder))
            self._cols_to_vars[term.column] = get_collection(
                GraphKeys.GLOBAL_VARIABLES, term.scope.name
            )
        check_batches(sums, [term.column for term in terms])
        total = raw.AddN(inputs=sums, name="weighted_sum_no_bias")
        if self._bias is None:
            self._bias = self.variable("bias_weights", None)
        self._cols_to_vars["bias"] = _parts(self._bias)
        return raw.BiasAdd(value=total, bias=convert_to_tensor(self._bias), name="weighted_sum")

    name = read_only("_name", "The name of the scope of the variables.")

    @property
    def variables(self) -> list[Any]:
        """The variables that were created, the bias last."""
        created = [term.weights for term in self._terms] + [self._bias]
        return [part for variable in created if variable is not None for part in _parts(variable)]

    weights = read_only("variables", "The variables that were created.")

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that are trained."""
        return self.variables if self.trainable else []

    trainable_weights = read_only("trainable_variables", "The variables that are trained.")


@export(v1=["feature_column.linear_model"])
def linear_model(
    features: dict[str, Any],
    feature_columns: Any,
    units: int = 1,
    sparse_combiner: str = "sum",
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, Any] | None = None,
) -> Any:
    """Weighted sums of columns and a bias, `[batch, units]`, with weights that start at zero.

    Args:
      features: tensors by key.
      feature_columns: dense or categorical columns.
      units: how many sums.
      sparse_combiner: "sum", "mean" or "sqrtn": how the weights of an example's categories become one.
      weight_collections: the collections of the graph to which variables are added.
      trainable: whether the weights are trained.
      cols_to_vars: a dictionary that is filled with the variables of each column, and of "bias".

    Raises:
      ValueError: there is no column, two have the same name, or one is neither dense nor categorical.
    """
    with variable_scope(None, "linear_model") as scope:
        name = scope.name.rpartition("/")[2]
    model = LinearModel(
        feature_columns, units, sparse_combiner, weight_collections, trainable, name
    )
    result = model(features)
    if cols_to_vars is not None:
        cols_to_vars.update(model.cols_to_vars())
    return result
