"""Indicator and embedding columns, and functions of dense columns."""

import collections
import functools
import math

import numpy as np

from penstock._src.api.array.creation import one_hot
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.nn.embedding import safe_embedding_lookup_sparse
from penstock._src.api.random.functions import truncated_normal
from penstock._src.api.sparse.functions import to_dense
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import executing_eagerly
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.eager.variable import Variable
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .base import CategoricalColumn, DenseColumn, FeatureColumn, Features, SparseTensor


class _OfCategories(DenseColumn):
    """A dense column derived from a categorical one."""

    parse_example_spec = read_only(
        "categorical_column.parse_example_spec",
        "What `tf.io.parse_example` has to parse for the column.",
    )

    @property
    def parents(self):
        """The columns that it is made of."""
        return [self.categorical_column]


class IndicatorColumn(
    _OfCategories, collections.namedtuple("IndicatorColumn", ("categorical_column",))
):
    """Counts of categories (multi-hot)."""

    @property
    def name(self):
        """The name of the column."""
        return f"{self.categorical_column.name}_indicator"

    @property
    def variable_shape(self):
        """The static shape without the batch."""
        return TensorShape([self.categorical_column.num_buckets])

    def transform(self, features):
        """The counts, or the sums of weights, of the categories of each example."""
        categories, weights = self.categorical_column.sparse_tensors(features)
        depth = self.categorical_column.num_buckets
        marks = one_hot(to_dense(categories, default_value=-1), depth, 1.0, 0.0)
        if weights is not None:
            weights = SparseTensor(categories.indices, weights.values, categories.dense_shape)
            marks = marks * raw.ExpandDims(input=to_dense(weights), axis=np.int32(-1))
        return reduce_sum(marks, -2)


@export("feature_column.indicator_column")
def indicator_column(categorical_column):
    """A column with the counts of categories."""
    if not isinstance(categorical_column, CategoricalColumn):
        raise ValueError(
            "Unsupported input type. Input must be a CategoricalColumn. Given: "
            f"{categorical_column}"
        )
    return IndicatorColumn(categorical_column)


class EmbeddingColumn(
    _OfCategories,
    collections.namedtuple(
        "EmbeddingColumn",
        (
            "categorical_column",
            "dimension",
            "combiner",
            "initializer",
            "ckpt_to_load_from",
            "tensor_name_in_ckpt",
            "max_norm",
            "trainable",
            "use_safe_embedding_lookup",
        ),
    ),
):
    """Categories as learned vectors."""

    @property
    def name(self):
        """The name of the column."""
        return f"{self.categorical_column.name}_embedding"

    @property
    def variable_shape(self):
        """The static shape without the batch."""
        return TensorShape([self.dimension])

    def weights(self):
        """Creates the vectors, one for each category."""
        if self.ckpt_to_load_from is not None:
            raise UnimplementedError(
                None, None, "embedding_column: embeddings of a checkpoint are not loaded."
            )
        shape = [self.categorical_column.num_buckets, self.dimension]
        return Variable(self.initializer(shape), trainable=self.trainable, name="embedding_weights")

    def looked_up(self, features, weights):
        """The combined vectors of each example's categories."""
        categories, importance = self.categorical_column.sparse_tensors(features)
        return safe_embedding_lookup_sparse(
            weights,
            categories,
            sparse_weights=importance,
            combiner=self.combiner,
            max_norm=self.max_norm,
        )


def _check_embedding(dimension, initializer, checkpoint, tensor_name, name):
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (checkpoint is None) != (tensor_name is None):
        raise ValueError(
            "Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them."
        )
    if initializer is not None and not callable(initializer):
        raise ValueError(
            f"initializer must be callable if specified. Embedding of column_name: {name}"
        )
    if initializer is None:
        initializer = functools.partial(truncated_normal, stddev=1 / math.sqrt(dimension))
    return initializer


@export("feature_column.embedding_column")
def embedding_column(
    categorical_column,
    dimension,
    combiner="mean",
    initializer=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
    use_safe_embedding_lookup=True,
):
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
      use_safe_embedding_lookup: whether examples without a category are allowed.
    """
    initializer = _check_embedding(
        dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, categorical_column.name
    )
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer,
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )


class SharedEmbeddingColumn(EmbeddingColumn):
    """One of several categorical columns that share vectors."""

    @property
    def name(self):
        """The name of the column."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def shared_embedding_collection_name(self):
        """The name of the shared vectors."""
        return self.shared["name"]

    def _replace(self, **changes):
        made = super()._replace(**changes)
        made.shared = self.shared
        return made

    def weights(self):
        """The vectors, created on first use."""
        if self.shared["weights"] is None:
            self.shared["weights"] = super().weights()
        return self.shared["weights"]


@export("feature_column.shared_embeddings", v1=[])
def shared_embeddings(
    categorical_columns,
    dimension,
    combiner="mean",
    initializer=None,
    shared_embedding_collection_name=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
    use_safe_embedding_lookup=True,
):
    """Columns of vectors for several columns of categories, which share the vectors.

    Raises:
      RuntimeError: not in a graph.
    """
    if executing_eagerly():
        raise RuntimeError(
            "shared_embedding_columns are not supported when eager execution is enabled."
        )
    return shared_embedding_columns(
        categorical_columns,
        dimension,
        combiner,
        initializer,
        shared_embedding_collection_name,
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )


