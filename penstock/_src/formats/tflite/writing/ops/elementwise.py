"""Elementwise operations, and operations that leave values unchanged."""

from typing import Any

import numpy as np

from penstock._src.core.dtypes import bool_
from penstock._src.formats.tflite.operators import BY_NAME
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation


@writes("Div", "RealDiv")
def divide(graph: GraphWriter, operation: Operation) -> None:
    if not operation.outputs[0].dtype.is_floating:
        raise graph.unimplemented(operation, "division of integers")
    x, divisor = operation.inputs
    value = graph.value(divisor)
    if value is None or value.dtype != np.float32 or not np.all(np.isfinite(1 / value)):
        graph.by_row(operation)
        return
    # A product with the reciprocal, as in TensorFlow's files: int8 has no quotient.
    function, last = graph.activation(operation.outputs[0])
    places = [graph.place(x), graph.constant(1 / value, divisor.op.name)]
    options = SCHEMA["MulOptions"](fused_activation_function=function)
    graph.add("MUL", operation, places, options, outputs=[last])


@writes("TruncateDiv")
def truncate_divide(graph: GraphWriter, operation: Operation) -> None:
    y = operation.outputs[0]
    if not y.dtype.is_floating:
        graph.by_row(operation)
        return
    # DIV does not truncate floats.
    quotient = _binary(graph, operation, "DIV", *(graph.place(x) for x in operation.inputs))
    zero = graph.constant(np.zeros((), y.dtype.as_numpy_dtype), "zero")
    options = BY_NAME["LESS"].default_options()
    below = graph.emit("LESS", [quotient, zero], bool_, y.shape, operation.name, options)
    parts = [_unary(graph, operation, name, quotient) for name in ("CEIL", "FLOOR")]
    graph.add("SELECT_V2", operation, [below, *parts], BY_NAME["SELECT_V2"].default_options())


@writes("Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "EnsureShape")
def identity(graph: GraphWriter, operation: Operation) -> None:
    graph.alias(operation.outputs[0], graph.place(operation.inputs[0]))


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
    options = BY_NAME[name].default_options()
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


@writes("FakeQuantWithMinMaxVars")
def fake_quant(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    low, high = (graph.known(operation, i) for i in (1, 2))
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
