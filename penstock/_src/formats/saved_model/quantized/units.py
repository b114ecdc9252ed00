"""The operations that can compute with int8 weights: products, convolutions and gathers with a constant operand."""

import string
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.dataclass import dataclass

# Sums of more products of 8-bit numbers do not fit into int32.
_MOST_SUMMED = (2**31 - 1) // (128 * 255)
_CONVOLUTIONS = {"Conv2D": "NHWC", "Conv3D": "NDHWC", "DepthwiseConv2dNative": "NHWC"}


@dataclass(frozen=True)
class Unit:
    """An operation that can compute with an int8 weight.

    Attributes:
      kind: a product is an einsum of its two operands.
      operation: the operation.
      weight: the position of its constant operand; the other one is 1 - weight.
      value: the constant.
      spec: of a product: the letters of the other operand, of the weight, and of the result.
    """

    kind: Literal["product", "convolution", "gather"]
    operation: Operation
    weight: int
    value: np.ndarray
    spec: tuple[str, str, str] = ("", "", "")

    @property
    def activation(self) -> SymbolicTensor:
        """The operand that is not the weight."""
        return self.operation._inputs[1 - self.weight]

    @property
    def summed_axes(self) -> tuple[int, ...]:
        """The axes of the weight along which products are added."""
        if self.kind == "product":
            return tuple(i for i, c in enumerate(self.spec[1]) if c not in self.spec[2])
        if self.kind == "gather":
            return tuple(range(self.value.ndim))
        is_depthwise = self.operation.type == "DepthwiseConv2dNative"
        return tuple(range(self.value.ndim - (2 if is_depthwise else 1)))

    def as_in_result(self, values: np.ndarray) -> np.ndarray:
        """Returns numbers of the axes of the weight that are not summed, in a shape that broadcasts to the result's."""
        if self.kind != "product":
            return values.reshape(-1)
        left, right, result = self.spec
        kept = [c for c in right if c in result]
        ordered = sorted(range(len(kept)), key=lambda i: result.index(kept[i]))
        sizes = dict(zip(kept, values.shape, strict=True))
        return values.transpose(ordered).reshape([sizes.get(c, 1) for c in result])


def unit_of(operation: Operation) -> Unit | None:
    """Returns the operation as a unit; None if it has no weight of float32 or cannot compute on integers."""
    constants = [i for i, t in enumerate(operation._inputs[:2]) if t.op.type == "Const"]
    if len(constants) != 1 or operation._inputs[constants[0]].dtype is not dtypes.float32:
        return None
    weight = constants[0]
    value = operation._inputs[weight].op.raw_op.attrs["value"]
    if not value.size or not np.isfinite(value).all():
        return None
    if operation.type == "GatherV2" and weight == 0:
        return Unit("gather", operation, weight, value)
    if operation._inputs[1 - weight].dtype is not dtypes.float32:
        return None
    if operation.type in _CONVOLUTIONS:
        is_plain = operation.raw_op.attrs["data_format"] == _CONVOLUTIONS[operation.type]
        unit = Unit("convolution", operation, weight, value) if is_plain and weight == 1 else None
    else:
        spec = _spec_of(operation, weight)
        unit = Unit("product", operation, weight, value, spec) if spec else None
    if unit is None or np.prod([value.shape[i] for i in unit.summed_axes]) > _MOST_SUMMED:
        return None
    return unit


def _spec_of(operation: Operation, weight: int) -> tuple[str, str, str] | None:
    attrs = operation.raw_op.attrs
    shapes = [t.shape for t in operation._inputs[:2]]
    if any(s.rank is None for s in shapes):
        return None
    if operation.type == "MatMul":
        operands = ["km" if attrs["transpose_a"] else "mk", "nk" if attrs["transpose_b"] else "kn"]
        result = "mn"
    elif operation.type in ("BatchMatMul", "BatchMatMulV2"):
        batch = [len(s) - 2 for s in shapes]
        same = shapes[0][:-2].as_list() == shapes[1][:-2].as_list()
        if batch[weight] and not (same and shapes[0][:-2].is_fully_defined()):
            return None  # batches that broadcast
        letters = string.ascii_uppercase[: max(batch)]
        operands = [
            letters[: batch[0]] + ("km" if attrs["adj_x"] else "mk"),
            letters[: batch[1]] + ("nk" if attrs["adj_y"] else "kn"),
        ]
        result = f"{letters}mn"
    elif operation.type == "Einsum" and len(operation._inputs) == 2:
        equation = str(attrs["equation"]).replace(" ", "")
        left, arrow, result = equation.partition("->")
        operands = left.split(",")
        if not arrow or "." in equation or any(len({*o}) < len(o) for o in (*operands, result)):
            return None
    else:
        return None
    spec = operands[1 - weight], operands[weight], result
    summed_alone = ({*spec[0]} ^ {*spec[1]}) - {*result}
    return None if summed_alone or not ({*spec[0]} & {*spec[1]}) - {*result} else spec
