"""Quantized operations, written with TensorFlow's ops into the graph under construction.

An activation x is (q - zero_point) * scale with int8 q, a weight w is q_w * scale_w:

    sum(x * w) = (sum(q * q_w) - zero_point * sum(q_w)) * scale * scale_w
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.saved_model.quantized.padding import edges_of
from penstock._src.formats.saved_model.quantized.units import Unit
from penstock._src.formats.saved_model.quantized.weights import Weight
from penstock._src.proto.layout import ConvolutionDimensionNumbers, DotDimensionNumbers
from penstock._src.util.dataclass import dataclass

_LEAST, _MOST = -128, 127
# Ops of TensorFlow that multiply int32 on CPUs; others multiply the same integers as floats.
_OF_INT32 = ("MatMul", "BatchMatMul", "BatchMatMulV2", "Einsum", "Conv2D")


@dataclass(frozen=True)
class Integers:
    """An activation (q - zero_point) * scale: int8, and two scalars, float32 and int32, which may be tensors."""

    q: Any
    scale: Any
    zero_point: Any


def steps_of(low: float, high: float) -> tuple[np.float32, np.int32]:
    """Returns the scale and the zero point of int8 for a range, which is widened to hold 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / 255 if high > low else 1.0)
    zero_point = np.clip(np.rint(_LEAST - low / scale), _LEAST, _MOST)
    return scale, np.int32(zero_point)


def by_range(x: Any, low: float, high: float) -> Integers:
    """Returns an activation as integers by a range that is known."""
    scale, zero_point = steps_of(low, high)
    return Integers(_rounded(x, scale, zero_point), scale, zero_point)


def by_own_range(x: Any) -> Integers:
    """Returns an activation as integers by the range of its present elements."""
    flat = raw.Reshape(tensor=x, shape=np.array([-1], np.int32))
    axis = np.array([0], np.int32)
    zero = np.float32(0)
    low = raw.Minimum(x=raw.Min(input=flat, axis=axis), y=zero)
    high = raw.Maximum(x=raw.Max(input=flat, axis=axis), y=zero)
    spread = raw.RealDiv(x=raw.Sub(x=high, y=low), y=np.float32(255))
    # A range that is not a number stays one, so that results of NaN are NaN.
    scale = raw.SelectV2(condition=raw.Equal(x=spread, y=zero), t=np.float32(1), e=spread)
    shift = raw.Round(x=raw.Sub(x=np.float32(_LEAST), y=raw.RealDiv(x=low, y=scale)))
    zero_point = raw.Cast(x=_clipped(shift), DstT=dtypes.int32)
    return Integers(_rounded(x, scale, zero_point), scale, zero_point)


def _clipped(x: Any) -> Any:
    return raw.Minimum(x=raw.Maximum(x=x, y=np.float32(_LEAST)), y=np.float32(_MOST))


def _rounded(x: Any, scale: Any, zero_point: Any) -> Any:
    if isinstance(zero_point, np.generic):
        shift = np.float32(zero_point)
    else:
        shift = raw.Cast(x=zero_point, DstT=dtypes.float32)
    moved = raw.AddV2(x=raw.Round(x=raw.RealDiv(x=x, y=scale)), y=shift)
    return raw.Cast(x=_clipped(moved), DstT=dtypes.int8)


def on_integers(unit: Unit, weight: Weight, x: Integers, xla: bool) -> Any:
    """Returns the result of a unit from its integers.

    Args:
      unit: a product or a convolution.
      weight: its weight.
      x: its activation.
      xla: by XLA's ops with int8 operands; else by the op itself, on int32.
    """
    zero_point = np.asarray(x.zero_point) if isinstance(x.zero_point, np.generic) else x.zero_point
    if xla:
        total = _by_xla(unit, x.q, weight.integers, zero_point, dtypes.int32)
        if not (isinstance(zero_point, np.ndarray) and zero_point == 0):
            total = raw.Sub(x=total, y=raw.Mul(x=zero_point, y=weight.sums))
    else:
        total = _by_itself(unit, x.q, weight.integers, zero_point)
    if isinstance(x.scale, np.generic):
        scale = np.asarray(x.scale * weight.scale, np.float32)
    else:
        scale = raw.Mul(x=x.scale, y=weight.scale)
    return raw.Mul(x=raw.Cast(x=total, DstT=dtypes.float32), y=scale)


def on_floats(unit: Unit, weight: Weight, x: Any) -> Any:
    """Returns the result of a unit from floats and its int8 weight."""
    if unit.kind == "gather":
        op = unit.operation.raw_op
        rows = raw.GatherV2(
            params=weight.integers, indices=x, axis=_axis(unit), batch_dims=op.attrs["batch_dims"]
        )
        return raw.Mul(x=raw.Cast(x=rows, DstT=dtypes.float32), y=weight.scale)
    product = _by_xla(unit, x, weight.integers, np.float32(0), dtypes.float32)
    return raw.Mul(x=product, y=weight.scale)


