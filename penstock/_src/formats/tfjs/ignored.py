"""Attributes that TensorFlow.js 4.22 does not read: other operations compute what they say, or the operation is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.static_values import constant_value

# Ops for which TensorFlow.js ignores `data_format`: it computes them with channels last, or reads strides as those of height and width. The values are
# the indices of the images among the inputs.
_CHANNELS_LAST = {
    "AvgPool": 0,
    "AvgPool3D": 0,
    "Conv2D": 0,
    "Conv2DBackpropInput": 2,
    "DepthToSpace": 0,
    "DepthwiseConv2dNative": 0,
    "FusedBatchNorm": 0,
    "FusedBatchNormV2": 0,
    "FusedBatchNormV3": 0,
    "MaxPool": 0,
    "MaxPool3D": 0,
}
# The value with which it computes, whatever an op's attribute says.
_FIXED = {
    ("FusedBatchNorm", "is_training"): False,
    ("FusedBatchNormV2", "is_training"): False,
    ("FusedBatchNormV3", "is_training"): False,
    ("NonMaxSuppressionV5", "pad_to_max_output_size"): False,
}
_PER_AXIS = ("ksize", "strides", "dilations")


def without_ignored(
    node: Operation, inputs: Sequence[SymbolicTensor]
) -> list[SymbolicTensor] | None:
    """Adds operations in place of one with an attribute that TensorFlow.js ignores, to the current graph.

    Args:
      node: the operation.
      inputs: the tensors that it reads there.

    Returns:
      Its results; None if TensorFlow.js computes it as it says.

    Raises:
      UnimplementedError: there is nothing of equal value.
    """
    attrs = node.raw_op.attrs
    for (kind, name), value in _FIXED.items():
        if kind == node.type and attrs[name] != value:
            raise _refusal(node, f"{name}={attrs[name]}")
    if node.type == "MaxPool" and attrs["padding"] == "EXPLICIT":
        return _pool_of_padded(node, inputs)
    if node.type == "OneHot" and attrs["axis"] not in (-1, inputs[0].shape.rank):
        return [_one_hot(node, inputs)]
    if node.type in ("Cumsum", "Cumprod"):
        return _scan(node, inputs)
    is_first = str(attrs.get("data_format", "")).startswith("NC")
    if node.type == "BiasAdd" and is_first:
        return [_bias_of_channels_first(node, inputs)]
    if node.type in _CHANNELS_LAST and is_first:
        return _with_channels_last(node, inputs, _own(node))
    if node.type == "Conv2DBackpropInput" and set(attrs["dilations"]) != {1}:
        return [_transposed_convolution(node, list(inputs), _own(node))]
    return None


def _refusal(node: Operation, what: str) -> Exception:
    return UnimplementedError(
        f"TensorFlow.js has no counterpart of {node.type} '{node.name}' with {what}."
    )


def _own(node: Operation) -> dict[str, Any]:
    """The attributes of an operation that do not follow from the types of its inputs."""
    arguments = (*node.raw_op.inputs, *node.raw_op.outputs)
    return {
        name: value
        for name, value in node.raw_op.attrs.items()
        if not any(name in (a.type_attr, a.number_attr, a.type_list_attr) for a in arguments)
    }


def _one_hot(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    rank, axis = inputs[0].shape.rank, node.raw_op.attrs["axis"]
    if rank is None:
        raise _refusal(node, f"axis={axis} and indices of unknown rank")
    order = [*range(axis), rank, *range(axis, rank)]
    return raw.Transpose(raw.OneHot(*inputs), np.array(order, np.int32))


def _scan(node: Operation, inputs: Sequence[SymbolicTensor]) -> list[Any] | None:
    """A scan along the same axis, counted from the front; None if it is already."""
    x, axis = inputs[0], constant_value(inputs[1])
    if axis is not None and axis >= 0:
        return None
    if axis is None or x.shape.rank is None:
        raise _refusal(
            node, "an axis that is not known, or counted from the end of an unknown rank"
        )
    front = np.int32(axis + x.shape.rank)
    return [getattr(raw, node.type)(x, front, **_own(node))]


def _bias_of_channels_first(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    x, bias = inputs
    if x.shape.rank is None:
        raise _refusal(node, "data_format=NCHW and values of unknown rank")
    shape = np.array([-1, *[1] * (x.shape.rank - 2)], np.int32)
    return raw.AddV2(x, raw.Reshape(bias, shape))


def _pool_of_padded(node: Operation, inputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    """The greatest elements of windows that reach beyond the images, where there is nothing greater than -inf."""
    attrs = _own(node)
    sides = np.array(attrs.pop("explicit_paddings"), np.int32).reshape(-1, 2)
    (x,) = inputs
    lowest = -np.inf if x.dtype.is_floating else x.dtype.min
    padded = raw.PadV2(x, sides, np.array(lowest, x.dtype.as_numpy_dtype))
    attrs["padding"] = "VALID"
    if attrs["data_format"] == "NCHW":
        return _with_channels_last(node, [padded], attrs)
    return [raw.MaxPool(padded, **attrs)]


def _with_channels_last(
    node: Operation, inputs: Sequence[SymbolicTensor], attrs: dict[str, Any]
) -> list[SymbolicTensor]:
    """The operation with these attributes, on images whose channels come last."""
    given = list(inputs)
    rank, at = len(attrs["data_format"]), _CHANNELS_LAST[node.type]
    to_last = np.array([0, *range(2, rank), 1], np.int32)
    to_first = np.array([0, rank - 1, *range(1, rank - 1)], np.int32)
    attrs["data_format"] = "".join(attrs["data_format"][i] for i in to_last)
    for name in _PER_AXIS:
        if name in attrs:
            attrs[name] = [attrs[name][i] for i in to_last]
    given[at] = raw.Transpose(given[at], to_last)
    if attrs.get("explicit_paddings"):
        sides = attrs["explicit_paddings"]
        attrs["explicit_paddings"] = [n for i in to_last for n in sides[2 * i : 2 * i + 2]]
    if node.type == "Conv2DBackpropInput":
        if given[0].shape.num_elements() == rank:
            given[0] = raw.GatherV2(given[0], to_last, np.int32(0))
        return [raw.Transpose(_transposed_convolution(node, given, attrs), to_first)]
    results = getattr(raw, node.type)(*given, **attrs)
    if not isinstance(results, tuple | list):
        return [raw.Transpose(results, to_first)]
    return [raw.Transpose(results[0], to_first), *results[1:]]


def _transposed_convolution(
    node: Operation, inputs: list[SymbolicTensor], attrs: dict[str, Any]
) -> Any:
    """A transposed convolution with zeros between the weights in place of a dilation."""
    steps = attrs["dilations"][1:3]
    if set(attrs["dilations"]) != {1}:
        weights = constant_value(inputs[1])
        if weights is None:
            raise _refusal(node, f"dilations={list(attrs['dilations'])} and variable weights")
        extents = [(n - 1) * step + 1 for n, step in zip(weights.shape, steps, strict=False)]
        wide = np.zeros((*extents, *weights.shape[2:]), weights.dtype)
        wide[:: steps[0], :: steps[1]] = weights
        inputs = [inputs[0], wide, inputs[2]]
    return raw.Conv2DBackpropInput(*inputs, **{**attrs, "dilations": [1, 1, 1, 1]})
