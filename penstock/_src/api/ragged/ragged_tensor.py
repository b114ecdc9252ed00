"""RaggedTensor: values and a RowPartition; and its TypeSpec."""

import numpy as np

from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor, refuse_conversion
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import (
    BatchableTypeSpec,
    TensorSpec,
    register_type_spec_from_value_converter,
)
from penstock._src.core.tensor import Tensor
from penstock._src.util import slots
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from .constructors import RaggedConstructors, values_of
from .ragged_value import RaggedTensorValue
from .row_checks import INDEX_TYPES, positive_axis, scalar
from .row_partition import RowPartition, make


@export("RaggedTensor")
class RaggedTensor(RaggedConstructors, CompositeTensor):
    """A tensor with rows of different lengths on some axes.

    It consists of the values of all rows, one after another, and of where each row ends. Make one
    with `tf.ragged.constant` or `RaggedTensor.from_row_splits` and its like. Most functions take
    it.

    Args:
      values: a tensor or ragged tensor: the rows, one after another.
      row_partition: a `tf.experimental.RowPartition`: where rows begin.
      internal: True; programs use the functions named above.

    Raises:
      ValueError: `internal` is not True.

    >>> ragged = tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2, 2, 3])
    >>> ragged.to_list()
    [[1, 2], [], [3]]
    >>> tf.reduce_sum(ragged, axis=1).numpy()
    array([3, 0, 3], dtype=int32)
    """

    _is_native_composite = True

    _has_operators = False  # until api/ragged_overrides/table.py sets them

    # NumPy's operators leave operands of this type to its own operators.
    __array_priority__ = 100

    def __init__(self, values, row_partition, internal=False):
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods instead "
                "(e.g., RaggedTensor.from_row_lengths())"
            )
        if not isinstance(row_partition, RowPartition):
            raise TypeError(
                f"Argument `row_partition` must be a RowPartition. Received {row_partition}."
            )
        if not isinstance(values, Tensor) and not hasattr(type(values), "_type_spec"):
            raise TypeError(
                f"type(values) must be one of: Tensor, RaggedTensor. Received {values!r}."
            )
        if values.shape.rank == 0:
            raise ValueError(f"Shape {values.shape} must have rank at least 1")
        if not RaggedTensor._has_operators:
            slots.above("call_with_ragged_tensors")
        self._values, self._row_partition = values, row_partition
        if isinstance(values, RaggedTensor) and values._row_partition.dtype != row_partition.dtype:
            self._row_partition = row_partition.with_dtype(dtypes.int64)
            self._values = values.with_row_splits_dtype(dtypes.int64)

    # -- properties

    dtype = read_only("_values.dtype", "The type of the values.")

    @property
    def shape(self):
        """The static shape, None for ragged dimensions."""
        rows = self._row_partition.static_nrows
        length = self._row_partition.static_uniform_row_length
        inner = self._values.shape
        if inner.rank is None:
            return TensorShape(None)
        return TensorShape([rows, length, *inner.as_list()[1:]])

    def get_shape(self):
        """Returns the static shape, with None for ragged axes.

        Returns:
          A `TensorShape`.
        """
        return self.shape

    @property
    def ragged_rank(self):
        """The number of partitioned dimensions."""
        inner = self._values
        return 1 + (inner.ragged_rank if isinstance(inner, RaggedTensor) else 0)

    values = read_only("_values", "The rows, one after another.")

    @property
    def _nested_row_partitions(self):
        inner = self._values
        rest = inner._nested_row_partitions if isinstance(inner, RaggedTensor) else ()
        return (self._row_partition, *rest)

    @property
    def row_splits(self):
        """Indices of each row's first value, and the end of the last row."""
        return self._row_partition.row_splits()

    @property
    def uniform_row_length(self):
        """The common length of all rows, or None."""
        return self._row_partition.uniform_row_length()

    @property
    def flat_values(self):
        """The innermost values."""
        inner = self._values
        while isinstance(inner, RaggedTensor):
            inner = inner._values
        return inner

    @property
    def nested_row_splits(self):
        """The row splits of all ragged dimensions, outermost first."""
        return tuple(p.row_splits() for p in self._nested_row_partitions)

    @scoped("RaggedNestedRowLengths")
    def nested_row_lengths(self, name=None):
        """Returns the lengths of the rows of all ragged axes.

        Args:
          name: a name for the operation.

        Returns:
          A tuple of vectors, from the outermost axis to the innermost.
        """
        return tuple(p.row_lengths() for p in self._nested_row_partitions)

    @scoped("RaggedNestedValueRowIds")
    def nested_value_rowids(self, name=None):
        """Returns the rows of the values of all ragged axes.

        Args:
          name: a name for the operation.

        Returns:
          A tuple of vectors, from the outermost axis to the innermost.
        """
        return tuple(p.value_rowids() for p in self._nested_row_partitions)

    @scoped("RaggedValueRowIds")
    def value_rowids(self, name=None):
        """Returns the row of each value.

        Args:
          name: a name for the operation.

        Returns:
          An integer vector.
        """
        return self._row_partition.value_rowids()

    def _rowids_of_values(self):
        """Returns the row of each value for what combines them with the values: the splits have to fit these."""
        return self._row_partition._rowids_of(self._values)

    @scoped("RaggedNRows")
    def nrows(self, out_type=None, name=None):
        """Returns the number of rows.

        Args:
          out_type: the dtype; by default that of the row splits.
          name: a name for the operation.

        Returns:
          An integer scalar.
        """
        count = convert_to_tensor(self._row_partition.nrows())
        return count if out_type is None else cast(count, out_type)

    @scoped("RaggedRowStarts")
    def row_starts(self, name=None):
        """Returns where each row begins.

        Args:
          name: a name for the operation.

        Returns:
          An integer vector.
        """
        return self._row_partition.row_starts()

    @scoped("RaggedRowLimits")
    def row_limits(self, name=None):
        """Returns where each row ends.

        Args:
          name: a name for the operation.

        Returns:
          An integer vector.
        """
        return self._row_partition.row_limits()

    def row_lengths(self, axis=1, name=None):
        """Returns the length of each row.

        Args:
          axis: the axis of the rows.
          name: a name for the operation.

        Returns:
          An integer vector, or a ragged tensor for an inner axis.

        Raises:
          ValueError: `axis` is out of range.
        """
        rank = self.shape.rank
        if rank is not None and not -rank <= axis < rank:
            raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
        axis = axis + rank if axis < 0 else axis
        if axis == 0:
            return self.nrows()
        if axis == 1:
            return self._row_partition.row_lengths()
        inner = self._values
        if isinstance(inner, RaggedTensor):
            return self.with_values(inner.row_lengths(axis - 1))
        shape = raw.Shape(input=inner, out_type=self._row_partition.dtype)
        lengths = raw.Fill(dims=raw.Reshape(tensor=shape[0], shape=[1]), value=shape[axis - 1])
        return self.with_values(lengths)

    @scoped("RaggedBoundingBox")
    def bounding_shape(self, axis=None, name=None, out_type=None):
        """Returns the shape of the smallest tensor that holds all rows.

        Args:
          axis: the axes to return the extents of; by default all.
          name: a name for the operation.
          out_type: the dtype; by default that of the row splits.

        Returns:
          An integer vector or scalar.
        """
        kind = self._row_partition.dtype if out_type is None else dtypes.as_dtype(out_type)
        extents = [self._row_partition.nrows()]
        for partition in self._nested_row_partitions:
            lengths = raw.ConcatV2(
                values=[partition.row_lengths(), np.zeros(1, partition.dtype.as_numpy_dtype)],
                axis=0,
            )
            extents.append(raw.Max(input=lengths, axis=[0]))
        outer = raw.Pack(values=[cast(convert_to_tensor(e), kind) for e in extents])
        inner = raw.Shape(input=self.flat_values, out_type=kind)[1:]
        shape = raw.ConcatV2(values=[outer, inner], axis=0)
        if axis is None:
            return shape
        return raw.GatherV2(params=shape, indices=axis, axis=0)

    # -- variations

    def with_values(self, new_values):
        """Returns the same rows of other values.

        Args:
          new_values: a tensor or ragged tensor of as many values.

        Returns:
          A `RaggedTensor`.
        """
        new_values = values_of(new_values)
        new_values.shape.with_rank_at_least(1)
        new_values.shape[:1].assert_is_compatible_with(self._values.shape[:1])
        if isinstance(new_values, RaggedTensor):
            wide = new_values._row_partition.dtype
            if wide != self._row_partition.dtype:
                both = dtypes.int64
                return RaggedTensor(
                    new_values.with_row_splits_dtype(both),
                    self._row_partition.with_dtype(both),
                    internal=True,
                )
        return RaggedTensor(new_values, self._row_partition, internal=True)

    def with_flat_values(self, new_values):
        """Returns the same rows of other innermost values.

        Args:
          new_values: a tensor of as many values.

        Returns:
          A `RaggedTensor`.
        """
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype):
        """Returns the same rows with row splits of a dtype.

        Args:
          dtype: int32 or int64.

        Returns:
          A `RaggedTensor`.

        Raises:
          ValueError: `dtype` is another.
        """
        kind = dtypes.as_dtype(dtype)
        if kind not in (dtypes.int32, dtypes.int64):
            raise ValueError(
                f"Argument `row_splits` dtype must be int32 or int64. Received {dtype}."
            )
        if kind == self._row_partition.dtype:
            return self
        inner = self._values
        if isinstance(inner, RaggedTensor):
            inner = inner.with_row_splits_dtype(kind)
        return RaggedTensor(inner, self._row_partition.with_dtype(kind), internal=True)

    def merge_dims(self, outer_axis, inner_axis):
        """Returns a tensor in which several axes have become one.

        Args:
          outer_axis: the first of the axes.
          inner_axis: the last of the axes.

        Returns:
          A `RaggedTensor`, or a tensor if no axis is ragged any more.

        Raises:
          ValueError: the axes are out of range or in the wrong order.
        """
        rank = self.shape.rank
        for name, axis in (("outer_axis", outer_axis), ("inner_axis", inner_axis)):
            positive_axis(axis, rank, name)
        outer_axis = outer_axis + rank if outer_axis < 0 else outer_axis
        inner_axis = inner_axis + rank if inner_axis < 0 else inner_axis
        if not 0 <= outer_axis <= inner_axis:
            raise ValueError(
                f"Expected outer_axis ({outer_axis}) to be less than or equal to inner_axis "
                f"({inner_axis})"
            )
        return merge_dims(self, outer_axis, inner_axis)

    def _set_shape(self, shape):
        """Adds known facts of the shape, such as that all rows of an axis have one length.

        Raises:
          ValueError: it contradicts what is known already.
        """
        shape = as_shape(shape)
        if shape.rank is None:
            return
        extents = shape.as_list()
        if extents[0] is not None:
            self.row_splits.set_shape([extents[0] + 1])
        partitions = self._nested_row_partitions
        for axis, partition in enumerate(partitions, 1):
            partition.set_uniform_row_length(extents[axis], axis)
        if hasattr(self.flat_values, "set_shape"):
            self.flat_values.set_shape([None, *extents[len(partitions) + 1 :]])

    def consumers(self):
        """Returns the operations of the graph that take a component.

        Returns:
          A list of operations.
        """
        return self._consumers()

    def _consumers(self):
        operations = list(self.flat_values.consumers())
        for splits in self.nested_row_splits:
            operations.extend(splits.consumers())
        return operations

    # -- conversions

    @scoped("RaggedToTensor")
    def to_tensor(self, default_value=None, name=None, shape=None):
        """Returns a tensor in which shorter rows are padded.

        Args:
          default_value: what rows are padded with; 0 or the empty string by default.
          name: a name for the operation.
          shape: the shape of the result: longer rows are cut. None stands for the greatest
            extent.

        Returns:
          A tensor.
        """
        if default_value is None:
            default_value = (
                b"" if self.dtype == dtypes.string else False if self.dtype.is_bool else 0
            )
        default = convert_to_tensor(default_value, dtype=self.dtype, name="default_value")
        if isinstance(shape, (list, tuple)) and any(isinstance(n, Tensor) for n in shape):
            shape = convert_to_tensor(shape)
        kind = self._row_partition.dtype
        known = None
        if isinstance(shape, Tensor):
            extents = shape if shape.dtype in INDEX_TYPES else cast(shape, kind)
        else:
            known = as_shape(shape)
            extents = scalar([-1 if n is None else n for n in known] if known.rank else -1, kind)
        partitions = [p.row_splits() for p in self._nested_row_partitions]
        result = raw.RaggedTensorToTensor(
            shape=extents,
            values=self.flat_values,
            default_value=default,
            row_partition_tensors=partitions,
            row_partition_types=["ROW_SPLITS"] * len(partitions),
        )
        own = self.shape
        if own.rank is not None and known is not None and not result.shape.is_fully_defined():
            # Padding may make an axis longer than the rows are.
            pairs = zip(known if known.rank else [None] * own.rank, own)
            result.set_shape([mine if asked is None else asked for asked, mine in pairs])
        return result

    @scoped("RaggedToSparse")
    def to_sparse(self, name=None):
        """Returns a sparse tensor with an entry for each value.

        Args:
          name: a name for the operation.

        Returns:
          A `SparseTensor`.
        """
        parts = raw.RaggedTensorToSparse(
            rt_nested_splits=list(self.nested_row_splits),
            rt_dense_values=self.flat_values,
            name=name,
        )
        result = SparseTensor(*parts)
        if self.shape.rank is not None:
            result.set_shape(TensorShape([self.shape[0]] + [None] * (self.shape.rank - 1)))
        return result

    def _value_from_arrays(self, parts):
        return self._type_spec._from_components(parts)

    def to_list(self):
        """Returns the values in nested lists.

        Returns:
          A list.

        Raises:
          ValueError: the tensor is not eager.
        """
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("to_list can only be used in eager mode.")
        inner = self._values
        values = inner.to_list() if isinstance(inner, RaggedTensor) else inner.numpy().tolist()
        splits = self.row_splits.numpy().tolist()
        return [values[a:b] for a, b in zip(splits[:-1], splits[1:], strict=True)]

    def numpy(self):
        """Returns an array of rows, which are arrays.

        Returns:
          A NumPy array; of objects if rows differ in length.

        Raises:
          ValueError: the tensor is not eager.
        """
        if not hasattr(self.flat_values, "numpy"):
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        values = self._values.numpy()
        splits = self.row_splits.numpy()
        rows = np.split(values, splits[1:-1]) if len(splits) > 1 else []
        lengths = set(np.diff(splits).tolist())
        if rows and len(lengths) == 1:
            return np.stack(rows)
        result = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            result[i] = row
        if not rows:
            return np.zeros((0, 0) + values.shape[1:], values.dtype)
        return result

    def __array__(self, dtype=None, copy=None):
        value = self.numpy()
        return value if dtype is None else np.asarray(value, dtype)

    @property
    def _type_spec(self):
        return RaggedTensorSpec.from_value(self)

    def _as_graph_element(self):
        """The tensor of the innermost values, by which the graph of a ragged tensor is known."""
        return self.flat_values

    def _shape_invariant_to_type_spec(self, shape):
        return RaggedTensorSpec(shape, self.dtype, self.ragged_rank, self._row_partition.dtype)

    def __iter__(self):
        if not hasattr(self.flat_values, "numpy"):
            raise TypeError("Cannot iterate over a RaggedTensor in a graph.")
        for i in range(int(self.nrows().numpy())):
            yield self[i]

    def __str__(self):
        if hasattr(self.flat_values, "numpy"):
            with np.printoptions(formatter={"all": _printed}):
                return f"<tf.RaggedTensor {_printed(self.numpy())}>"
        return f"tf.RaggedTensor(values={self._values}, row_splits={self.row_splits})"

    __repr__ = __str__


