"""Elementwise operations, and operations that leave values unchanged."""

from typing import Any

import numpy as np

from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation

_PLAIN = {
    "Abs": "ABS", "Atan2": "ATAN2", "Ceil": "CEIL", "Cos": "COS", "Elu": "ELU", "Equal": "EQUAL", "Exp": "EXP",
    "Floor": "FLOOR", "FloorDiv": "FLOOR_DIV", "FloorMod": "FLOOR_MOD", "Greater": "GREATER",
    "GreaterEqual": "GREATER_EQUAL", "Less": "LESS", "LessEqual": "LESS_EQUAL", "Log": "LOG", "LogSoftmax": "LOG_SOFTMAX",
    "LogicalAnd": "LOGICAL_AND", "LogicalNot": "LOGICAL_NOT", "LogicalOr": "LOGICAL_OR", "Maximum": "MAXIMUM",
    "Minimum": "MINIMUM", "Neg": "NEG", "NotEqual": "NOT_EQUAL", "Pow": "POW", "Relu": "RELU", "Relu6": "RELU6",
    "Round": "ROUND", "Rsqrt": "RSQRT", "Select": "SELECT", "SelectV2": "SELECT_V2", "Sigmoid": "LOGISTIC",
    "Sign": "SIGN", "Sin": "SIN", "Sqrt": "SQRT", "Square": "SQUARE", "SquaredDifference": "SQUARED_DIFFERENCE",
    "Tanh": "TANH", "ZerosLike": "ZEROS_LIKE", "AddN": "ADD_N", "Bitcast": "BITCAST", "BitwiseXor": "BITWISE_XOR",
    "ComplexAbs": "COMPLEX_ABS", "Imag": "IMAG", "Real": "REAL", "RightShift": "RIGHT_SHIFT",
    "Rint": "ROUND",
}  # fmt: skip
_WITH_ACTIVATION = {
    "Add": "ADD", "AddV2": "ADD", "BiasAdd": "ADD", "Div": "DIV", "Mul": "MUL", "RealDiv": "DIV", "Sub": "SUB",
    "TruncateDiv": "DIV",
}  # fmt: skip


def _plain(kind: str, name: str) -> None:
    @writes(kind)
    def plain(graph: GraphWriter, operation: Operation) -> None:
        graph.add(name, operation)


for _kind, _name in _PLAIN.items():
    _plain(_kind, _name)


@writes(*_WITH_ACTIVATION)
def arithmetic(graph: GraphWriter, operation: Operation) -> None:
    if getattr(operation.raw_op, "data_format", "NHWC") == "NCHW":
        raise graph.unimplemented(operation, "NCHW")
    if operation.type in ("Div", "RealDiv") and not operation.outputs[0].dtype.is_floating:
        raise graph.unimplemented(operation, "division of integers")
    name = _WITH_ACTIVATION[operation.type]
    function, last = graph.activation(operation.outputs[0])
    options = SCHEMA[f"{name.capitalize()}Options"](fused_activation_function=function)
    graph.add(name, operation, options=options, outputs=[last])


