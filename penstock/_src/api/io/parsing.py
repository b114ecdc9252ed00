"""Parses examples (tf.train.Example) into tensors, given a specification of their features."""

from collections import namedtuple

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.util.export import export

from . import ragged_features


@export("io.FixedLenFeature", v1=["io.FixedLenFeature", "FixedLenFeature"])
class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature that has one shape in all examples: it is parsed to a dense tensor.

    Args:
      shape: the shape of the feature in an example.
      dtype: float32, int64 or string.
      default_value: what takes its place where it is missing; without it, a missing feature is an
        error.

    >>> example = tf.train.Example()
    >>> example.features.feature["x"].float_list.value.extend([1.0, 2.0])
    >>> features = {"x": tf.io.FixedLenFeature([2], tf.float32)}
    >>> tf.io.parse_single_example(example.SerializeToString(), features)["x"].numpy()
    array([1., 2.], dtype=float32)
    """

    def __new__(cls, shape, dtype, default_value=None):
        return super().__new__(cls, shape, dtype, default_value)


@export("io.VarLenFeature", v1=["io.VarLenFeature", "VarLenFeature"])
class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any length: it is parsed to a sparse tensor.

    Args:
      dtype: float32, int64 or string.

    >>> features = {"x": tf.io.VarLenFeature(tf.int64)}
    >>> tf.io.parse_example([b"", b""], features)["x"].dense_shape.numpy()
    array([2, 0])
    """


@export("io.FixedLenSequenceFeature", v1=["io.FixedLenSequenceFeature", "FixedLenSequenceFeature"])
class FixedLenSequenceFeature(
    namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])
):
    """A feature that repeats a shape any number of times: a dense tensor, padded.

    Args:
      shape: of each step.
      dtype: float32, int64 or string.
      allow_missing: whether an example may lack the feature, which then has no steps.
      default_value: a scalar for the padding of shorter sequences in a batch; by default 0 or "". None is allowed in
        `sequence_features`.
    """

    def __new__(cls, shape, dtype, allow_missing=False, default_value=None):
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


@export("io.SparseFeature", v1=["io.SparseFeature", "SparseFeature"])
class SparseFeature(
    namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])
):
    """A sparse tensor with indices and values from two features.

    Args:
      index_key: the name of the feature of indices, int64; a list of names, one for each axis.
      value_key: the name of the feature of values.
      dtype: of the values: float32, int64 or string.
      size: the length of the axis; a list for several.
      already_sorted: whether the indices ascend in each example, so that they need not be sorted.
    """

    def __new__(cls, index_key, value_key, dtype, size, already_sorted=False):
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


@export("io.RaggedFeature")
class RaggedFeature(
    namedtuple(
        "RaggedFeature", ["dtype", "value_key", "partitions", "row_splits_dtype", "validate"]
    )
):
    """A feature that is parsed to a ragged tensor.

    Args:
      dtype: float32, int64 or string.
      value_key: the name of the feature with the values; by default the key of this object.
      partitions: features with the row partitions, from the outside in: such as
        `tf.io.RaggedFeature.RowSplits("splits")`.
      row_splits_dtype: int32 or int64.
      validate: whether the partitions are checked.

    >>> example = tf.train.Example()
    >>> example.features.feature["x"].int64_list.value.extend([1, 2, 3])
    >>> features = {"x": tf.io.RaggedFeature(tf.int64)}
    >>> tf.io.parse_example([example.SerializeToString(), b""], features)["x"].to_list()
    [[1, 2, 3], []]
    """

    RowSplits = ragged_features.RowSplits
    RowLengths = ragged_features.RowLengths
    RowStarts = ragged_features.RowStarts
    RowLimits = ragged_features.RowLimits
    ValueRowIds = ragged_features.ValueRowIds
    UniformRowLength = ragged_features.UniformRowLength
    _PARTITION_TYPES = (RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds, UniformRowLength)

    @classmethod
    def _validate_and_recreate_partition(cls, partition, partition_types):
        """The partition; one of another class as that of these types with its name and fields.

        Raises:
          TypeError: no type has them.
        """
        if isinstance(partition, partition_types):
            return partition
        for kind in partition_types:
            fields = getattr(partition, "_fields", None)
            if type(partition).__name__ == kind.__name__ and fields == kind._fields:
                return kind(*partition)
        raise TypeError(
            f"Partition {partition!r} cannot be cast to any of the partition types "
            f"{[kind.__name__ for kind in partition_types]}"
        )

    def __new__(
        cls, dtype, value_key=None, partitions=(), row_splits_dtype=dtypes.int32, validate=False
    ):
        partitions = tuple(
            [cls._validate_and_recreate_partition(p, cls._PARTITION_TYPES) for p in partitions]
        )
        return super().__new__(
            cls, dtype, value_key, partitions, dtypes.as_dtype(row_splits_dtype), validate
        )