def _printed(x):
    """Rows as NumPy prints them, with commas between."""
    if isinstance(x, np.ndarray):
        return np.array2string(x, separator=", ") if x.size else repr(x.tolist())
    return str(x)


def ragged_of_value(value):
    """The ragged tensor of a RaggedTensorValue; anything else unchanged."""
    if not isinstance(value, RaggedTensorValue):
        return value
    return RaggedTensor.from_nested_row_splits(
        convert_to_tensor(value.flat_values), value.nested_row_splits, validate=False
    )


def merge_dims(value, outer, inner):
    """The dimensions outer ... inner of a dense or ragged tensor as one."""
    if outer == inner:
        return value
    if not isinstance(value, RaggedTensor):
        shape = raw.Shape(input=value)
        count = raw.Reshape(tensor=raw.Prod(input=shape[outer : inner + 1], axis=[0]), shape=[1])
        merged = raw.ConcatV2(values=[shape[:outer], count, shape[inner + 1 :]], axis=0)
        result = raw.Reshape(tensor=value, shape=merged)
        extents = value.shape.as_list()
        part = extents[outer : inner + 1]
        middle = None if None in part else int(np.prod(part))
        result.set_shape([*extents[:outer], middle, *extents[inner + 1 :]])
        return result
    if outer > 1:
        return value.with_values(merge_dims(value.values, outer - 1, inner - 1))
    if outer == 0:
        return merge_dims(value.values, 0, inner - 1)
    splits, inside = value.row_splits, value.values
    for _ in range(inner - outer):
        if isinstance(inside, RaggedTensor):
            splits, inside = raw.GatherV2(inside.row_splits, splits, 0), inside.values
        else:
            splits = splits * cast(raw.Shape(input=inside)[1], splits.dtype)
            inside = merge_dims(inside, 0, 1)
    return from_splits(inside, splits)