@export(v1=["feature_column.shared_embedding_columns"])
def shared_embedding_columns(
    categorical_columns,
    dimension,
    combiner="mean",
    initializer=None,
    shared_embedding_collection_name=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
    use_safe_embedding_lookup=True,
):
    """Columns of vectors for several columns of categories, which share the vectors.

    Raises:
      ValueError: the columns have different numbers of categories, or an argument is invalid.
    """
    first = categorical_columns[0]
    initializer = _check_embedding(
        dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, first.name
    )
    if not shared_embedding_collection_name:
        names = sorted(column.name for column in categorical_columns)
        shared_embedding_collection_name = "_".join(names) + "_shared_embedding"
    for column in categorical_columns[1:]:
        if column.num_buckets != first.num_buckets:
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same number of "
                f"buckets. Given column: {first} with buckets: {first.num_buckets} does  not match "
                f"column: {column} with buckets: {column.num_buckets}"
            )
    shared, columns = {"weights": None, "name": shared_embedding_collection_name}, []
    for column in categorical_columns:
        made = SharedEmbeddingColumn(
            column,
            dimension,
            combiner,
            initializer,
            ckpt_to_load_from,
            tensor_name_in_ckpt,
            max_norm,
            trainable,
            use_safe_embedding_lookup,
        )
        made.shared = shared
        columns.append(made)
    return columns


@export("feature_column.make_parse_example_spec", v1=[])
def make_parse_example_spec(feature_columns):
    """The features that `tf.io.parse_example` must parse for the columns, by key."""
    result = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(
                f"All feature_columns must be FeatureColumn instances. Given: {column}"
            )
        for key, value in column.parse_example_spec.items():
            if key in result and value != result[key]:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and "
                    f"{result[key]}"
                )
            result[key] = value
    return result


@export(v1=["feature_column.input_layer"])
def input_layer(
    features,
    feature_columns,
    weight_collections=None,
    trainable=True,
    cols_to_vars=None,
    cols_to_output_tensors=None,
):
    """The dense tensors of columns concatenated to `[batch, n]`, in the order of their names.

    Args:
      features: tensors by key.
      feature_columns: dense columns.
      weight_collections: not used.
      trainable: whether embeddings are trained.
      cols_to_vars: a dictionary that is filled with the variables of each column.
      cols_to_output_tensors: a dictionary that is filled with the tensor of each column.
    """
    del weight_collections
    features, outputs = Features(features), []
    columns = [feature_columns] if isinstance(feature_columns, FeatureColumn) else feature_columns
    for column in sorted(columns, key=lambda c: c.name):
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a DenseColumn. You can wrap a categorical column "
                f"with an embedding_column or indicator_column. Given: {column}"
            )
        held = []
        if isinstance(column, EmbeddingColumn):
            held = [column._replace(trainable=trainable and column.trainable).weights()]
            tensor = column.looked_up(features, held[0])
        else:
            tensor = column.dense_tensor(features)
        rows = raw.Shape(input=tensor)[0]
        count = column.variable_shape.num_elements()
        tensor = raw.Reshape(tensor=tensor, shape=raw.Pack(values=[rows, np.int32(count)], axis=0))
        outputs.append(tensor)
        if cols_to_vars is not None:
            cols_to_vars[column] = held
        if cols_to_output_tensors is not None:
            cols_to_output_tensors[column] = tensor
    return raw.ConcatV2(values=outputs, axis=np.int32(1))


@export(v1=["feature_column.linear_model"])
def linear_model(
    features,
    feature_columns,
    units=1,
    sparse_combiner="sum",
    weight_collections=None,
    trainable=True,
    cols_to_vars=None,
):
    """Weighted sums of columns and a bias, `[batch, units]`, with weights that start at zero."""
    del weight_collections
    features, total = Features(features), None
    columns = [feature_columns] if isinstance(feature_columns, FeatureColumn) else feature_columns
    for column in sorted(columns, key=lambda c: c.name):
        if isinstance(column, CategoricalColumn):
            categories, importance = column.sparse_tensors(features)
            weights = _zeros([column.num_buckets, units], trainable, column.name)
            term = safe_embedding_lookup_sparse(
                weights, categories, sparse_weights=importance, combiner=sparse_combiner
            )
        elif isinstance(column, DenseColumn):
            tensor = column.dense_tensor(features)
            count = column.variable_shape.num_elements()
            weights = _zeros([count, units], trainable, column.name)
            flat = raw.Reshape(tensor=tensor, shape=[-1, count])
            term = raw.MatMul(a=flat, b=convert_to_tensor(weights))
        else:
            raise ValueError(
                "Items of feature_columns must be either a DenseColumn or CategoricalColumn. Given: "
                f"{column}"
            )
        if cols_to_vars is not None:
            cols_to_vars[column] = [weights]
        total = term if total is None else total + term
    bias = _zeros([units], trainable, "bias")
    if cols_to_vars is not None:
        cols_to_vars["bias"] = [bias]
    return total + bias


def _zeros(shape, trainable, name):
    return Variable(np.zeros(shape, np.float32), trainable=trainable, name=f"{name}/weights")
