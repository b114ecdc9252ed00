"""tf.TensorArray: a list of tensors that loops read and write."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.nodes import set_constant
from penstock._src.core import dtypes, spec_names
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.errors import InvalidArgumentError, OutOfRangeError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.graph.trace import ResultNames
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


class _Known:
    """State shared by all versions of an array: element shape, size, and the original list."""

    __slots__ = ("element_shape", "infer", "origin", "size", "dynamic", "clear")

    def __init__(self, element_shape: TensorShape, infer: bool, dynamic: bool, clear: bool) -> None:
        self.element_shape, self.infer, self.dynamic, self.clear = (
            element_shape,
            infer,
            dynamic,
            clear,
        )
        self.origin: Operation | None = None
        self.size: int | None = None


@export("TensorArray")
class TensorArray(CompositeTensor):
    """A list of tensors of one dtype, each written at most once; differentiable, for use in loops.

    Args:
      dtype: of the elements.
      size: int32 scalar, the number of elements.
      dynamic_size: writing beyond the end extends the array.
      clear_after_read: an element may be read only once (the default in eager execution; in graphs the default is False).
      tensor_array_name: accepted.
      handle, flow: an existing array of TensorFlow 1.
      infer_shape: all elements have one shape.
      element_shape: the static shape of the elements.
      colocate_with_first_write_call: accepted.
      name: of the operations, in a graph.

    >>> ta = tf.TensorArray(tf.float32, size=2)
    >>> ta = ta.write(0, 1.0).write(1, 2.0)
    >>> ta.stack().numpy()
    array([1., 2.], dtype=float32)
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        if handle is not None and flow is None:
            raise ValueError(
                "TensorArray: `handle` belongs to TensorFlow 1's TensorArrays. Pass `flow` instead."
            )
        if flow is None and size is None:
            raise ValueError("Size must be provided if handle is not provided")
        if flow is not None and size is not None:
            raise ValueError("Cannot provide both `size` and `flow` at the same time")
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        clear = True if clear_after_read is None else clear_after_read
        self._known = _Known(as_shape(element_shape), infer_shape, bool(dynamic_size), clear)
        self._list: list[Any] | None = None
        self._cleared: set[int] = set()
        self._flow: Any = flow
        if flow is not None:
            return
        if STATE.graph is None:
            self._list = [None] * int(size)
            self._flow = convert_to_tensor(0)
            return
        length = _positions(size)
        static = length if isinstance(length, np.ndarray) else constant_value(length)
        self._known.size = None if static is None or dynamic_size else int(static)
        with scope_in_graph(name, "TensorArrayV2") as scope:
            self._flow = raw.TensorListReserve(
                element_shape=_shape_value(self._known.element_shape),
                num_elements=length,
                element_dtype=self._dtype,
                name=scope,
            )
        if isinstance(self._flow, SymbolicTensor):
            self._known.origin = self._flow.op

    # -- properties

    dtype = read_only("_dtype", "The type of the elements.")
    flow = read_only("_flow", "The tensor that carries the array from op to op.")

    @property
    def handle(self) -> None:
        """None; only TensorFlow 1's arrays have handles."""
        return None

    element_shape = read_only("_known.element_shape", "The static shape of the elements.")
    dynamic_size = read_only("_known.dynamic", "True if writing beyond the end extends the array.")

    @property
    def _infer_shape(self) -> bool:
        return self._known.infer

    @property
    def _type_spec(self) -> "TensorArraySpec":
        spec = TensorArraySpec(
            self._known.element_shape, self._dtype, self._known.dynamic, self._known.infer
        )
        spec._known = self._known
        return spec

    def _next(self, flow: Any) -> "TensorArray":
        array = object.__new__(TensorArray)
        array._dtype, array._known, array._flow = self._dtype, self._known, flow
        array._list, array._cleared = None, set()
        return array

    # -- shapes

    def _learn(self, shape: TensorShape, is_new: bool = False) -> None:
        """Merges the shape of a written element into the element shape; `is_new` if it is written to a list of its own."""
        known = self._known
        if not shape.is_compatible_with(known.element_shape):
            if self._list is not None:
                raise ValueError(
                    f"Incompatible shape for value ({shape}), expected ({known.element_shape})"
                )
            raise ValueError(
                f"Inconsistent shapes: saw {shape} but expected {known.element_shape} "
            )
        if known.infer and shape.rank is not None:
            known.element_shape = known.element_shape.merge_with(shape)
            if known.origin is not None and not is_new:
                _tell_origin(known)

    @property
    def _shape_input(self) -> Any:
        return _shape_value(self._known.element_shape)

    # -- elements

    def size(self, name: str | None = None) -> Any:
        """Returns the number of elements.

        Args:
          name: a name for the operation.

        Returns:
          An int32 scalar.
        """
        if self._list is not None:
            return convert_to_tensor(len(self._list), dtypes.int32)
        if self._known.size is not None:
            return convert_to_tensor(self._known.size, dtypes.int32)
        return raw.TensorListLength(input_handle=self._flow, name=name)

    def read(self, index: Any, name: str | None = None) -> Any:
        """Returns an element.

        Args:
          index: an int32 scalar.
          name: a name for the operation.

        Returns:
          A tensor.

        Raises:
          InvalidArgumentError: the element was not written, or was read before and cleared.
        """
        if self._list is not None:
            return self._eager_read(int(index))
        with scope_in_graph(name, "TensorArrayV2Read"):
            return raw.TensorListGetItem(
                input_handle=self._flow,
                index=_positions(index),
                element_shape=self._shape_input,
                element_dtype=self._dtype,
                name=name,
            )

    def _eager_read(self, index: int) -> Any:
        assert self._list is not None
        if index < 0:
            raise OutOfRangeError(f"Reading from negative indices (index {index}) is not allowed.")
        if index >= len(self._list):
            raise OutOfRangeError(
                f"Tried to read from index {index} but array size is: {len(self._list)} "
            )
        element = self._list[index]
        if element is None:
            if index in self._cleared:
                raise InvalidArgumentError(
                    f"Could not read index {index} twice because it was cleared after a previous read "
                    "(perhaps try setting clear_after_read = false?)"
                )
            element = self._zeros()
        if self._known.clear:
            self._list[index] = None
            self._cleared.add(index)
        return element

    def _zeros(self) -> Any:
        shape = self._known.element_shape
        if shape.rank is None or not shape.is_fully_defined():
            raise ValueError(
                "TensorArray: an element that was not written can be read only if element_shape is "
                f"fully defined. Received {shape}."
            )
        blank = b"" if self._dtype is dtypes.string else 0
        return convert_to_tensor(np.full(shape.as_list(), blank, self._dtype.np), self._dtype)

    def write(self, index: Any, value: Any, name: str | None = None) -> "TensorArray":
        """Returns the array with an element.

        Args:
          index: an int32 scalar.
          value: a tensor of the dtype of the array.
          name: a name for the operation.

        Returns:
          The array to go on with, whose other uses are not valid any more.

        Raises:
          InvalidArgumentError: the index is out of range, or the shape does not fit.
        """
        if self._list is not None:
            value = self._converted(value)
            self._learn(value.shape)
            return self._eager_write(int(index), value)
        with scope_in_graph(name, "TensorArrayV2Write"):
            value = self._converted(value)
            self._learn(value.shape)
            flow = raw.TensorListSetItem(
                input_handle=self._flow,
                index=_positions(index),
                item=value,
                resize_if_index_out_of_bounds=self._known.dynamic,
                name=name,
            )
        return self._next(flow)

    def _eager_write(self, index: int, value: Any) -> "TensorArray":
        assert self._list is not None
        if index < 0:
            raise OutOfRangeError(f"Writing to negative indices (index {index}) is not allowed.")
        if index >= len(self._list):
            if not self._known.dynamic:
                raise OutOfRangeError(
                    f"Tried to write to index {index} but array is not resizeable and size is: "
                    f"{len(self._list)} "
                )
            self._list += [None] * (index + 1 - len(self._list))
        self._list[index] = value
        self._cleared.discard(index)
        return self

    def _converted(self, value: Any) -> Any:
        value = convert_to_tensor(value, dtype_hint=self._dtype)
        if value.dtype is not self._dtype:
            raise InvalidArgumentError(
                f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype "
                f"{value.dtype.name} "
            )
        return value

    def _converted_rows(self, value: Any) -> Any:
        """Returns a tensor of several elements; in a graph another dtype is an error of the trace, as in TensorFlow."""
        value = convert_to_tensor(value, dtype_hint=self._dtype)
        if self._list is None and value.dtype is not self._dtype:
            raise ValueError(
                f"Expected list with element dtype {value.dtype.name} but got list with element "
                f"dtype {self._dtype.name}"
            )
        return self._converted(value)

    # -- all of it

    def stack(self, name: str | None = None) -> Any:
        """Returns all elements in one tensor, along a new first axis.

        Args:
          name: a name for the operation.

        Returns:
          A tensor.

        Raises:
          InvalidArgumentError: shapes differ.
        """
        if self._list is not None:
            if not self._list:
                shape = self._known.element_shape
                dims = [0] if shape.rank is None else [0, *(d or 0 for d in shape.as_list())]
                return convert_to_tensor(np.zeros(dims, self._dtype.np), self._dtype)
            return raw.Pack(values=[self._held(i) for i in range(len(self._list))], axis=0)
        size, is_classic = self._known.size, ResultNames.are_classic
        with scope_in_graph(name, "TensorArrayStack" if is_classic else "TensorArrayV2Stack"):
            return raw.TensorListStack(
                input_handle=self._flow,
                element_shape=self._shape_input,
                element_dtype=self._dtype,
                num_elements=-1 if size is None else size,
                name="TensorArrayGatherV3" if is_classic else None,
            )

    def _held(self, index: int) -> Any:
        """The element of an eager array, or zeros if it was never written or is cleared; does not clear it."""
        assert self._list is not None
        if self._list[index] is None:
            self._list[index] = self._zeros()
        return self._list[index]

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """Returns some elements in one tensor, along a new first axis.

        Args:
          indices: an int32 vector.
          name: a name for the operation.

        Returns:
          A tensor.
        """
        if self._list is not None:
            positions = np.asarray(indices).tolist()
            if not positions:
                return convert_to_tensor(np.zeros(0, self._dtype.np), self._dtype)
            return raw.Pack(values=[self._held(i) for i in positions], axis=0)
        return raw.TensorListGather(
            input_handle=self._flow,
            indices=_positions(indices),
            element_shape=self._shape_input,
            element_dtype=self._dtype,
            name=name,
        )

    def concat(self, name: str | None = None) -> Any:
        """Returns the elements joined along their first axis.

        Args:
          name: a name for the operation.

        Returns:
          A tensor.
        """
        if self._list is not None:
            items = [self._held(i) for i in range(len(self._list))]
            return items[0] if len(items) == 1 else raw.ConcatV2(values=items, axis=0)
        shape = self._known.element_shape
        whole = (
            TensorShape(None) if shape.rank is None else TensorShape([None, *shape.as_list()[1:]])
        )
        return raw.TensorListConcatV2(
            input_handle=self._flow,
            element_shape=_shape_value(whole),
            leading_dims=convert_to_tensor(np.zeros(0, np.int64)),
            element_dtype=self._dtype,
            name=name,
        ).tensor

    def unstack(self, value: Any, name: str | None = None) -> "TensorArray":
        """Returns an array with a tensor's rows as elements.

        Args:
          value: a tensor.
          name: a name for the operation.

        Returns:
          A `TensorArray`.

        Raises:
          ValueError: there are more rows than the array has places.
        """
        value = self._converted_rows(value)
        self._learn(value.shape[1:] if value.shape.rank is not None else value.shape, True)
        if self._list is not None:
            rows = raw.Unpack(value=value, num=value.shape[0], axis=0) if value.shape[0] else []
            if len(rows) > len(self._list) and not self._known.dynamic:
                raise ValueError(
                    f"Cannot unstack {len(rows)} tensors into a TensorArray of static size "
                    f"{len(self._list)} "
                )
            self._list = list(rows)
            return self
        known = self._known
        if known.size is None and not known.dynamic and value.shape.rank is not None:
            known.size = value.shape[0]
        with scope_in_graph(name, "TensorArrayUnstack"):
            flow = raw.TensorListFromTensor(tensor=value, element_shape=self._shape_input)
        return self._next(flow)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> "TensorArray":
        """Returns the array with the rows of a tensor written at some indices.

        Args:
          indices: an int32 vector.
          value: a tensor of as many rows.
          name: a name for the operation.

        Returns:
          A `TensorArray`.
        """
        value = self._converted_rows(
            convert_to_tensor(value) if isinstance(value, np.ndarray) else value
        )
        self._learn(value.shape[1:] if value.shape.rank is not None else value.shape)
        if self._list is not None:
            positions = np.asarray(indices).tolist()
            rows = raw.Unpack(value=value, num=value.shape[0], axis=0)
            for index, row in zip(positions, rows, strict=False):
                self._eager_write(index, row)
            return self
        with scope_in_graph(name, "TensorArrayScatter"):
            flow = raw.TensorListScatterIntoExistingList(
                input_handle=self._flow, tensor=value, indices=_positions(indices)
            )
        return self._next(flow)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> "TensorArray":
        """Returns an array with pieces of a tensor as elements.

        Args:
          value: a tensor.
          lengths: a vector of integers: the rows of each piece.
          name: a name for the operation.

        Returns:
          A `TensorArray`.

        Raises:
          InvalidArgumentError: the lengths do not add up to the rows, or are not as many as
            places.
        """
        value = self._converted_rows(value)
        lengths = convert_to_tensor(lengths, preferred_dtype=dtypes.int64)
        if lengths.dtype != dtypes.int64:
            lengths = raw.Cast(x=lengths, DstT=dtypes.int64)
        if self._list is not None:
            sizes = np.asarray(lengths).tolist()
            if sum(sizes) != value.shape[0]:
                raise InvalidArgumentError(
                    f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is "
                    f"{sum(sizes)} and value's shape is: {value.shape} "
                )
            if len(sizes) != len(self._list) and not self._known.dynamic:
                raise InvalidArgumentError(
                    "TensorArray's size is not equal to the size of lengths "
                    f"({len(self._list)} vs. {len(sizes)}), and the TensorArray is not marked as "
                    "dynamically resizeable."
                )
            ends = np.cumsum(sizes).tolist()
            self._list = [value[end - size : end] for end, size in zip(ends, sizes, strict=True)]
            return self
        rest = value.shape[1:] if value.shape.rank is not None else value.shape
        shape = TensorShape([None]).concatenate(rest) if value.shape.rank is not None else rest
        with scope_in_graph(name, "TensorArraySplit"):
            flow = raw.TensorListSplit(
                tensor=value, element_shape=_shape_value(shape), lengths=lengths
            )
        return self._next(flow)

    def identity(self) -> "TensorArray":
        """Returns the array.

        Returns:
          A `TensorArray`.
        """
        if self._list is not None:
            return self
        return self._next(raw.Identity(input=self._flow))

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> Any:
        """Raises an error: gradients flow through tapes and `tf.gradients`.

        Args:
          source: ignored.
          flow: ignored.
          name: a name for the operation.
        """
        raise NotImplementedError("TensorArray.grad is not supported in TF2 control flow.")

    def close(self, name: str | None = None) -> None:
        """Drops the elements of an eager array.

        Args:
          name: a name for the operation.
        """
        if self._list is not None:
            self._list.clear()