class _Plan:
    """The features in the form of the parsing op: sparse, dense and ragged keys with dtypes."""

    def __init__(self, features, without=()):
        self.sparse, self.ragged = {}, {}
        self.dense = {}
        for name in sorted(features):
            if isinstance(features[name], without):
                kind = type(features[name]).__name__
                raise ValueError(f"Unsupported {kind} {features[name]} for key '{name}'")
            self._add(name, features[name])
        self._refuse_shared_keys()

    def _refuse_shared_keys(self):
        """Raises ValueError if a key of messages is parsed in two ways."""
        ways = {"dense": self.dense, "sparse": self.sparse, "ragged": self.ragged}
        for one, other in (("dense", "sparse"), ("dense", "ragged"), ("ragged", "sparse")):
            shared = ways[one].keys() & ways[other].keys()
            if shared:
                raise ValueError(
                    f"{one.capitalize()} and {other} keys must not intersect; "
                    f"{one}_keys: {sorted(ways[one])}, {other}_keys: {sorted(ways[other])}, "
                    f"intersection: {sorted(shared)}"
                )

    def _add(self, name, feature):
        if isinstance(feature, VarLenFeature):
            self._need(self.sparse, name, feature.dtype)
        elif isinstance(feature, SparseFeature):
            keys = feature.index_key
            for key in sorted(keys if isinstance(keys, (list, tuple)) else [keys]):
                self._need(self.sparse, key, dtypes.int64)
            self._need(self.sparse, feature.value_key, feature.dtype)
        elif isinstance(feature, (FixedLenFeature, FixedLenSequenceFeature)):
            if feature.dtype is None:
                raise ValueError(f"Missing type for feature {name}.")
            if feature.shape is None:
                raise ValueError(f"Missing shape for feature {name}.")
            self.dense[name] = feature
        elif isinstance(feature, RaggedFeature):
            self._need(
                self.ragged, feature.value_key or name, feature.dtype, feature.row_splits_dtype
            )
            for partition in feature.partitions:
                if not isinstance(partition, ragged_features.UniformRowLength):
                    self._need(self.ragged, partition.key, dtypes.int64, feature.row_splits_dtype)
        else:
            raise ValueError(f"Invalid feature {name}:{feature}.")

    @staticmethod
    def _need(table, key, dtype, splits=dtypes.int64):
        if dtype is None:
            raise ValueError(f"Missing type for feature {key}.")
        dtype = dtypes.as_dtype(dtype)
        known, known_splits = table.setdefault(key, (dtype, splits))
        if known is not dtype:
            raise ValueError(f"Conflicting type {known!r} vs {dtype!r} for feature {key}.")
        if known_splits != splits:
            raise ValueError(
                f"Conflicting partition type {known_splits!r} vs {splits!r} for feature {key}."
            )


def _check_extents(key, feature, shape):
    """Raises ValueError unless all dimensions of a feature of fixed length are known."""
    if shape.rank is None:
        raise ValueError(f"Missing shape for feature {key}.")
    if shape.rank and shape[0] is None:
        raise ValueError(
            f"First dimension of shape for feature {key} unknown. Consider using "
            f"FixedLenSequenceFeature. Received feature={feature}."
        )
    if not shape.is_fully_defined():
        raise ValueError(
            f"All dimensions of shape for feature {key} need to be known but received "
            f"{feature.shape}."
        )


def _dense_arguments(dense):
    """(keys, defaults, shapes) of the dense features."""
    keys, defaults, shapes = sorted(dense), [], []
    for key in keys:
        feature = dense[key]
        kind = dtypes.as_dtype(feature.dtype)
        shape = as_shape(feature.shape)
        variable = isinstance(feature, FixedLenSequenceFeature)
        if not variable:
            _check_extents(key, feature, shape)
        if variable and not feature.allow_missing:
            raise ValueError(
                "Unsupported: FixedLenSequenceFeature requires allow_missing to be True."
            )
        default = feature.default_value
        if variable:
            filler = (b"" if kind == dtypes.string else 0) if default is None else default
            default = convert_to_tensor(filler, dtype=kind)
            default = raw.Reshape(tensor=default, shape=np.zeros(0, np.int32))
            shapes.append([None, *shape.as_list()])
        elif default is None:
            default = convert_to_tensor(np.zeros(0, object if kind == dtypes.string else
                                                 kind.as_numpy_dtype), dtype=kind)  # fmt: skip
            shapes.append(shape.as_list())
        else:
            default = convert_to_tensor(default, dtype=kind)
            default = raw.Reshape(tensor=default, shape=np.array(shape.as_list(), np.int32))
            shapes.append(shape.as_list())
        defaults.append(default)
    return keys, defaults, shapes