def _axis(unit: Unit) -> np.ndarray:
    axis: np.ndarray = unit.operation._inputs[2].op.raw_op.attrs["value"]
    return axis


# -- TensorFlow's own ops


def _by_itself(unit: Unit, q: Any, integers: np.ndarray, zero_point: Any) -> Any:
    """The unit's op on operands counted from their zero points: edges are padded with zeros as before."""
    x = raw.Sub(x=raw.Cast(x=q, DstT=dtypes.int32), y=zero_point)
    w = raw.Cast(x=integers, DstT=dtypes.int32)
    if unit.operation.type not in _OF_INT32:
        x, w = raw.Cast(x=x, DstT=dtypes.float32), raw.Cast(x=w, DstT=dtypes.float32)
    op = unit.operation.raw_op
    arguments = [w, x] if unit.weight == 0 else [x, w]
    attrs = {name: value for name, value in op.attrs.items() if name not in ("T", "N")}
    if op.op_type == "Einsum":
        return raw.Einsum(inputs=arguments, **attrs)
    names = [argument.name for argument in op.inputs]
    return getattr(raw, op.op_type)(**dict(zip(names, arguments, strict=True)), **attrs)


# -- XLA's ops


def _by_xla(unit: Unit, x: Any, integers: np.ndarray, zero_point: Any, dtype: Any) -> Any:
    if unit.kind == "product":
        return _dot(unit.spec, x, integers, dtype)
    return _convolution(unit, x, integers, zero_point, dtype)


def _dot(spec: Sequence[str], x: Any, integers: np.ndarray, dtype: Any) -> Any:
    """The product, transposed to the order of the result: a dot has batch axes first, then those of its operands."""
    left, right, result = spec
    batch = [c for c in left if c in right and c in result]
    summed = [c for c in left if c in right and c not in result]
    numbers = DotDimensionNumbers(
        lhs_contracting_dimensions=[left.index(c) for c in summed],
        rhs_contracting_dimensions=[right.index(c) for c in summed],
        lhs_batch_dimensions=[left.index(c) for c in batch],
        rhs_batch_dimensions=[right.index(c) for c in batch],
    )
    product = raw.XlaDotV2(
        lhs=x,
        rhs=integers,
        dimension_numbers=numbers.SerializeToString(),
        precision_config=b"",
        preferred_element_type=dtype,
    )
    order = [*batch, *(c for c in left + right if c not in (*batch, *summed))]
    if "".join(order) == result:
        return product
    return raw.Transpose(x=product, perm=np.array([order.index(c) for c in result], np.int32))


def _convolution(unit: Unit, x: Any, integers: np.ndarray, zero_point: Any, dtype: Any) -> Any:
    """The convolution of an image padded with its zero point."""
    attrs = unit.operation.raw_op.attrs
    spatial = integers.ndim - 2
    groups = 1
    if unit.operation.type == "DepthwiseConv2dNative":
        groups = integers.shape[2]
        integers = integers.reshape(*integers.shape[:2], 1, -1)
    edges = edges_of(attrs, x, integers.shape[:spatial])
    if not (isinstance(edges, np.ndarray) and not edges.any()):
        value = raw.Cast(x=zero_point, DstT=dtypes.int8) if dtype is dtypes.int32 else zero_point
        x = raw.PadV2(input=x, paddings=edges, constant_values=value)
    axes = list(range(1, spatial + 1))
    numbers = ConvolutionDimensionNumbers(
        input_batch_dimension=0,
        input_feature_dimension=spatial + 1,
        input_spatial_dimensions=axes,
        kernel_input_feature_dimension=spatial,
        kernel_output_feature_dimension=spatial + 1,
        kernel_spatial_dimensions=list(range(spatial)),
        output_batch_dimension=0,
        output_feature_dimension=spatial + 1,
        output_spatial_dimensions=axes,
    )
    return raw.XlaConvV2(
        lhs=x,
        rhs=integers,
        window_strides=np.array(attrs["strides"][1:-1], np.int32),
        padding=np.zeros([spatial, 2], np.int32),
        lhs_dilation=np.ones(spatial, np.int32),
        rhs_dilation=np.array(attrs["dilations"][1:-1], np.int32),
        feature_group_count=np.int32(groups),
        dimension_numbers=numbers.SerializeToString(),
        precision_config=b"",
        preferred_element_type=dtype,
        batch_group_count=1,
    )
