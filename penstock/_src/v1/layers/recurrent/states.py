"""Validation of cells, and their initial states."""

from typing import Any

from penstock._src.api.array import creation
from penstock._src.api.array.joining import concat
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value_as_shape
from penstock._src.util import nest


def require_cell(name: str, cell: Any) -> None:
    """Raises TypeError unless `cell` has the interface of a cell."""
    missing = [
        f"{attribute!r} property is missing"
        for attribute in ("output_size", "state_size")
        if not hasattr(cell, attribute)
    ]
    if not (hasattr(cell, "zero_state") or hasattr(cell, "get_initial_state")):
        missing.append("either 'zero_state' or 'get_initial_state' method is required")
    if not callable(cell):
        missing.append("is not callable")
    if missing:
        raise TypeError(f"The argument {name!r} ({cell}) is not an RNNCell: {', '.join(missing)}.")


def zero_state(sizes: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros of shape [batch_size, *size] for each size of a structure of numbers or shapes."""
    kinds = dtype if nest.is_nested(dtype) else nest.map_structure(lambda _: dtype, sizes)
    return nest.map_structure(lambda size, kind: zeros_of(batch_size, size, kind), sizes, kinds)


def joined_shape(prefix: Any, suffix: Any, static: bool = False) -> Any:
    """Joins two shapes, which may be numbers, shapes, or tensors of a number or of numbers.

    Args:
      prefix: the first.
      suffix: the second.
      static: whether a list of the numbers that are known is returned, None where a shape is unknown, in place of a tensor.

    Raises:
      ValueError: a tensor has more than one dimension, or an extent is unknown that a tensor would have to hold.
    """
    before, first = _shape_and_tensor(prefix, "prefix")
    after, second = _shape_and_tensor(suffix, "suffix")
    if static:
        joined = before.concatenate(after)
        return None if joined.rank is None else joined.as_list()
    if first is None or second is None:
        raise ValueError(f"Provided a prefix or suffix of None: {prefix} and {suffix}")
    return concat([first, second], 0)


def _shape_and_tensor(value: Any, what: str) -> tuple[TensorShape, Tensor | None]:
    """Return the static shape, and the shape as a tensor or None if an extent is unknown."""
    if isinstance(value, Tensor):
        if value.shape.rank not in (0, 1):
            raise ValueError(
                f"{what} tensor must be either a scalar or vector, but saw tensor: {value}"
            )
        vector = raw.Reshape(tensor=value, shape=[-1])
        return constant_value_as_shape(vector), vector
    shape = as_shape([value] if isinstance(value, int) else value)
    if not shape.is_fully_defined():
        return shape, None
    return shape, convert_to_tensor(shape.as_list(), dtypes.int32)


def dims_of(size: Any) -> list[Any]:
    """The dimensions of a cell's size, which may be a number."""
    return [size] if isinstance(size, int) else as_shape(size).as_list()


def zeros_of(batch_size: Any, size: Any, dtype: Any) -> Tensor:
    """Zeros of shape [batch_size, *size]; the batch may be a tensor."""
    rows = convert_to_tensor(
        [batch_size] if isinstance(batch_size, int) else batch_size, dtypes.int32
    )
    if rows.shape.rank != 1:
        rows = raw.Reshape(tensor=rows, shape=[1])
    extent = concat([rows, convert_to_tensor(dims_of(size), dtypes.int32)], 0)
    zeros = creation.zeros(extent, dtypes.as_dtype(dtype))
    zeros.set_shape([batch_size if isinstance(batch_size, int) else None, *dims_of(size)])
    return zeros


def batch_of(inputs: Any, axis: int = 1) -> Any:
    """The size of an axis of a tensor: a number if it is static, else a scalar tensor."""
    known = inputs.shape[axis] if inputs.shape.rank is not None else None
    return known if known is not None else raw.Shape(input=inputs)[axis]


def lengths_of(sequence_length: Any) -> Tensor | None:
    """The lengths as int32 [batch], or None.

    Raises:
      ValueError: they are not a vector.
    """
    if sequence_length is None:
        return None
    lengths = raw.Cast(x=convert_to_tensor(sequence_length), DstT=dtypes.int32)
    if lengths.shape.rank not in (None, 1):
        raise ValueError(
            "Argument sequence_length must be a vector of length batch_size. Received "
            f"sequence_length={sequence_length} of shape: {lengths.shape}"
        )
    return lengths


def initial_state_of(cell: Any, initial_state: Any, batch: Any, dtype: Any) -> Any:
    """The initial state; by default the cell's own for `dtype`.

    Raises:
      ValueError: neither a state nor a dtype is given.
    """
    if initial_state is not None:
        return nest.map_structure(convert_to_tensor, initial_state)
    if not dtype:
        raise ValueError("If no initial_state is provided, argument `dtype` must be specified")
    if getattr(cell, "get_initial_state", None) is not None:
        return cell.get_initial_state(batch_size=batch, dtype=dtype)
    return cell.zero_state(batch, dtype)


def frozen(time: Any, lengths: Tensor, before: Any, after: Any) -> Any:
    """Select between two structures of tensors [batch, ...]: `before` in rows that have ended, else `after`."""
    past = raw.GreaterEqual(x=time, y=lengths)

    def choose(old: Any, new: Any) -> Any:
        if not isinstance(new, Tensor) or new.shape.rank == 0:
            return new
        condition = past
        for _ in range(new.shape.rank - 1):
            condition = raw.ExpandDims(input=condition, axis=-1)
        chosen = raw.SelectV2(condition=condition, t=old, e=new)
        chosen.set_shape(new.shape)
        return chosen

    return nest.map_structure(choose, before, after)
