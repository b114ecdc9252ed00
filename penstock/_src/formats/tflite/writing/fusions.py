"""Expressions that are one builtin op of TFLite.

A pattern is a tree of what an operation computes, written from its result backwards:

    ("+", a, b)          the sum of both, in any order
    ("*", number, a, b)  the product of both and of the constants among its factors, however these are arranged
    ("Relu6", a)         another operation; extremes also have their operands in any order
    3.0                  a constant with this element alone
    "x"                  a tensor: the same one wherever the name stands

Operators of the parts have been written before; those that nothing else reads are left out with all unused ones.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import float32
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.graph.operation import Operation, SymbolicTensor

_Found = Mapping[str, SymbolicTensor]
_SUMS = ("AddV2", "Add", "BiasAdd")
_QUOTIENTS = ("RealDiv", "Div")
_CUBIC = ("+", "x", ("*", 0.044715, ("Pow", "x", 3.0)))
_NORMAL = ("Erf", ("*", math.sqrt(0.5), "x"))
_BELOW = ("*", 1.0, ("Relu", ("Neg", "x")), "alpha")
_SQUARES = ("Sum", ("Square", "x"), "axes")
_PATTERNS: dict[str, list[tuple[str, Any]]] = {
    "*": [
        ("L2_NORMALIZATION", ("*", 1.0, ("Rsqrt", ("Maximum", _SQUARES, 1e-12)), "x")),
        ("HARD_SWISH", ("*", 1 / 6, ("Relu6", ("+", "x", 3.0)), "x")),
        ("GELU", ("*", 0.5, ("Erfc", ("*", math.sqrt(0.5), ("Neg", "x"))), "x")),
        ("GELU", ("*", 0.5, ("Erfc", ("*", -math.sqrt(0.5), "x")), "x")),
        ("GELU", ("*", 0.5, ("+", _NORMAL, 1.0), "x")),
        ("APPROXIMATE_GELU", ("*", 0.5, ("+", ("Tanh", ("*", math.sqrt(2 / math.pi), _CUBIC)), 1.0), "x")),
    ],
    "+": [("PRELU", ("+", ("Relu", "x"), _BELOW))],
    "Sub": [("PRELU", ("Sub", ("Relu", "x"), _BELOW))],
    "Minimum": [("RELU_N1_TO_1", ("Minimum", ("Maximum", "x", -1.0), 1.0))],
    "Maximum": [("RELU_N1_TO_1", ("Maximum", ("Minimum", "x", 1.0), -1.0))],
}  # fmt: skip
_MOST_AXES_OF_PRELU = 4


def fused(graph: Any, operation: Operation) -> bool:
    """Writes an operation as one builtin op if it is the last of an expression that is one.

    Args:
      graph: the GraphWriter.
      operation: the operation.

    Returns:
      True if it was written.
    """
    if len(operation.outputs) != 1 or operation.outputs[0].dtype is not float32:
        return False
    result = operation.outputs[0]
    for name, pattern in _PATTERNS.get(_kind(operation), ()):
        for found in _matches(graph, result, pattern, {}):
            x = found["x"]
            if x.shape.rank == result.shape.rank is not None and _write(
                graph, name, operation, found
            ):
                return True
    return False


def clips_to_one(graph: Any, operation: Operation, x: SymbolicTensor) -> bool:
    """Returns True if an operation and the one before it limit a tensor of float32 to the range from -1 to 1.

    Args:
      graph: the GraphWriter.
      operation: the operation.
      x: the tensor.
    """
    (result, *_) = operation.outputs or (x,)
    patterns = _PATTERNS[operation.type] if operation.type in ("Minimum", "Maximum") else ()
    return x.dtype is float32 and any(
        found["x"] is x and x.shape.rank == result.shape.rank
        for _, pattern in patterns
        for found in _matches(graph, result, pattern, {})
    )


def _write(graph: Any, name: str, operation: Operation, found: _Found) -> bool:
    places, options = [graph.place(found["x"])], None
    if name.endswith("GELU"):
        options = SCHEMA["GeluOptions"](approximate=name != "GELU")
        name = "GELU"
    elif name == "PRELU":
        alpha = graph.value(found["alpha"])
        if alpha is None or len(found["x"].shape.as_list()) > _MOST_AXES_OF_PRELU:
            return False
        places.append(graph.constant(alpha if operation.type == "Sub" else -alpha, "alpha"))
    elif name == "L2_NORMALIZATION":
        axes, shape = graph.value(found["axes"]), found["x"].shape
        if axes is None or axes.size != 1 or int(axes) % len(shape) != len(shape) - 1:
            return False
        options = SCHEMA["L2NormOptions"]()
    graph.add(name, operation, places, options)
    return True


def _kind(operation: Operation) -> str:
    if operation.type in _SUMS:
        return "+"
    return "*" if operation.type in ("Mul", *_QUOTIENTS) else operation.type


def _number(graph: Any, tensor: SymbolicTensor) -> float | None:
    """The element of a constant that has one."""
    value = graph.value(tensor)
    return float(value.reshape(())) if value is not None and value.size == 1 else None


def _is(number: float | None, wanted: float) -> bool:
    return number is not None and bool(np.isclose(number, wanted, rtol=1e-6, atol=0))


def _matches(graph: Any, tensor: SymbolicTensor, pattern: Any, found: _Found) -> Iterator[_Found]:
    """Yields what the names of a pattern stand for, beyond what is found, if the pattern is the tensor's expression."""
    if isinstance(pattern, str):
        if found.get(pattern, tensor) is tensor:
            yield {**found, pattern: tensor}
        return
    if isinstance(pattern, float):
        if _is(_number(graph, tensor), pattern):
            yield found
        return
    kind, *parts = pattern
    if _kind(tensor.op) != kind:
        return
    if kind == "*":
        number, *parts = parts
        for factor, each in _products(graph, tensor, parts, found):
            if _is(factor, number):
                yield each
        return
    inputs = list(tensor.op.inputs)
    for order in [inputs, inputs[::-1]] if kind in ("+", "Minimum", "Maximum") else [inputs]:
        yield from _all_match(graph, order, parts, found)


def _all_match(
    graph: Any, tensors: Sequence[SymbolicTensor], patterns: Sequence[Any], found: _Found
) -> Iterator[_Found]:
    if len(tensors) != len(patterns):
        return
    if not tensors:
        yield found
        return
    for each in _matches(graph, tensors[0], patterns[0], found):
        yield from _all_match(graph, tensors[1:], patterns[1:], each)


def _products(
    graph: Any, tensor: SymbolicTensor, parts: Sequence[Any], found: _Found
) -> Iterator[tuple[float, _Found]]:
    """Yields constants by which a tensor is a multiple of the product of one or two parts, and what names stand for."""
    if len(parts) == 1:
        yield from ((1.0, each) for each in _matches(graph, tensor, parts[0], found))
    if _kind(tensor.op) != "*":
        return
    left, right = tensor.op.inputs
    is_product = tensor.op.type == "Mul"
    for constant, other in [(right, left), (left, right)] if is_product else [(right, left)]:
        number = _number(graph, constant)
        if number:
            for factor, each in _products(graph, other, parts, found):
                yield factor * number if is_product else factor / number, each
    if is_product and len(parts) == 2:
        for first, second in ((left, right), (right, left)):
            for factor, each in _products(graph, first, parts[:1], found):
                for other_factor, every in _products(graph, second, parts[1:], each):
                    yield factor * other_factor, every
