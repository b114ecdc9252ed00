"""Diagonals of matrices, and permutations."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation


@writes("MatrixDiag", "MatrixDiagV2", "MatrixDiagV3")
def matrix_diag(graph: GraphWriter, operation: Operation) -> None:
    if operation.type != "MatrixDiag":
        names = "another diagonal", "a number of rows", "a number of columns", "padding"
        for i, (name, usual) in enumerate(zip(names, (0, -1, -1, 0)), 1):
            if (graph.known(operation, i) != usual).any():
                raise graph.unimplemented(operation, name)
    places = [graph.place(operation.inputs[0])]
    graph.add("MATRIX_DIAG", operation, places, SCHEMA["MatrixDiagOptions"]())


@writes("MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3")
def matrix_set_diag(graph: GraphWriter, operation: Operation) -> None:
    if operation.type != "MatrixSetDiag" and graph.known(operation, 2).any():
        raise graph.unimplemented(operation, "another diagonal")
    places = [graph.place(tensor) for tensor in operation.inputs[:2]]
    graph.add("MATRIX_SET_DIAG", operation, places, SCHEMA["MatrixSetDiagOptions"]())


@writes("InvertPermutation")
def invert_permutation(graph: GraphWriter, operation: Operation) -> None:
    """Scatters the numbers of the elements to the places that these say."""
    x = operation.inputs[0]
    count = x.shape.num_elements()
    if count is None:
        raise graph.unimplemented(operation, f"the unknown shape {x.shape}")
    axis = graph.constant(np.array(1, np.int32), "axis")
    options = SCHEMA["ExpandDimsOptions"]()
    inputs = [graph.integers(x), axis]
    places = graph.emit("EXPAND_DIMS", inputs, dtypes.int32, [count, 1], operation.name, options)
    numbers = graph.constant(np.arange(count, dtype=x.dtype.as_numpy_dtype), "numbers")
    sizes = graph.constant(np.array([count], np.int32), "shape")
    graph.add("SCATTER_ND", operation, [places, numbers, sizes])
