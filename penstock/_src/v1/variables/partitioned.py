"""Variables that are partitioned along one axis."""

from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.api.array.joining import concat
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.util.signatures import read_only


class PartitionInfo:
    """Partition of a variable that an initializer initializes.

    Args:
      full_shape: the shape of the whole variable.
      var_offset: the offset of the partition.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        for what, sequence in (("full_shape", full_shape), ("var_offset", var_offset)):
            if not isinstance(sequence, Sequence) or isinstance(sequence, str):
                raise TypeError(
                    f"`{what}` must be a sequence (like tuple or list) instead of "
                    f"{type(sequence).__name__}"
                )
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length {len(var_offset)} while "
                f"full_shape is of length {len(full_shape)}."
            )
        for offset, extent in zip(var_offset, full_shape):
            if offset < 0 or offset >= extent:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, shape={extent} for "
                    f"var_offset={var_offset}, full_shape={full_shape}"
                )
        self.full_shape, self.var_offset = list(full_shape), list(var_offset)

    def single_offset(self, shape: Sequence[int]) -> int:
        """The offset of a partition of this shape along the partitioned axis; 0 if there is none."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The axis along which a partition of this shape differs from the whole.

        Raises:
          ValueError: there are several such axes, or the partition is out of bounds.
        """
        if not isinstance(shape, Sequence) or isinstance(shape, str):
            raise TypeError(f"`shape` must be a sequence instead of {type(shape).__name__}")
        if len(shape) != len(self.full_shape):
            raise ValueError(
                f"Expected equal length, but received shape={shape} of length {len(shape)} while "
                f"self.full_shape={self.full_shape} is of length {len(self.full_shape)}."
            )
        for offset, extent, whole in zip(self.var_offset, shape, self.full_shape):
            if offset + extent > whole:
                raise ValueError(
                    f"With self.var_offset={self.var_offset}, a partition of shape={shape} would exceed "
                    f"self.full_shape={self.full_shape}."
                )
        cut_axes = [a for a, (n, whole) in enumerate(zip(shape, self.full_shape)) if n != whole]
        if len(cut_axes) > 1:
            raise ValueError(
                f"Cannot use single_slice_dim() with shape={shape} and full_shape={self.full_shape} "
                "since slice dim could be either dimension."
            )
        return cut_axes[0] if cut_axes else None


def cut(shape: Sequence[int], counts: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """(offset, size) of each partition; larger partitions come first.

    Raises:
      ValueError: several axes are partitioned, or there are more partitions than elements.
    """
    axes = [axis for axis, count in enumerate(counts) if count > 1]
    if len(axes) > 1:
        raise ValueError(
            f"Can only slice a variable along one dimension: shape: {tuple(shape)}, partitioning: "
            f"{list(counts)}"
        )
    axis = axes[0] if axes else 0
    base, longer = divmod(shape[axis], counts[axis])
    if base == 0:
        raise ValueError(
            f"Cannot partition {shape[axis]} elements of dimension {axis} into {counts[axis]} parts."
        )
    parts, begin = [], 0
    for index in range(counts[axis]):
        extent, offset = list(shape), [0] * len(shape)
        extent[axis], offset[axis] = base + (index < longer), begin
        begin += extent[axis]
        parts.append((offset, extent))
    return parts


def _assigning(method: str, documentation: str) -> Any:
    """Returns the method of a partitioned variable that calls one of each partition."""

    def assign(
        self: Any, value: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> Any:
        return self._assigned(method, value, name, read_value)

    assign.__name__, assign.__doc__ = method, documentation
    assign.__qualname__ = f"PartitionedVariable.{method}"
    return assign


class PartitionedVariable:
    """Several variables that represent one; converted to a tensor, they are concatenated.

    Args:
      name: of the whole.
      shape: of the whole.
      dtype: of the whole.
      variable_list: the partitions, in order.
      partitions: the number of partitions along each axis.
    """

    def __init__(
        self,
        name: str,
        shape: TensorShape,
        dtype: DType,
        variable_list: Sequence[Any],
        partitions: Sequence[int],
    ) -> None:
        self._name, self._shape, self._dtype = name, shape, dtype
        self._parts, self.partitions_by_axis = list(variable_list), list(partitions)
        self._axis = next((a for a, count in enumerate(partitions) if count > 1), 0)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    name = read_only("_name", "The name of the whole.")
    shape = read_only("_shape", "The shape of the whole.")
    dtype = read_only("_dtype", "The type.")

    def get_shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def _get_variable_list(self) -> list[Any]:
        return self._parts

    def _get_partitions(self) -> list[int]:
        return self.partitions_by_axis

    def as_tensor(self) -> Tensor:
        """The concatenated partitions, which do not depend on control inputs."""
        if STATE.graph is None:
            return self._concat()
        with STATE.graph.control_dependencies(None):
            return self._concat()

    def _concat(self) -> Tensor:
        graph = STATE.graph
        if graph is None:
            values = [convert_to_tensor(part) for part in self._parts]
            return values[0] if len(values) == 1 else raw.ConcatV2(values=values, axis=self._axis)
        if len(self._parts) == 1:
            with graph.name_scope(None):
                return raw.Identity(input=self._parts[0], name=self._name)
        with graph.name_scope(f"{self._name}/ConcatPartitions/"):
            whole = concat(self._parts, self._axis)
        with graph.name_scope(None):
            return raw.Identity(input=whole, name=self._name)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(self._dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type {dtypes.as_dtype(dtype).name!r} for "
                f"variable of type {self._dtype.name!r}"
            )
        return self.as_tensor()

    def _pieces(self, value: Any) -> list[Any]:
        """The parts of a value for each partition; a list has one for each already."""
        if isinstance(value, list | PartitionedVariable):
            return list(value)
        tensor = convert_to_tensor(value, self._dtype)
        return [
            raw.Slice(input=tensor, begin=offset, size=extent)
            for offset, extent in cut(self._shape.as_list(), self.partitions_by_axis)
        ]

    def _assigned(self, method: str, value: Any, name: str | None, read_value: bool) -> Any:
        """Calls a method of each partition with its part of `value`."""
        results = [
            getattr(part, method)(piece, read_value=read_value)
            for part, piece in zip(self._parts, self._pieces(value), strict=True)
        ]
        if not read_value and STATE.graph is not None:
            with STATE.graph.control_dependencies(results):
                return raw.NoOp(name=name)
        return results

    assign = _assigning("assign", "Sets all partitions.")
    assign_add = _assigning("assign_add", "Adds to all partitions.")
    assign_sub = _assigning("assign_sub", "Subtracts from all partitions.")


def _through_tensor(name: str) -> Any:
    def operator(self: PartitionedVariable, *others: Any) -> Any:
        return getattr(Tensor, name)(self.as_tensor(), *others)

    operator.__name__ = name
    return operator


for _operator in Tensor.OVERLOADABLE_OPERATORS - {"__eq__", "__ne__"}:
    setattr(PartitionedVariable, _operator, _through_tensor(_operator))