def _grouped(flat, plan, dense_keys, has_splits=True):
    """The op's outputs by key: sparse tensors, dense tensors, ragged tensors; without splits, the values of a single example."""
    indices, values, shapes, denses, ragged_values, ragged_splits = flat
    features = {}
    for key, i, v, s in zip(sorted(plan.sparse), indices, values, shapes, strict=True):
        features["s", key] = SparseTensor(i, v, s)
    for key, value in zip(dense_keys, denses, strict=True):
        features["d", key] = value
    for key, value, splits in zip(sorted(plan.ragged), ragged_values, ragged_splits, strict=True):
        features["r", key] = value
        if has_splits:
            features["r", key] = RaggedTensor.from_row_splits(value, splits, validate=False)
    return features


def _order(item):
    """The sort key of a feature among the results: kind, then name, as in TensorFlow's op."""
    name, feature = item
    kinds = (
        VarLenFeature,
        (FixedLenFeature, FixedLenSequenceFeature),
        RaggedFeature,
        SparseFeature,
    )
    return [isinstance(feature, kind) for kind in kinds].index(True), name


def _assemble(features, parsed):
    results = {}
    for name, feature in sorted(features.items(), key=_order):
        if isinstance(feature, VarLenFeature):
            results[name] = parsed["s", name]
        elif isinstance(feature, SparseFeature):
            results[name] = _sparse(feature, parsed)
        elif isinstance(feature, RaggedFeature):
            results[name] = _ragged(name, feature, parsed)
        else:
            results[name] = parsed["d", name]
    return results


def _sparse(feature, parsed):
    keys = (
        feature.index_key if isinstance(feature.index_key, (list, tuple)) else [feature.index_key]
    )
    sizes = feature.size if isinstance(feature.size, (list, tuple)) else [feature.size]
    values = parsed["s", feature.value_key]
    columns = [parsed["s", keys[0]].indices[:, :-1]]
    for key in keys:
        columns.append(raw.ExpandDims(input=parsed["s", key].values, axis=1))
    indices = raw.ConcatV2(values=columns, axis=1)
    lead = values.dense_shape[:-1]
    shape = raw.ConcatV2(values=[lead, np.array(sizes, np.int64)], axis=0)
    result = SparseTensor(indices, values.values, shape)
    if feature.already_sorted:
        return result
    ordered = raw.SparseReorder(
        input_indices=result.indices, input_values=result.values, input_shape=shape
    )
    return SparseTensor(ordered[0], ordered[1], shape)


def _ragged(name, feature, parsed):
    values = parsed["r", feature.value_key or name]
    return ragged_features.partitioned(values, feature, lambda key: parsed["r", key])


@dispatchable("io.parse_example", v1=[])
@scoped("ParseExample")
def parse_example(serialized, features, example_names=None, name=None):
    """Returns tensors of serialized `tf.train.Example` messages, by the names of features.

    Args:
      serialized: a string vector, one message each; or a scalar.
      features: a dictionary of names and `FixedLenFeature`, `VarLenFeature`, `SparseFeature`,
        `RaggedFeature` or `FixedLenSequenceFeature` objects.
      example_names: a string vector of names that messages about errors show.
      name: a name for the operation.

    Returns:
      A dictionary of names and tensors: dense `[batch, ...]`, sparse or ragged, as the features
      say.

    Raises:
      ValueError: `features` is empty, or a feature is of another kind.
      InvalidArgumentError: a message is damaged, or a feature is missing or of another dtype or
        length.

    >>> example = tf.train.Example()
    >>> example.features.feature["x"].int64_list.value.append(7)
    >>> features = {"x": tf.io.FixedLenFeature([], tf.int64)}
    >>> tf.io.parse_example([example.SerializeToString()], features)["x"].numpy()
    array([7])
    """
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    serialized = convert_to_tensor(serialized, dtype=dtypes.string, name="serialized")
    plan = _Plan(features)
    keys, defaults, shapes = _dense_arguments(plan.dense)
    sparse, ragged = sorted(plan.sparse), sorted(plan.ragged)
    names = convert_to_tensor([] if example_names is None else example_names, dtype=dtypes.string)
    flat = raw.ParseExampleV2(
        serialized=serialized,
        names=names,
        sparse_keys=_strings(sparse),
        dense_keys=_strings(keys),
        ragged_keys=_strings(ragged),
        dense_defaults=defaults,
        num_sparse=len(sparse),
        sparse_types=[plan.sparse[k][0] for k in sparse],
        ragged_value_types=[plan.ragged[k][0] for k in ragged],
        ragged_split_types=[plan.ragged[k][1] for k in ragged],
        dense_shapes=shapes,
        name=name,
    )
    return _assemble(features, _grouped(flat, plan, keys, serialized.shape.rank != 0))


