"""Composite tensors: objects that are made of tensors, described by a TypeSpec. IndexedSlices is one."""

from typing import Any, NamedTuple

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, register_tensor_conversion_function
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.util import slots
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("__internal__.CompositeTensor", v1=[])
class CompositeTensor:
    """Base of classes with instances that consist of tensors, as `_type_spec` describes."""

    _is_composite = True

    @property
    def _type_spec(self) -> TypeSpec:
        raise NotImplementedError(f"{type(self).__name__}._type_spec()")

    def _shape_invariant_to_type_spec(self, shape: Any) -> TypeSpec:
        raise NotImplementedError(f"{type(self).__name__}._shape_invariant_to_type_spec()")

    def _convert_variables_to_tensors(self) -> Any:
        return self


class IndexedSlicesValue(NamedTuple):
    """The value that a session returns for an IndexedSlices."""

    values: Any
    indices: Any
    dense_shape: Any = None


@export("IndexedSlices")
class IndexedSlices(CompositeTensor):
    """Some rows of a larger tensor: its row `indices[i]` is `values[i]`.

    Rows with equal indices add up. The gradient of a gather has this form, so that the gradient
    of an embedding stays small; `tf.convert_to_tensor` makes it dense.

    Args:
      values: `[n, ...]`: the rows.
      indices: integers `[n]`: where they stand.
      dense_shape: the shape of the larger tensor, an integer vector, if it is known.

    >>> slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([0, 2]), tf.constant([3, 1]))
    >>> tf.convert_to_tensor(slices).numpy()
    array([[1.],
           [0.],
           [2.]], dtype=float32)
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values, self._indices, self._dense_shape = values, indices, dense_shape

    @staticmethod
    def _value_from_arrays(parts: Any) -> IndexedSlicesValue:
        return IndexedSlicesValue(*parts)

    values: Tensor = read_only("_values", "The rows.")
    indices: Tensor = read_only("_indices", "Which rows they are.")
    dense_shape: Tensor | None = read_only(
        "_dense_shape", "The shape of the whole tensor, or None."
    )

    @property
    def shape(self) -> TensorShape:
        """The static shape of the whole tensor."""
        if self._dense_shape is None:
            return TensorShape(None)
        return shape_of_vector(self._dense_shape)

    dtype: dtypes.DType = read_only("_values.dtype", "The type of the values.")
    name: str = read_only("_values.name", "The name of the values.")
    device: str = read_only("_values.device", "The device of the values.")
    op = read_only("_values.op", "The operation that makes the values.")
    graph = read_only("_values.graph", "The graph that holds the values.")

    @property
    def _type_spec(self) -> "IndexedSlicesSpec":
        has_shape = self._dense_shape is not None
        # The values tell all extents but the number of rows, which a computed dense shape may not.
        shape = TensorShape([None]).concatenate(self._values.shape[1:])
        return IndexedSlicesSpec(
            self.shape.merge_with(shape) if has_shape else shape,
            self.dtype,
            self._indices.dtype,
            self._dense_shape.dtype if has_shape else None,
            self._indices.shape,
        )

    def _parts(self) -> list[Tensor]:
        """The tensors in order. A session takes indices of any rank, which a spec refuses."""
        parts = (self._values, self._indices, self._dense_shape)
        return [part for part in parts if part is not None]

    def consumers(self) -> list[Any]:
        """Returns the operations of the graph that read the values or indices.

        Returns:
          A list of operations.
        """
        return self._values.consumers() + self._indices.consumers()

    def __neg__(self) -> "IndexedSlices":
        return IndexedSlices(raw.Neg(self._values), self._indices, self._dense_shape)

    def __str__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{shape})"

    __repr__ = __str__


def shape_of_vector(vector: Any) -> TensorShape:
    """Returns the static shape described by a shape vector."""
    value = getattr(vector, "_value", None)
    if value is not None:
        return TensorShape([int(d) for d in value])
    return slots.STATIC_SHAPE(vector)


@export("IndexedSlicesSpec")
class IndexedSlicesSpec(TypeSpec):
    """The type of an IndexedSlices.

    Args:
      shape: of the whole tensor; None if it is not known.
      dtype: of the values.
      indices_dtype: int32 or int64.
      dense_shape_dtype: int32 or int64; None if there is no dense shape.
      indices_shape: of the indices; None if it is not known.
    """

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._values_dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = (
            None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        )
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    value_type = property(lambda _: IndexedSlices, doc="IndexedSlices.")

    def _serialize(self) -> tuple[Any, ...]:
        return (
            self._shape,
            self._values_dtype,
            self._indices_dtype,
            self._dense_shape_dtype,
            self._indices_shape,
        )

    @property
    def _component_specs(self) -> Any:
        values = TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._values_dtype)
        specs = [values, TensorSpec(self._indices_shape, self._indices_dtype)]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.ndims], self._dense_shape_dtype))
        return tuple(specs)

    def _to_components(self, value: IndexedSlices) -> Any:
        parts = (value.values, value.indices, value.dense_shape)
        return parts if value.dense_shape is not None else parts[:2]

    def _from_components(self, tensors: Any) -> IndexedSlices:
        return IndexedSlices(*tensors)


def indexed_slices_to_tensor(
    value: IndexedSlices, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    """Returns the dense tensor.

    Raises:
      ValueError: the dtype differs, or the dense shape is unknown.
    """
    if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible tensor conversion requested to `dtype` {dtypes.as_dtype(dtype).name} for "
            f"IndexedSlices ({value}) with dtype {value.dtype.name}"
        )
    if value.dense_shape is None:
        raise ValueError(
            "Tensor conversion requested for IndexedSlices for argument without `dense_shape`."
        )
    rows = raw.StridedSlice(value.dense_shape, [0], [1], [1], shrink_axis_mask=1)
    if rows.dtype is not dtypes.int32:
        rows = raw.Cast(rows, DstT=dtypes.int32)
    result = raw.UnsortedSegmentSum(value.values, value.indices, rows, name=name)
    if not result.shape.is_fully_defined():
        result.set_shape(value.shape)
    return result


register_tensor_conversion_function(IndexedSlices, indexed_slices_to_tensor)


def dense(value: Any) -> Any:
    """Returns a gradient as a dense tensor."""
    return convert_to_tensor(value) if isinstance(value, IndexedSlices) else value
