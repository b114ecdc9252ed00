"""Index tensors of row partitions, and checks of them: at once where values are known, else when the graph runs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value, static_value

INDEX_TYPES = (dtypes.int32, dtypes.int64)


def common_splits_dtype(ragged):
    """The dtype of the row splits of all these ragged tensors; None if there are none.

    Raises:
      ValueError: they have different dtypes.
    """
    kinds = {x.row_splits.dtype for x in ragged}
    if len(kinds) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row_splits dtypes; use "
            "RaggedTensor.with_row_splits_dtype() to convert them to compatible dtypes."
        )
    return kinds.pop() if kinds else None


def positive_axis(axis: Any, rank: int | None, name: str = "axis", rank_name: str = "ndims") -> int:
    """Returns an axis counted from the first one.

    Raises:
      TypeError: it is not an integer.
      ValueError: there is no such axis, or it is negative and the rank is unknown.
    """
    if not isinstance(axis, int):
        raise TypeError(f"{name} must be an int; got {type(axis).__name__}")
    if rank is None:
        if axis < 0:
            raise ValueError(
                f"{name}={axis} may only be negative if {rank_name} is statically known."
            )
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"{name}={axis} out of bounds: expected {-rank}<={name}<{rank}")
    return axis % rank


def index_vector(values, name, dtype=None, dtype_hint=None):
    """`values` as an int32 or int64 tensor (by default int64, or int32 of a NumPy array of that type)."""
    hint = dtypes.int64 if dtype_hint is None else dtype_hint
    if dtype is not None and isinstance(values, Tensor):
        return cast(values, dtypes.as_dtype(dtype))
    if dtype is None and isinstance(values, np.ndarray) and values.dtype == np.int32:
        return convert_to_tensor(values, name=name)
    tensor = convert_to_tensor(values, dtype=dtype, dtype_hint=hint, name=name)
    if tensor.dtype not in INDEX_TYPES:
        raise ValueError(
            f"Argument `{name}` must have dtype int32 or int64. Received {tensor.dtype}"
        )
    return tensor


def index_tensors(dtype, dtype_hint, **values):
    """Several numbers (None where one is not given) as tensors of one index type.

    It is `dtype`, to which tensors are cast, or the dtype of the first tensor or array, or the hint, or int64.
    """
    kind = dtype
    for family in (Tensor, (np.ndarray, np.generic)):
        converted = [value for value in values.values() if isinstance(value, family)]
        if kind is None and converted:
            kind = converted[0].dtype
    kind = dtypes.as_dtype(kind or dtype_hint or dtypes.int64)
    return [
        None
        if value is None
        else cast(value, kind)
        if dtype is not None
        else convert_to_tensor(value, dtype=kind, name=name)
        for name, value in values.items()
    ]


def scalar(number, dtype):
    """A number as NumPy scalar of an index type."""
    return np.asarray(number, dtype.as_numpy_dtype)


def require(holds: Any, message: str, *data: Any) -> list[Any]:
    """Raises InvalidArgumentError unless `holds` everywhere.

    Returns the assertions that a graph makes when it runs, if the value is not known yet.
    """
    known = get_static_value(holds) if isinstance(holds, Tensor) else holds
    if known is None:
        return [assertion(holds, message, *data)]
    if not np.all(known):
        raise InvalidArgumentError(f"assertion failed: [{message}]")
    return []


def assertion(holds: Tensor, message: str, *data: Any) -> Any:
    """The operation that raises InvalidArgumentError unless `holds` everywhere."""
    rank = raw.Rank(input=holds) if holds.shape.rank is None else holds.shape.rank
    condition = raw.All(input=holds, axis=raw.Range(start=0, limit=rank, delta=1))
    return raw.Assert(condition=condition, data=[convert_to_tensor(message), *data])


def require_rank(tensor: Tensor, rank: int) -> list[Any]:
    """Raises ValueError unless the tensor has this rank; returns the assertion where it is not known."""
    tensor.shape.assert_has_rank(rank)
    if tensor.shape.rank is not None:
        return []
    return require(
        raw.Equal(x=raw.Rank(input=tensor), y=rank), f"a tensor of rank {rank} is needed"
    )


def depending(tensor: Tensor, checks: list[Any]) -> Tensor:
    """`tensor`, once the assertions hold."""
    if not checks:
        return tensor
    with control_dependencies(checks):
        return raw.Identity(input=tensor)


def checked(tensor: Tensor, message: str, *conditions: Callable[[Any], Any]) -> Tensor:
    """`tensor`, once each condition, a function of arrays or tensors, holds for it."""
    known = get_static_value(tensor)
    value = tensor if known is None else known
    checks = require_rank(tensor, 1)
    for condition in conditions:
        checks += require(condition(value), message, tensor)
    return depending(tensor, checks)


def ascending(values):
    """Return True where a value is at least the previous one."""
    return values[1:] >= values[:-1]


def begins_at_zero(values):
    """True if there are no values or the first one is 0."""
    return abs(values[:1]) <= 0


def not_negative(values):
    """Return True where a value is at least 0."""
    return values >= 0


def merged(mine, other, name, validate):
    """One of two optional tensors with the same values, and whether they are known to be the same.

    Raises:
      ValueError: their shapes differ.
      InvalidArgumentError: their values differ, in a graph when it runs.
    """
    if mine is None or other is None:
        return (other if mine is None else mine), False
    if mine is other:
        return mine, True
    message = f"RowPartition._merge_precomputed_encodings: partitions have incompatible {name}"
    if not mine.shape.is_compatible_with(other.shape):
        raise ValueError(message)
    if not validate:
        return mine, False
    # Only what TensorFlow knows while it builds a graph is compared then, so that the same encoding is refused first.
    known = static_value(mine), static_value(other)
    if known[0] is None or known[1] is None:
        checks = [assertion(raw.Equal(x=mine, y=other), message, mine, other)]
    else:
        checks = require(np.array_equal(*known), message)
    return depending(mine, checks), True


def check_flag(validate):
    if not isinstance(validate, bool):
        raise TypeError("validate must have type bool")


def check_number_of_rows(nrows, rowids):
    """Raises ValueError if a known number of rows is too small for known row ids, or no number."""
    nrows.shape.assert_has_rank(0)
    count = get_static_value(nrows)
    if count is None:
        return
    if count < 0:
        raise ValueError(f"Expected nrows >= 0; got {count}")
    if rowids is not None and len(rowids) and rowids[-1] >= count:
        raise ValueError(
            f"Expected nrows >= value_rowids[-1] + 1; got nrows={count}, "
            f"value_rowids[-1]={rowids[-1]}"
        )


def check_product(nrows, length, nvals):
    """The assertions that there are as many values as rows of one length hold.

    Raises:
      ValueError: it is known that there are not.
    """
    rows, wide, count = known = [get_static_value(t) for t in (nrows, length, nvals)]
    if not any(number is None for number in known):
        if rows * wide != count:
            raise ValueError(
                f"uniform_row_length={wide} times nrows={rows} must equal nvals={count}"
            )
        return []
    message = "uniform_row_length times nrows must equal nvals"
    return require(raw.Equal(x=nrows * length, y=nvals), message, length, nrows, nvals)


def consistent(nrows, nvals, length):
    """The numbers of rows and values and the length of rows, with those that follow from the others.

    Raises:
      ValueError: they contradict each other.
    """
    if 0 in (nrows, length):
        if nvals not in (None, 0):
            raise ValueError(
                f"nvals={nvals} is not compatible with nrows={nrows} and uniform_row_length={length}"
            )
        return nrows, 0, length
    if length is None:
        return nrows, nvals, length
    if nrows is None and nvals is not None:
        nrows = nvals // length
    if None not in (nrows, nvals) and nvals != nrows * length:
        raise ValueError(
            f"nvals={nvals} is not compatible with nrows={nrows} and uniform_row_length={length}"
        )
    return nrows, None if nrows is None else nrows * length, length
