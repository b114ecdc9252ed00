"""Operations that only move values."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation, SymbolicTensor


@writes("ConcatV2")
def concat(graph: GraphWriter, operation: Operation) -> None:
    *parts, _ = operation.inputs
    axis = int(graph.known(operation, len(parts)))
    options = SCHEMA["ConcatenationOptions"](axis=axis)
    graph.add("CONCATENATION", operation, [graph.place(part) for part in parts], options)


@writes("Pack")
def pack(graph: GraphWriter, operation: Operation) -> None:
    axis = operation.raw_op.axis
    options = SCHEMA["PackOptions"](values_count=len(operation.inputs), axis=axis)
    graph.add("PACK", operation, options=options)


@writes("StridedSlice")
def strided_slice(graph: GraphWriter, operation: Operation) -> None:
    op = operation.raw_op
    version = 6 if op.ellipsis_mask or op.new_axis_mask else 1
    x, *bounds = operation.inputs
    places = [graph.place(x), *(_bound(graph, tensor) for tensor in bounds)]
    graph.by_row(operation, places, version)


def _bound(graph: GraphWriter, tensor: SymbolicTensor) -> int:
    """Returns the index of a slice's bounds as int32; those that are computed may be as great as an int64."""
    if tensor.dtype != dtypes.int64 or graph.value(tensor) is not None:
        return graph.integers(tensor)
    place, limits = graph.place(tensor), np.iinfo(np.int32)
    for name, limit in (("MINIMUM", limits.max), ("MAXIMUM", limits.min)):
        extreme = graph.constant(np.int64(limit), "limit")
        place = graph.emit(name, [place, extreme], dtypes.int64, tensor.shape, tensor.op.name)
    return graph.emit("CAST", [place], dtypes.int32, tensor.shape, tensor.op.name)


@writes("GatherV2")
def gather(graph: GraphWriter, operation: Operation) -> None:
    axis = int(graph.known(operation, 2))
    options = SCHEMA["GatherOptions"](axis=axis, batch_dims=operation.raw_op.batch_dims)
    inputs = [graph.place(operation.inputs[0]), graph.place(operation.inputs[1])]
    graph.add("GATHER", operation, inputs, options, 5)


@writes("ResourceGather", "Gather")
def gather_rows(graph: GraphWriter, operation: Operation) -> None:
    graph.add("GATHER", operation, options=SCHEMA["GatherOptions"]())