def from_splits(values, splits, uniform_row_length=None):
    """A RaggedTensor of valid parts, without checks."""
    return RaggedTensor(values, make(splits, uniform_row_length), internal=True)


@export("RaggedTensorSpec")
@spec_names.register("tf.RaggedTensorSpec")
class RaggedTensorSpec(BatchableTypeSpec):
    """The type of a ragged tensor, such as an argument of a `tf.function`.

    Args:
      shape: the static shape, with None for ragged axes.
      dtype: the dtype of the values.
      ragged_rank: how many axes are ragged; by default all but the first.
      row_splits_dtype: int32 or int64.
      flat_values_spec: the spec of the innermost values, if they are not a plain tensor.

    >>> spec = tf.RaggedTensorSpec([None, None], tf.int32)
    >>> spec.is_compatible_with(tf.ragged.constant([[1], [2, 3]]))
    True
    """

    def __init__(
        self,
        shape=None,
        dtype=dtypes.float32,
        ragged_rank=None,
        row_splits_dtype=dtypes.int64,
        flat_values_spec=None,
    ):
        self._shape = as_shape(shape)
        self._row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        self._flat_values_spec = flat_values_spec
        if flat_values_spec is not None:
            if dtype not in (None, flat_values_spec.dtype):
                raise ValueError("dtype must be the same as flat_values_spec.dtype")
            dtype = flat_values_spec.dtype
        elif dtype is None:
            raise ValueError("At least one of dtype or flat_values_spec must be provided")
        self._dtype = dtypes.as_dtype(dtype)
        if ragged_rank is None:
            if self._shape.rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = self._shape.rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        self._ragged_rank = ragged_rank
        if self._shape.rank is not None and ragged_rank >= self._shape.rank:
            raise ValueError(
                f"Argument `ragged_rank` ({ragged_rank}) must be less than rank "
                f"({self._shape.rank})."
            )

    dtype = read_only("_dtype", "The type of the values.")
    shape = read_only("_shape", "The static shape.")
    ragged_rank = read_only("_ragged_rank", "The number of partitioned dimensions.")
    row_splits_dtype = read_only("_row_splits_dtype", "int32 or int64.")
    flat_values_spec = read_only(
        "_flat_values_spec", "The spec of the innermost values, if it is none of a tensor."
    )

    @property
    def value_type(self):
        """RaggedTensor, or Tensor for ragged rank 0."""
        return RaggedTensor if self._ragged_rank > 0 else Tensor

    @classmethod
    def from_value(cls, value):
        """Returns the spec of a ragged tensor.

        Args:
          value: a `RaggedTensor` or its value.

        Returns:
          A `RaggedTensorSpec`.
        """
        if isinstance(value, RaggedTensorValue):
            value = RaggedTensor.from_nested_row_splits(value.flat_values, value.nested_row_splits)
        flat = value.flat_values
        flat_spec = None if isinstance(flat, Tensor) else flat._type_spec
        return cls(
            value.shape, value.dtype, value.ragged_rank, value._row_partition.dtype, flat_spec
        )

    def _serialize(self):
        parts = (self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype)
        return parts if self._flat_values_spec is None else (*parts, self._flat_values_spec)

    def is_compatible_with(self, spec_or_value):
        """Returns True if a value, or values of a type, could be of this type.

        Args:
          spec_or_value: a value or a type.

        Returns:
          A Python bool.
        """
        if self._ragged_rank == 0 and isinstance(spec_or_value, (Tensor, TensorSpec)):
            return TensorSpec(self._shape, self._dtype).is_compatible_with(spec_or_value)
        return super().is_compatible_with(spec_or_value)

    # -- values as variants, which can be batched

    @property
    def _flat_tensor_specs(self):
        return [TensorSpec(None, dtypes.variant)]

    def _as_variant(self, value, batched):
        if self._flat_values_spec is not None:
            raise ValueError("Customized value_type is not supported.")
        if not isinstance(value, RaggedTensor):
            if self._ragged_rank > 0:
                raise ValueError(
                    f"Expected a RaggedTensor if ragged rank={self._ragged_rank} "
                    f"but got {type(value).__name__}."
                )
            return [
                raw.RaggedTensorToVariant(
                    rt_nested_splits=[],
                    rt_dense_values=value,
                    batched_input=batched,
                    Tsplits=self._row_splits_dtype,
                )
            ]
        if value.ragged_rank != self._ragged_rank:
            raise ValueError(
                f"Ragged rank of value {value.ragged_rank} does not match ragged rank of type "
                f"{self._ragged_rank}."
            )
        return [value._to_variant(batched)]

    def _to_tensor_list(self, value):
        return self._as_variant(value, False)

    def _to_batched_tensor_list(self, value):
        return self._as_variant(value, True)

    def _from_tensor_list(self, tensors):
        result = RaggedTensor._from_variant(
            tensors[0], self._dtype, self._ragged_rank, row_splits_dtype=self._row_splits_dtype
        )
        if self._shape.rank is not None:
            set_shape = result._set_shape if isinstance(result, RaggedTensor) else result.set_shape
            set_shape(self._shape)
        return result

    _from_compatible_tensor_list = _from_tensor_list

    def _batch(self, batch_size):
        shape = TensorShape([batch_size]).concatenate(self._shape)
        return RaggedTensorSpec(shape, self._dtype, self._ragged_rank + 1, self._row_splits_dtype)

    def _unbatch(self):
        # The rank may become negative: a dataset may batch again.
        rank = self._ragged_rank - 1
        return RaggedTensorSpec(self._shape[1:], self._dtype, rank, self._row_splits_dtype)

    @property
    def _component_specs(self):
        inner = [None]
        if self._shape.rank is not None:
            inner += self._shape.as_list()[self._ragged_rank + 1 :]
        flat = TensorSpec(inner if self._shape.rank is not None else None, self._dtype)
        if self._ragged_rank == 0:
            return [TensorSpec(self._shape, self._dtype)]
        rows = self._shape[0] if self._shape.rank else None
        outer = TensorSpec([None if rows is None else rows + 1], self._row_splits_dtype)
        others = [TensorSpec([None], self._row_splits_dtype)] * (self._ragged_rank - 1)
        return [self._flat_values_spec or flat, outer, *others]

    def _to_components(self, value):
        if isinstance(value, RaggedTensor):
            return [value.flat_values, *value.nested_row_splits]
        return [value]

    def _from_components(self, tensors):
        result = tensors[0]
        if all(isinstance(t, np.ndarray) for t in tensors):
            for splits in reversed(tensors[1:]):
                result = RaggedTensorValue(result, splits)
            return result
        for splits in reversed(tensors[1:]):
            result = from_splits(result, splits)
        if isinstance(result, RaggedTensor):
            result._set_shape(self._shape)
        return result


def _no_conversion(value, dtype=None, name=None, as_ref=False):
    if STATE.graph is not None:
        raise TypeError(
            f"Failed to convert elements of {value} to Tensor. Consider casting elements to a supported type: "
            "convert a RaggedTensor by `to_tensor()`."
        )
    raise ValueError(
        "TypeError: object of type 'RaggedTensor' has no len(): a RaggedTensor is made dense by "
        "`to_tensor()`."
    )


refuse_conversion((RaggedTensor, RaggedTensorValue), _no_conversion)
register_type_spec_from_value_converter(RaggedTensorValue, RaggedTensorSpec.from_value)
