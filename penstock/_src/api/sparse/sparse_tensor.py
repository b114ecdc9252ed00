"""SparseTensor: indices, values and a dense shape; and its TypeSpec."""

import collections

import numpy as np

from penstock._src.api.array.creation import zeros
from penstock._src.api.math.arithmetic import TRUE_DIVISION
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor, refuse_conversion
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import LateText
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import (
    BatchableTypeSpec,
    TensorSpec,
    register_type_spec_from_value_converter,
)
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.operation import scope_of
from penstock._src.graph.static_values import constant_value, constant_value_as_shape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

SparseTensorValue = collections.namedtuple(
    "SparseTensorValue", ["indices", "values", "dense_shape"]
)
export(v1=["SparseTensorValue"])(SparseTensorValue)


@export("sparse.SparseTensor", "SparseTensor")
class SparseTensor(CompositeTensor):
    """A tensor that stores only some entries; the others are zero.

    Args:
      indices: int64 `[n, rank]`: the places of the entries; most functions want them in row-major
        order.
      values: `[n]`: the entries.
      dense_shape: int64 `[rank]`: the shape.

    Raises:
      ValueError: the shapes of the three do not fit, or an extent is negative.

    >>> sparse = tf.sparse.SparseTensor(indices=[[0, 1], [1, 0]], values=[5, 7], dense_shape=[2, 2])
    >>> tf.sparse.to_dense(sparse).numpy()
    array([[0, 5],
           [7, 0]], dtype=int32)
    """

    _is_native_composite = True

    def __init__(self, indices, values, dense_shape):
        static = None
        if isinstance(dense_shape, TensorShape):
            dense_shape = dense_shape.as_list()
        if isinstance(dense_shape, (list, tuple)) and any(n is None for n in dense_shape):
            static = [n if isinstance(n, (int, np.integer)) else None for n in dense_shape]
            dense_shape = [-1 if n is None else n for n in dense_shape]
        with scope_of((indices, values, dense_shape), None, "SparseTensor"):
            indices = convert_to_tensor(indices, dtype=dtypes.int64, name="indices")
            values = convert_to_tensor(values, name="values")
            dense_shape = convert_to_tensor(dense_shape, dtype=dtypes.int64, name="dense_shape")
        self._indices, self._values, self._dense_shape = indices, values, dense_shape
        ranks = (
            indices.shape.with_rank(2),
            values.shape.with_rank(1),
            dense_shape.shape.with_rank(1),
        )
        for one, other in zip(ranks[0], (ranks[1][0], ranks[2][0])):
            if one is not None and other is not None and one != other:
                raise ValueError(f"Dimensions {one} and {other} are not compatible")
        if isinstance(dense_shape, EagerTensor):
            least = min(dense_shape.numpy().tolist(), default=0)
            if least < -1:  # -1 stands for an unknown extent
                raise ValueError(f"Dimension {least} must be >= 0")
        self._static = None if static is None else TensorShape(static)

    @classmethod
    def from_value(cls, sparse_tensor_value):
        """Returns a sparse tensor of a value that a session returned.

        Args:
          sparse_tensor_value: a `tf.compat.v1.SparseTensorValue`, or a `SparseTensor`.

        Returns:
          A `SparseTensor`.

        Raises:
          TypeError: it is something else.
        """
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(
                f"Argument sparse_tensor_value={sparse_tensor_value} is neither a SparseTensor nor "
                "SparseTensorValue."
            )
        return cls(*sparse_tensor_value)

    indices = read_only("_indices", "The coordinates, `[n, rank]` int64.")
    values = read_only("_values", "The values, `[n]`.")
    dense_shape = read_only("_dense_shape", "The shape as an int64 vector.")
    dtype = read_only("_values.dtype", "The type of the values.")

    @property
    def shape(self):
        """The static shape."""
        if self._static is None:
            known = constant_value(self._dense_shape)
            if known is None:
                self._static = constant_value_as_shape(self._dense_shape)
            else:
                self._static = TensorShape([None if n == -1 else int(n) for n in known])
        return self._static

    def get_shape(self):
        """Returns the static shape.

        Returns:
          A `TensorShape`.
        """
        return self.shape

    def set_shape(self, shape):
        """Merges a shape into the static shape.

        Args:
          shape: a shape, in which None stands for any extent.
        """
        self._static = self.shape.merge_with(shape)

    graph = read_only("_indices.graph", "The graph of the components.")
    op = read_only("_values.op", "The operation that makes the values.")
    name = read_only("_values.name", "The name of the values.")

    def with_values(self, new_values):
        """Returns a sparse tensor with the same indices and other values.

        Args:
          new_values: a tensor of as many entries.

        Returns:
          A `SparseTensor`.
        """
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def _is_eager(self):
        return isinstance(self._values, EagerTensor)

    def _numpy(self):
        if not self._is_eager():
            raise ValueError("SparseTensor.numpy() is only supported in eager mode.")
        dense = zeros(self.dense_shape, self.dtype).numpy()
        dense[tuple(self.indices.numpy().T)] = self.values.numpy()
        return dense

    def consumers(self):
        """Returns the operations of the graph that take a component.

        Returns:
          A list of operations.
        """
        return self._consumers()

    def _consumers(self):
        operations = []
        if STATE.graph is None:
            return operations
        for part in (self._indices, self._values, self._dense_shape):
            operations.extend(part.consumers())
        return list({id(op): op for op in operations}.values())

    def eval(self, feed_dict=None, session=None):
        """Returns the value that a session computes.

        Args:
          feed_dict: values for tensors of the graph.
          session: the session; by default the current one.

        Returns:
          A `tf.compat.v1.SparseTensorValue`.
        """
        parts = [
            t.eval(feed_dict, session) for t in (self._indices, self._values, self._dense_shape)
        ]
        return SparseTensorValue(*parts)

    @staticmethod
    def _value_from_arrays(parts):
        return SparseTensorValue(*parts)

    @property
    def _type_spec(self):
        return SparseTensorSpec(self.shape, self.dtype)

    def _shape_invariant_to_type_spec(self, shape):
        return SparseTensorSpec(TensorShape(shape), self.dtype)

    def __str__(self):
        return (
            f"SparseTensor(indices={self._indices!s}, values={self._values!s}, "
            f"dense_shape={self._dense_shape!s})"
        )

    __repr__ = __str__

    def __iter__(self):
        raise TypeError("'SparseTensor' object is not iterable")

    def __truediv__(self, y):
        y = convert_to_tensor(y, dtype=self.dtype, name="y")
        wide = TRUE_DIVISION.get(self.dtype.base_dtype)
        if wide is None:
            return _elementwise(raw.SparseDenseCwiseDiv, self, y)
        values = raw.Cast(x=self.values, DstT=wide)
        sparse = SparseTensor(self.indices, values, self.dense_shape)
        return _elementwise(raw.SparseDenseCwiseDiv, sparse, raw.Cast(x=y, DstT=wide))

    __div__ = __truediv__

    def __mul__(self, y):
        return _elementwise(raw.SparseDenseCwiseMul, self, y)

    __rmul__ = __mul__