@writes("Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "EnsureShape")
def identity(graph: GraphWriter, operation: Operation) -> None:
    graph.alias(operation.outputs[0], graph.place(operation.inputs[0]))


@writes("LeakyRelu")
def leaky_relu(graph: GraphWriter, operation: Operation) -> None:
    options = SCHEMA["LeakyReluOptions"](alpha=operation.raw_op.alpha)
    graph.add("LEAKY_RELU", operation, options=options)


@writes("Cast")
def cast(graph: GraphWriter, operation: Operation) -> None:
    x, y = operation.inputs[0], operation.outputs[0]
    if x.dtype == y.dtype:
        graph.alias(y, graph.place(x))
        return
    options = SCHEMA["CastOptions"](in_data_type=TYPES[x.dtype], out_data_type=TYPES[y.dtype])
    graph.add("CAST", operation, options=options)


@writes("Softmax")
def softmax(graph: GraphWriter, operation: Operation) -> None:
    graph.add("SOFTMAX", operation, options=SCHEMA["SoftmaxOptions"](beta=1.0))


def _unary(graph: GraphWriter, operation: Operation, name: str, x: int) -> int:
    tensor = operation.outputs[0]
    return graph.emit(name, [x], tensor.dtype, tensor.shape, operation.name)


def _binary(graph: GraphWriter, operation: Operation, name: str, x: int, y: int) -> int:
    tensor = operation.outputs[0]
    options = SCHEMA[f"{name.capitalize()}Options"]()
    return graph.emit(name, [x, y], tensor.dtype, tensor.shape, operation.name, options)


@writes("Softplus")
def softplus(graph: GraphWriter, operation: Operation) -> None:
    """relu(x) + log(1 + exp(-|x|)), which does not overflow."""
    x = graph.place(operation.inputs[0])
    small = _unary(
        graph, operation, "EXP", _unary(graph, operation, "NEG", _unary(graph, operation, "ABS", x))
    )
    one = graph.constant(np.array(1, operation.outputs[0].dtype.as_numpy_dtype), "one")
    rest = _unary(graph, operation, "LOG", _binary(graph, operation, "ADD", small, one))
    positive = _unary(graph, operation, "RELU", x)
    graph.add("ADD", operation, [positive, rest], SCHEMA["AddOptions"]())


@writes("LRN")
def local_response_normalization(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    options = SCHEMA["LocalResponseNormalizationOptions"](
        radius=op.depth_radius, bias=op.bias, alpha=op.alpha, beta=op.beta
    )
    graph.add("LOCAL_RESPONSE_NORMALIZATION", operation, options=options)


@writes("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs")
def fake_quant(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    is_constant = operation.type == "FakeQuantWithMinMaxArgs"
    low, high = (op.min, op.max) if is_constant else (graph.known(operation, i) for i in (1, 2))
    options = SCHEMA["FakeQuantOptions"](
        min=float(low), max=float(high), num_bits=op.num_bits, narrow_range=op.narrow_range
    )
    graph.add("FAKE_QUANT", operation, [graph.place(operation.inputs[0])], options)


@writes("Reciprocal", "Inv")
def reciprocal(graph: GraphWriter, operation: Operation) -> None:
    one = graph.constant(np.array(1, operation.outputs[0].dtype.as_numpy_dtype), "one")
    graph.add("DIV", operation, [one, graph.place(operation.inputs[0])], SCHEMA["DivOptions"]())


@writes("Log1p")
def log1p(graph: GraphWriter, operation: Operation) -> None:
    one = graph.constant(np.array(1, operation.outputs[0].dtype.as_numpy_dtype), "one")
    total = _binary(graph, operation, "ADD", graph.place(operation.inputs[0]), one)
    graph.add("LOG", operation, [total])


@writes("Erfc")
def erfc(graph: GraphWriter, operation: Operation) -> None:
    """Only as part of gelu: 0.5 * x * erfc(-x / sqrt(2))."""
    x = _gelu_input(graph, operation)
    product = graph.only_reader(operation.outputs[0])
    if x is None or product is None or product.type != "Mul":
        raise graph.unimplemented(operation, "erfc outside of gelu")
    other = next(t for t in product.inputs if t is not operation.outputs[0])
    if not _is_scaled(graph, other, x, 0.5):
        raise graph.unimplemented(operation, "erfc outside of gelu")
    graph.take(product)
    options = SCHEMA["GeluOptions"](approximate=False)
    graph.add("GELU", operation, [graph.place(x)], options, outputs=[product.outputs[0]])


def _gelu_input(graph: GraphWriter, operation: Operation) -> Any:
    """x if the operation's input is -x / sqrt(2), or None."""
    product = operation.inputs[0].op
    if product.type != "Mul":
        return None
    for inner, factor in (product.inputs, reversed(product.inputs)):
        value = graph.value(factor)
        if value is None or value.size != 1:
            continue
        if inner.op.type == "Neg" and np.isclose(value, 0.5**0.5):
            return inner.op.inputs[0]
        if np.isclose(value, -(0.5**0.5)):
            return inner
    return None


def _is_scaled(graph: GraphWriter, tensor: Any, x: Any, factor: float) -> bool:
    if tensor.op.type != "Mul" or not any(t is x for t in tensor.op.inputs):
        return False
    values = [graph.value(t) for t in tensor.op.inputs if t is not x]
    return any(v is not None and v.size == 1 and np.isclose(v, factor) for v in values)