def _strings(values):
    return convert_to_tensor(np.array([v.encode() for v in values], object), dtype=dtypes.string)


def _scalar(serialized):
    """The tensor of one serialized example.

    Raises:
      ValueError: it is known to be no scalar.
    """
    serialized = convert_to_tensor(serialized, dtype=dtypes.string, name="serialized")
    if serialized.shape.rank not in (None, 0):
        raise ValueError("Input serialized must be a scalar")
    return serialized if serialized.shape.rank == 0 else raw.EnsureShape(input=serialized, shape=[])


@dispatchable("io.parse_single_example", v1=[])
def parse_single_example(serialized, features, example_names=None, name=None):
    """Returns tensors of one serialized `tf.train.Example`, by the names of features.

    Args:
      serialized: a string scalar.
      features: a dictionary of names and features, as for `tf.io.parse_example`.
      example_names: a string scalar, the name that messages about errors show.
      name: a name for the operation.

    Returns:
      A dictionary of names and tensors, without the axis of the batch.

    Raises:
      ValueError: `features` is None.
      InvalidArgumentError: the message is damaged, or a feature is missing or of another dtype or
        length.

    >>> features = {"x": tf.io.FixedLenFeature([], tf.int64, default_value=-1)}
    >>> tf.io.parse_single_example(b"", features)["x"].numpy()
    np.int64(-1)
    """
    if not features:
        raise ValueError("Invalid argument: features cannot be None.")
    return parse_example(_scalar(serialized), features, example_names, name)


def _sequence(serialized, context_features, sequence_features, example_names, name):
    if not context_features and not sequence_features:
        raise ValueError(
            "Both `context_features` and `sequence_features` argument are None, but at "
            "least one should have values."
        )
    context = _Plan(context_features or {}, without=FixedLenSequenceFeature)
    steps = _Plan(sequence_features or {}, without=FixedLenFeature)
    keys, defaults, shapes = _dense_arguments(context.dense)
    for key, feature in steps.dense.items():
        if feature.default_value is not None:
            raise ValueError(f"Value feature_list.dense_defaults[{key}] must be None")
    step_keys = sorted(steps.dense)
    serialized = convert_to_tensor(serialized, dtype=dtypes.string, name="serialized")
    names = convert_to_tensor([] if example_names is None else example_names, dtype=dtypes.string)
    missing = [bool(steps.dense[k].allow_missing) for k in step_keys]
    outputs = raw.ParseSequenceExampleV2(
        serialized=serialized,
        debug_name=names,
        context_sparse_keys=_strings(sorted(context.sparse)),
        context_dense_keys=_strings(keys),
        context_ragged_keys=_strings(sorted(context.ragged)),
        feature_list_sparse_keys=_strings(sorted(steps.sparse)),
        feature_list_dense_keys=_strings(step_keys),
        feature_list_ragged_keys=_strings(sorted(steps.ragged)),
        feature_list_dense_missing_assumed_empty=np.array(missing, bool),
        context_dense_defaults=defaults,
        Ncontext_sparse=len(context.sparse),
        context_sparse_types=[context.sparse[k][0] for k in sorted(context.sparse)],
        context_ragged_value_types=[context.ragged[k][0] for k in sorted(context.ragged)],
        context_ragged_split_types=[context.ragged[k][1] for k in sorted(context.ragged)],
        context_dense_shapes=shapes,
        Nfeature_list_sparse=len(steps.sparse),
        Nfeature_list_dense=len(step_keys),
        feature_list_dense_types=[dtypes.as_dtype(steps.dense[k].dtype) for k in step_keys],
        feature_list_sparse_types=[steps.sparse[k][0] for k in sorted(steps.sparse)],
        feature_list_ragged_value_types=[steps.ragged[k][0] for k in sorted(steps.ragged)],
        feature_list_ragged_split_types=[steps.ragged[k][1] for k in sorted(steps.ragged)],
        feature_list_dense_shapes=[as_shape(steps.dense[k].shape).as_list() for k in step_keys],
        name=name,
    )
    first = _grouped(outputs[:6], context, keys, serialized.shape.rank != 0)
    indices, values, shapes, denses, lengths, ragged, outer, inner = outputs[6:]
    second = _grouped((indices, values, shapes, denses, ragged, inner), steps, step_keys)
    if serialized.shape.rank != 0:
        for key, splits in zip(sorted(steps.ragged), outer, strict=True):
            rows = second["r", key]
            second["r", key] = RaggedTensor.from_row_splits(rows, splits, validate=False)
    return (
        _assemble(context_features or {}, first),
        _assemble(sequence_features or {}, second),
        dict(zip(step_keys, lengths, strict=True)),
    )