def _elementwise(op, sparse, dense):
    dense = convert_to_tensor(dense, dtype=sparse.dtype, name="y")
    values = op(
        sp_indices=sparse.indices,
        sp_values=sparse.values,
        sp_shape=sparse.dense_shape,
        dense=dense,
    )
    return SparseTensor(sparse.indices, values, sparse.dense_shape)


@export("SparseTensorSpec")
@spec_names.register("tf.SparseTensorSpec")
class SparseTensorSpec(BatchableTypeSpec):
    """The shape and type of a SparseTensor.

    Args:
      shape: of the tensor; None if it is not known.
      dtype: of the values.
    """

    def __init__(self, shape=None, dtype=dtypes.float32):
        self._shape = as_shape(shape)
        self._dtype = dtypes.as_dtype(dtype)

    dtype = read_only("_dtype", "The type of the values.")
    shape = read_only("_shape", "The static shape.")
    rank = read_only("_shape.rank", "The number of dimensions, or None.")

    @property
    def value_type(self):
        """SparseTensor."""
        return SparseTensor

    @classmethod
    def from_value(cls, value):
        """The spec of a SparseTensor or SparseTensorValue.

        Args:
          value: a SparseTensor or SparseTensorValue.

        Returns:
          A SparseTensorSpec.

        Raises:
          TypeError: it is something else.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if isinstance(value, SparseTensorValue):
            return cls([None] * len(np.asarray(value.dense_shape)), np.asarray(value.values).dtype)
        raise TypeError("Expected SparseTensor or SparseTensorValue")

    def _serialize(self):
        return (self._shape, self._dtype)

    def _batch(self, batch_size):
        return SparseTensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self):
        if self._shape.rank == 0:
            raise ValueError("Unbatching a sparse tensor is only supported for rank >= 1")
        return SparseTensorSpec(self._shape[1:] if self._shape.rank else None, self._dtype)

    @property
    def _flat_tensor_specs(self):
        return [TensorSpec(None, dtypes.variant)]

    @property
    def _component_specs(self):
        rank = self._shape.rank
        return [
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], self._dtype),
            TensorSpec([rank], dtypes.int64),
        ]

    def _from_tensor_list(self, tensors):
        # Here a value is three tensors, not the variant that `_flat_tensor_specs` names as TensorFlow does.
        return self._from_compatible_tensor_list(tensors)

    def _to_components(self, value):
        if isinstance(value, SparseTensorValue):
            value = SparseTensor.from_value(value)
        return [value.indices, value.values, value.dense_shape]

    def _from_components(self, tensors):
        if all(isinstance(t, np.ndarray) for t in tensors):
            return SparseTensorValue(*tensors)
        result = SparseTensor(*tensors)
        result._static = self._shape.merge_with(result.shape)
        return result


def to_sparse(value, name="sp_input"):
    """`value` as a SparseTensor.

    Raises:
      TypeError: it is not a SparseTensor or SparseTensorValue.
    """
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return value


def _no_conversion(value, dtype=None, name=None, as_ref=False):
    kind = ValueError if STATE.graph is None else TypeError
    advice = "convert a SparseTensor by tf.sparse.to_dense."
    raise kind(LateText(lambda: f"Failed to convert {value} to a Tensor: {advice}"))


refuse_conversion((SparseTensor, SparseTensorValue), _no_conversion)


register_type_spec_from_value_converter(
    SparseTensorValue, lambda value: SparseTensor.from_value(value)._type_spec
)
