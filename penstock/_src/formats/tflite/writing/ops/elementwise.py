"""Elementwise operations, and operations that leave values unchanged."""

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


@writes("Mul")
def multiply(graph: GraphWriter, operation: Operation) -> None:
    """A product with 1, as of silu, is the other factor."""
    y = operation.outputs[0]
    for one, x in (operation.inputs, reversed(operation.inputs)):
        value = graph.value(one)
        if value is not None and value.size == 1 and value == 1 and x.shape.rank == y.shape.rank:
            graph.alias(y, graph.place(x))
            return
    graph.by_row(operation)


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
