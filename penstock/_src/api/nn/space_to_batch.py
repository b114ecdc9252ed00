"""Operations on the interleaved grids of a dilated window."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.array.shaping import required_space_to_batch_paddings
from penstock._src.api.extending.scopes import scoped
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import constant_value
from penstock._src.util.export import export


def channel_axis_of(data_format: str | None) -> int:
    """1 for the formats with channels before the spatial axes, else -1."""
    return 1 if data_format is not None and data_format.startswith("NC") else -1


def explicit_padding(padding: Any) -> tuple[Any, list[int]]:
    """The op's `padding` and `explicit_paddings`, from a name or a list of four pairs."""
    if padding == "EXPLICIT":
        raise ValueError(
            "'EXPLICIT' is not a valid value for `padding`. To use explicit padding, `padding` "
            "must be a list."
        )
    if not isinstance(padding, (list, tuple)):
        return padding, []  # the op rejects invalid names
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in padding):
        raise ValueError(
            "When `padding` is a list, each element of `padding` must be a list/tuple of size 2. "
            f"Received: padding={padding}"
        )
    if len(padding) != 4:
        raise ValueError(
            f"When padding is a list, it must be of size 4. Received: padding={padding} of size "
            f"{len(padding)}"
        )
    return "EXPLICIT", [int(v) for pair in padding for v in pair]


@export("nn.with_space_to_batch", v1=["nn.with_space_to_batch"])
@scoped("dilation_rate")
def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: Any,
    op: Callable[..., Any],
    filter_shape: Any = None,
    spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:
    """Applies `op` to the interleaved grids of a dilated window.

    Args:
      input: `[batch, spatial..., channels]`, or channels second for "NCHW".
      dilation_rate: a vector of an integer for each spatial axis; the graph has to know how many.
      padding: "SAME", "VALID" or four pairs: the zeros before and after each axis.
      op: called as `op(grids, num_spatial_dims, padding)`.
      filter_shape: the sizes of the window, which "SAME" needs.
      spatial_dims: the spatial axes in increasing order, at least 1; by default those of the format.
      data_format: a format that begins with "NC" if the channels are second.

    Returns:
      `input` with other spatial extents, put together from the results of `op`.

    Raises:
      ValueError: `padding`, `dilation_rate` or `spatial_dims` is not valid, or `filter_shape` is
        missing.
    """
    input = convert_to_tensor(input)
    rates = _checked_rates(dilation_rate)
    count = rates.shape[0]
    axes = _checked_axes(spatial_dims, count, data_format)
    _check_rank(input, axes, data_format)
    known = constant_value(rates)
    if known is not None and np.any(known < 1):
        raise ValueError(f"`dilation_rate` must be positive. Received: dilation_rate={known}")
    if known is not None and np.all(known == 1):
        return op(input, count, padding)
    base = _base_paddings(padding, filter_shape, rates if known is None else known, axes)
    paddings, crops = required_space_to_batch_paddings(_sizes(input, axes), rates, base)
    block = _spread(rates, axes, 1)
    grids = raw.SpaceToBatchND(input=input, block_shape=block, paddings=_spread(paddings, axes, 0))
    result = op(grids, count, "VALID")
    return raw.BatchToSpaceND(input=result, block_shape=block, crops=_spread(crops, axes, 0))


def _checked_rates(dilation_rate: Any) -> Tensor:
    rates = convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate")
    if rates.shape.rank not in (None, 1):
        raise ValueError(
            f"`dilation_rate.shape.rank` must be 1. Received: dilation_rate={dilation_rate} of rank "
            f"{rates.shape.rank}"
        )
    if not rates.shape.is_fully_defined():
        raise ValueError(
            "`dilation_rate.shape` must be fully defined. Received: "
            f"dilation_rate={dilation_rate} with shape {rates.shape}"
        )
    return rates


def _checked_axes(spatial_dims: Any, count: int, data_format: str | None) -> list[int]:
    first = 2 if channel_axis_of(data_format) == 1 else 1
    listed = list(range(first, first + count) if spatial_dims is None else spatial_dims)
    axes = sorted({int(axis) for axis in listed})
    if axes != listed or any(axis < 1 for axis in axes):
        raise ValueError(
            "`spatial_dims` must be a monotonically increasing sequence of positive integers. "
            f"Received: spatial_dims={listed}"
        )
    return axes


def _check_rank(input: Tensor, axes: list[int], data_format: str | None) -> None:
    least = axes[-1] if channel_axis_of(data_format) == 1 else axes[-1] + 1
    if input.shape.rank is not None and input.shape.rank < least:
        raise ValueError(
            f"`input.shape.rank` must be at least {least}. Received: input.shape={input.shape} with "
            f"rank {input.shape.rank}"
        )


def _base_paddings(padding: Any, filter_shape: Any, rates: Any, axes: list[int]) -> Any:
    """The zeros that make a window of this padding a valid one, for each spatial axis."""
    how, explicit = explicit_padding(padding)
    if how == "VALID":
        return np.zeros([len(axes), 2], np.int32)
    if how == "EXPLICIT":
        return np.reshape(explicit, [-1, 2])[axes]
    if how != "SAME":
        raise ValueError(f"`padding` must be one of 'SAME' or 'VALID'. Received: padding={padding}")
    if filter_shape is None:
        raise ValueError(
            "`filter_shape` must be specified for `padding='SAME'`. "
            f"Received: filter_shape={filter_shape} and padding={padding}"
        )
    extents = convert_to_tensor(filter_shape, dtypes.int32, name="filter_shape")
    known = constant_value(extents)
    extra = ((extents if known is None else known)[: len(axes)] - 1) * rates
    pairs = [[extra[i] // 2, extra[i] - extra[i] // 2] for i in range(len(axes))]
    return np.array(pairs, np.int32) if isinstance(extra, np.ndarray) else convert_to_tensor(pairs)


def _sizes(input: Tensor, axes: list[int]) -> Any:
    """The spatial extents of `input`; a tensor if the graph does not know them all."""
    if input.shape.rank is not None:
        extents = [input.shape[axis] for axis in axes]
        if None not in extents:
            return np.array(extents, np.int32)
    return raw.GatherV2(params=raw.Shape(input=input), indices=axes, axis=0)


def _spread(values: Any, axes: list[int], neutral: int) -> Any:
    """The rows of `values` for the spatial axes, with neutral ones for axes between 1 and the last of them."""
    known = constant_value(values)
    rows = list(raw.Unpack(value=values, num=len(axes))) if known is None else list(known)
    shape = values.shape.as_list()[1:]
    for axis in range(1, axes[-1]):
        if axis not in axes:
            rows.insert(axis - 1, np.full(shape, neutral, np.int32))
    return np.array(rows, np.int32) if known is not None else raw.Pack(values=rows, axis=0)