@dispatchable("io.parse_sequence_example")
def parse_sequence_example(
    serialized, context_features=None, sequence_features=None, example_names=None, name=None
):
    """Serialized sequence examples: (context, sequences, lengths), each by feature.

    Args:
      serialized: a string vector `[batch]` of serialized `tf.train.SequenceExample`s.
      context_features: a dict from names to `FixedLenFeature`, `VarLenFeature` or `RaggedFeature`.
      sequence_features: a dict from names to `FixedLenSequenceFeature`, `VarLenFeature` or
        `RaggedFeature`.
      example_names: a string vector: what messages call the examples.
      name: of the operation.

    Returns:
      Three dicts: tensors of context features, tensors of sequence features `[batch, steps, ...]`,
      and int64 `[batch]` lengths of the dense sequence features.
    """
    return _sequence(serialized, context_features, sequence_features, example_names, name)


@dispatchable("io.parse_single_sequence_example", v1=["io.parse_single_sequence_example"])
def parse_single_sequence_example(
    serialized, context_features=None, sequence_features=None, example_name=None, name=None
):
    """One serialized sequence example: (context, sequences), each by feature.

    Args:
      serialized: a string scalar.
      context_features, sequence_features: as `tf.io.parse_sequence_example`'s.
      example_name: a string scalar: what messages call the example.
      name: of the operation.

    Returns:
      Two dicts: tensors of context features, and tensors of sequence features `[steps, ...]`.
    """
    serialized = _scalar(serialized)
    context, steps, _ = _sequence(
        serialized, context_features, sequence_features, example_name, name
    )
    return context, steps


@dispatchable("io.serialize_sparse", v1=[])
def serialize_sparse(sp_input, out_type=dtypes.string, name=None):
    """A sparse tensor as three strings.

    Args:
      sp_input: a SparseTensor.
      out_type: string or variant.
      name: of the operation.

    Returns:
      A vector `[3]` of this dtype: serialized indices, values and shape.
    """
    return raw.SerializeSparse(
        sparse_indices=sp_input.indices,
        sparse_values=sp_input.values,
        sparse_shape=sp_input.dense_shape,
        out_type=dtypes.as_dtype(out_type),
        name=name,
    )


@dispatchable("io.serialize_many_sparse", v1=[])
def serialize_many_sparse(sp_input, out_type=dtypes.string, name=None):
    """Each row of a sparse tensor as three strings.

    Args:
      sp_input: a SparseTensor of rank 2 or more.
      out_type: string or variant.
      name: of the operation.

    Returns:
      A tensor `[n, 3]` of this dtype, for the `n` rows along the first axis.
    """
    return raw.SerializeManySparse(
        sparse_indices=sp_input.indices,
        sparse_values=sp_input.values,
        sparse_shape=sp_input.dense_shape,
        out_type=dtypes.as_dtype(out_type),
        name=name,
    )


@dispatchable(
    "io.deserialize_many_sparse", v1=["io.deserialize_many_sparse", "deserialize_many_sparse"]
)
def deserialize_many_sparse(serialized_sparse, dtype, rank=None, name=None):
    """The sparse tensor of rows that `serialize_sparse` made.

    Args:
      serialized_sparse: a string tensor `[n, 3]`.
      dtype: of the values.
      rank: of each of the `n` sparse tensors, if it is known.
      name: of the operation.

    Returns:
      A SparseTensor of that rank plus 1.
    """
    parts = raw.DeserializeManySparse(
        serialized_sparse=serialized_sparse, dtype=dtypes.as_dtype(dtype), name=name
    )
    result = SparseTensor(*parts)
    if rank is not None:
        result.set_shape([None] * (rank + 1))
    return result
