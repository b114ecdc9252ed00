"""Branches, loops, and the lists of tensors that loops read and fill.

A list is the tensor of its concatenated elements; an empty one holds zeros. DYNAMIC_UPDATE_SLICE keeps the number of elements, so a list
that grows gets rows of zeros before an element is set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation, SymbolicTensor


# -- branches and loops
@writes("If", "StatelessIf")
def if_(graph: GraphWriter, operation: Operation) -> None:
    attrs = operation.raw_op.attrs
    if any(tensor.dtype == dtypes.variant for tensor in operation.outputs):
        raise graph.unimplemented(operation, "a list as the result of a branch")
    condition, *inputs = operation.inputs
    places = [graph.place(tensor) for tensor in inputs]
    then, other = (
        graph.body(attrs[name], f"{operation.name}/{name}", _known(graph, attrs[name], places))
        for name in ("then_branch", "else_branch")
    )
    options = SCHEMA["IfOptions"](then_subgraph_index=then, else_subgraph_index=other)
    graph.add("IF", operation, [_truth(graph, operation, condition), *places], options)


@writes("While", "StatelessWhile")
def while_(graph: GraphWriter, operation: Operation) -> None:
    attrs = operation.raw_op.attrs
    places = [graph.place(tensor) for tensor in operation.inputs]
    condition, body = (
        graph.body(attrs[name], f"{operation.name}/{name}", _known(graph, attrs[name], places))
        for name in ("cond", "body")
    )
    if attrs["cond"].outputs[0].dtype != dtypes.bool_:
        raise graph.unimplemented(operation, "a condition that is a number")
    options = SCHEMA["WhileOptions"](cond_subgraph_index=condition, body_subgraph_index=body)
    outputs = []
    for tensor, place in zip(operation.outputs, places, strict=True):
        if tensor.dtype == dtypes.variant:
            outputs.append(graph.add_like(graph.tensors[place], tensor.op.name))
        elif tensor.shape.rank is None:
            raise graph.unimplemented(operation, "a result of unknown rank")
        else:
            outputs.append(graph.add_tensor(tensor.op.name, tensor.dtype, tensor.shape.as_list()))
        graph.alias(tensor, outputs[-1])
    graph.append("WHILE", places, outputs, options)


def _known(graph: GraphWriter, function: Any, places: Sequence[int]) -> Mapping[int, Any]:
    """The records of what is passed for a function's inputs that do not say their own type or rank.

    Of a list, this is the tensor that holds its elements. Inputs of unknown rank stand for values that a loop only passes on.
    """
    pairs = zip(function.inputs, places, strict=True)
    return {
        tensor._id: graph.tensors[place]
        for tensor, place in pairs
        if tensor.dtype == dtypes.variant or tensor.shape.rank is None
    }


def _truth(graph: GraphWriter, operation: Operation, condition: SymbolicTensor) -> int:
    """A condition as a bool: numbers are true unless they are zero."""
    place = graph.place(condition)
    if condition.dtype == dtypes.bool_:
        return place
    zero = graph.constant(np.zeros((), condition.dtype.as_numpy_dtype), "zero")
    return graph.emit("NOT_EQUAL", [place, zero], dtypes.bool_, condition.shape, operation.name)


# -- lists
@writes("TensorListFromTensor", "TensorListStack")
def same_rows(graph: GraphWriter, operation: Operation) -> None:
    graph.alias(operation.outputs[0], graph.place(operation.inputs[0]))


@writes("TensorListReserve")
def reserve(graph: GraphWriter, operation: Operation) -> None:
    """Zeros, as many as elements are reserved."""
    dtype = operation.raw_op.attrs["element_dtype"]
    shape, like = _element(graph, operation)
    count = graph.integers(operation.inputs[1])
    first = _vector_of(graph, operation, count)
    if shape.is_fully_defined():
        rest = graph.constant(np.array(shape.as_list(), np.int32), "shape")
    elif like is not None:
        options = SCHEMA["ShapeOptions"](out_type=graph.tensors[count].type)
        rest = graph.emit(
            "SHAPE", [graph.place(like)], dtypes.int32, [shape.rank], operation.name, options
        )
    else:
        raise graph.unimplemented(operation, f"a list of elements of the unknown shape {shape}")
    sizes = _joined(graph, operation, [first, rest], 1 + len(shape.as_list()))
    zero = graph.constant(np.zeros((), dtype.as_numpy_dtype), "zero")
    number = graph.value(operation.inputs[1])
    grows = _grows(graph, operation.outputs[0])
    extent = None if number is None or grows else int(number)
    rows = graph.emit("FILL", [sizes, zero], dtype, [extent, *shape.as_list()], operation.name)
    graph.alias(operation.outputs[0], rows)


@writes("TensorListGetItem")
def get_item(graph: GraphWriter, operation: Operation) -> None:
    rows, index = operation.inputs[:2]
    inputs = [graph.place(rows), graph.integers(index)]
    graph.add("GATHER", operation, inputs, SCHEMA["GatherOptions"](axis=0), 5)


@writes("TensorListGather")
def gather_items(graph: GraphWriter, operation: Operation) -> None:
    get_item(graph, operation)


@writes("TensorListSetItem")
def set_item(graph: GraphWriter, operation: Operation) -> None:
    rows, index, item = operation.inputs[:3]
    if item.shape.rank is None:
        raise graph.unimplemented(operation, "an element of unknown rank")
    place = graph.place(rows)
    axis = graph.constant(np.int32(0), "axis")
    element = graph.emit(
        "EXPAND_DIMS", [graph.place(item), axis], item.dtype, [1, *item.shape.as_list()], operation.name
    )  # fmt: skip
    zeros = graph.constant(np.zeros(item.shape.rank, np.int32), "zeros")
    at = _vector_of(graph, operation, graph.integers(index))
    start = _joined(graph, operation, [at, zeros], 1 + item.shape.rank)
    if operation.raw_op.attrs["resize_if_index_out_of_bounds"]:
        place = _lengthened(graph, operation, place, at, element)
    updated = graph.add_like(graph.tensors[place], operation.name)
    graph.append("DYNAMIC_UPDATE_SLICE", [place, element, start], [updated], None)
    graph.alias(operation.outputs[0], updated)


@writes("TensorListLength")
def length(graph: GraphWriter, operation: Operation) -> None:
    sizes = _sizes(graph, operation, graph.place(operation.inputs[0]))
    zero = graph.constant(np.int32(0), "zero")
    graph.add("GATHER", operation, [sizes, zero], SCHEMA["GatherOptions"](axis=0), 5)


def _lengthened(graph: GraphWriter, operation: Operation, rows: int, at: int, element: int) -> int:
    """The rows with as many of zeros behind them as make `at` the index of one of them."""

    def vector(name: str, inputs: list[int], options: Any = None) -> int:
        return graph.emit(name, inputs, dtypes.int32, [1], operation.name, options)

    first = graph.constant(np.zeros(1, np.int32), "first")
    count = vector(
        "GATHER", [_sizes(graph, operation, rows), first], SCHEMA["GatherOptions"](axis=0)
    )
    one = graph.constant(np.ones(1, np.int32), "one")
    needed = vector("ADD", [at, one], SCHEMA["AddOptions"]())
    lacking = vector("SUB", [needed, count], SCHEMA["SubOptions"]())
    lacking = vector("MAXIMUM", [lacking, first], SCHEMA["MaximumMinimumOptions"]())
    item = operation.inputs[2]
    rank = item.shape.rank
    assert rank is not None
    rest = graph.emit(
        "GATHER",
        [_sizes(graph, operation, element), graph.constant(np.arange(1, 1 + rank, dtype=np.int32))],
        dtypes.int32,
        [rank],
        operation.name,
        SCHEMA["GatherOptions"](axis=0),
    )
    sizes = _joined(graph, operation, [lacking, rest], 1 + rank)
    zero = graph.constant(np.zeros((), item.dtype.as_numpy_dtype), "zero")
    shape = [None, *item.shape.as_list()]
    added = graph.emit("FILL", [sizes, zero], item.dtype, shape, operation.name)
    options = SCHEMA["ConcatenationOptions"](axis=0)
    return graph.emit("CONCATENATION", [rows, added], item.dtype, shape, operation.name, options)


def _grows(graph: GraphWriter, rows: SymbolicTensor) -> bool:
    """Returns whether an element behind the last is set, here or in a loop."""
    for reader in graph.readers(rows):
        setters = [reader]
        if reader.type in ("While", "StatelessWhile"):
            after = reader.raw_op.attrs["body"].outputs
            setters = [t.op for start, t in zip(reader.inputs, after, strict=True) if start is rows]
        for setter in setters:
            attrs = setter.raw_op.attrs
            if setter.type == "TensorListSetItem" and attrs["resize_if_index_out_of_bounds"]:
                return True
    return False


def _sizes(graph: GraphWriter, operation: Operation, place: int) -> int:
    """The sizes of a tensor, as int32."""
    rank = len(graph.tensors[place].shape)
    options = SCHEMA["ShapeOptions"](out_type=TYPES[dtypes.int32])
    return graph.emit("SHAPE", [place], dtypes.int32, [rank], operation.name, options)


def _vector_of(graph: GraphWriter, operation: Operation, place: int) -> int:
    """A scalar of int32 as a vector of one."""
    shape = graph.constant(np.ones(1, np.int32), "shape")
    return graph.emit(
        "RESHAPE", [place, shape], dtypes.int32, [1], operation.name, SCHEMA["ReshapeOptions"]()
    )


def _joined(graph: GraphWriter, operation: Operation, places: list[int], size: int) -> int:
    """Concatenated vectors of int32."""
    options = SCHEMA["ConcatenationOptions"](axis=0)
    return graph.emit("CONCATENATION", places, dtypes.int32, [size], operation.name, options)


def _element(graph: GraphWriter, operation: Operation) -> tuple[TensorShape, SymbolicTensor | None]:
    """The known shape of a list's elements, and a tensor of the same shape.

    A loop that fills a list with one of its own variables gives it elements of the shape that the variable has before the loop.
    """
    asked = graph.value(operation.inputs[0])
    sizes = None if asked is None or asked.ndim != 1 else [None if n < 0 else int(n) for n in asked]
    shape, like = TensorShape(sizes), None
    for reader in graph.readers(operation.outputs[0]):
        if reader.type == "TensorListSetItem":
            shape = shape.merge_with(reader.inputs[2].shape)
        if reader.type not in ("While", "StatelessWhile"):
            continue
        body = reader.raw_op.attrs["body"]
        for tensor, after in zip(reader.inputs, body.outputs, strict=True):
            if tensor is not operation.outputs[0] or after.op.type != "TensorListSetItem":
                continue
            item = _source(after.op.inputs[2])
            shape = shape.merge_with(item.shape)
            states = zip(reader.inputs, body.outputs, strict=True)
            like = next((start for start, end in states if _source(end) is item), like)
    return shape, like


def _source(tensor: SymbolicTensor) -> SymbolicTensor:
    """The tensor that Identity operations pass on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor
