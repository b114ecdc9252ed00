"""Lookups in tables."""

import numpy as np

from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation


@writes("LookupTableFindV2")
def find(graph: GraphWriter, operation: Operation) -> None:
    if operation.inputs[2].shape.rank != 0:
        raise graph.unimplemented(operation, "a default for each key")
    graph.add("HASHTABLE_FIND", operation)


@writes("LookupTableSizeV2")
def size(graph: GraphWriter, operation: Operation) -> None:
    """The kernel returns a vector of one."""
    places = [graph.place(operation.inputs[0])]
    dtype = operation.outputs[0].dtype
    count = graph.emit("HASHTABLE_SIZE", places, dtype, [1], operation.name)
    scalar = graph.constant(np.zeros(0, np.int32), "scalar")
    graph.add("RESHAPE", operation, [count, scalar], SCHEMA["ReshapeOptions"]())