def _shape_value(shape: TensorShape) -> Any:
    if shape.rank is None:
        return np.int32(-1)
    dims = np.asarray([-1 if d is None else d for d in shape.as_list()], np.int32)
    # In a graph that of scalars is a constant of its own, not one of the operation.
    return dims if len(dims) or STATE.graph is None else convert_to_tensor(dims)


def _positions(indices: Any) -> Any:
    """Indices as an op input, int32; constants are named by the op."""
    entries = indices if isinstance(indices, list | tuple) else (indices,)
    if all(isinstance(n, int | np.integer | np.ndarray) for n in entries):
        return np.asarray(indices, np.int32)
    return indices if isinstance(indices, Tensor) else convert_to_tensor(indices, dtypes.int32)


def _tell_origin(known: _Known) -> None:
    """Sets the element shape learned from writes on the op that reserved the list, so that the compiler can allocate it."""
    node = known.origin
    assert node is not None
    dims = [-1 if d is None else d for d in known.element_shape.as_list()]
    value = constant_value(node._inputs[0])
    if value is not None and value.ndim and value.tolist() == dims:
        return
    set_constant(node._inputs[0].op, np.asarray(dims, np.int32))


@export("TensorArraySpec")
@spec_names.register("tf.TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """The type of a TensorArray.

    Args:
      element_shape: the shape of each element; None if it is not known.
      dtype: of the elements.
      dynamic_size: whether the array grows when something is written past its end.
      infer_shape: whether all elements must have one shape.
    """

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ) -> None:
        self._element_shape = as_shape(element_shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic_size, self._infer_shape = dynamic_size, infer_shape
        self._known: _Known | None = None

    @property
    def value_type(self) -> type:
        """TensorArray."""
        return TensorArray

    def _serialize(self) -> tuple[Any, ...]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    @property
    def _component_specs(self) -> list[TensorSpec]:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: TensorArray) -> list[Any]:
        flow = value.flow
        if flow.dtype is dtypes.variant:
            return [flow]
        shape = value.element_shape
        extents = [-1 if n is None else n for n in shape] if shape.rank is not None else -1
        extents = np.array(extents, np.int32)
        return [raw.TensorListFromTensor(tensor=value.stack(), element_shape=extents)]

    def _from_components(self, components: Sequence[Any]) -> TensorArray:
        array = TensorArray(
            self._dtype,
            flow=components[0],
            dynamic_size=self._dynamic_size,
            infer_shape=self._infer_shape,
            element_shape=self._element_shape,
        )
        if self._known is not None:
            array._known = self._known
        return array

    @staticmethod
    def from_value(value: TensorArray) -> "TensorArraySpec":
        """Returns the spec of an array.

        Args:
          value: a TensorArray.

        Returns:
          A TensorArraySpec.
        """
        return value._type_spec

    def is_compatible_with(self, other: Any) -> bool:
        """True if the TensorArray, or every TensorArray of the spec, has this type.

        Args:
          other: a TensorArray or a TensorArraySpec.

        Returns:
          A bool.
        """
        other = other._type_spec if isinstance(other, TensorArray) else other
        return (
            isinstance(other, TensorArraySpec)
            and self._dtype == other._dtype
            and self._dynamic_size == other._dynamic_size
            and self._element_shape.is_compatible_with(other._element_shape)
        )
