"""FLOP counts of operations: the counts that TensorFlow's profiler shows as `float_ops`."""

import math
from collections.abc import Callable
from typing import Any

from penstock._src.graph.operation import Operation


def _elements(tensor: Any) -> int:
    """The number of elements.

    Raises:
      ValueError: the shape is not static.
    """
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"The shape of {tensor.name} is not known.")
    return math.prod(tensor.shape.as_list())


def _each(factor: int) -> Callable[[Operation], int]:
    return lambda op: factor * _elements(op.outputs[0])


def _updated(op: Operation) -> int:
    return _elements(op.inputs[-1])


def _reduced(finish: int) -> Callable[[Operation], int]:
    """Counts 1 for each input element and `finish` for each output, less 1 for the first element of each output."""
    return lambda op: _elements(op.inputs[0]) + (finish - 1) * _elements(op.outputs[0])


def _window(op: Operation) -> int:
    return math.prod(op.raw_op.attrs["ksize"])


def _pooled(op: Operation) -> int:
    return _window(op) * _elements(op.outputs[0])


def _average_back(op: Operation) -> int:
    return 2 * _window(op) * _elements(op.inputs[1])


def _maximum_back(op: Operation) -> int:
    return _window(op) * _elements(op.inputs[1]) + _elements(op.inputs[1])


def _filtered(op: Operation) -> int:
    """Counts a multiplication and an addition for each filter element of each output element."""
    return 2 * _elements(op.outputs[0]) * math.prod(op.inputs[1].shape.as_list()[:-1])


def _filtered_back(filter_shape: Callable[[Operation], list[int]]) -> Callable[[Operation], int]:
    return lambda op: 2 * _elements(op.inputs[2]) * math.prod(filter_shape(op)[:-1])


def _depthwise(op: Operation) -> int:
    return 2 * _elements(op.outputs[0]) * math.prod(op.inputs[1].shape.as_list()[:2])


def _product(op: Operation) -> int:
    rows = 0 if op.raw_op.attrs["transpose_a"] else 1
    return 2 * _elements(op.outputs[0]) * op.inputs[0].shape.as_list()[rows]


def _batch_product(op: Operation) -> int:
    # TensorFlow counts the last axis even if the operand is transposed.
    return 2 * _elements(op.outputs[0]) * op.inputs[0].shape.as_list()[-1]


COUNTS: dict[str, Callable[[Operation], int]] = {
    **dict.fromkeys(
        "Reciprocal Square Log Neg Add AddV2 Sub Mul RealDiv Maximum Minimum Pow GreaterEqual Greater "
        "LessEqual Less Equal NotEqual BiasAdd".split(),
        _each(1),
    ),
    **dict.fromkeys(("AssignSub", "AssignAdd"), _updated),
    **dict.fromkeys(("Rsqrt", "SquaredDifference"), _each(2)),
    **dict.fromkeys(("Sum", "ArgMax", "ArgMin", "BiasAddGrad"), _reduced(0)),
    **dict.fromkeys(("Conv2D", "Conv3D"), _filtered),
    **dict.fromkeys(("DepthwiseConv2dNative", "Dilation2D"), _depthwise),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _batch_product),
    **dict.fromkeys(("AvgPool", "MaxPool"), _pooled),
    "RsqrtGrad": _each(4),
    "Softmax": _each(5),
    "L2Loss": lambda op: 3 * _elements(op.inputs[0]) - 1,
    "Mean": _reduced(1),
    "AddN": lambda op: (len(op.inputs) - 1) * _elements(op.outputs[0]),
    "AvgPoolGrad": _average_back,
    "MaxPoolGrad": _maximum_back,
    "Conv2DBackpropInput": _filtered_back(lambda op: op.inputs[1].shape.as_list()),
    "Conv2DBackpropFilter": _filtered_back(lambda op: op.outputs[0].shape.as_list()),
    "MatMul": _product,
}


def count_of(op: Operation) -> int:
    """The count of an operation; 0 if it has no rule, or a shape is not static."""
    rule = COUNTS.get(op.type)
    try:
        return 0 if rule is None else rule(op)
    except (ValueError, TypeError):  # dynamic shapes
        return 0
