"""Random numbers, drawn by TFLite from the seeds of the operation."""

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA
from penstock._src.formats.tflite.writing.graph import GraphWriter, writes
from penstock._src.graph.operation import Operation

_NAMES = {"RandomUniform": "RANDOM_UNIFORM", "RandomStandardNormal": "RANDOM_STANDARD_NORMAL"}


@writes(*_NAMES)
def random_floats(graph: GraphWriter, operation: Operation) -> None:
    dtype = operation.outputs[0].dtype
    if dtype is not dtypes.float32:
        raise graph.unimplemented(operation, f"the type {dtype.name}")
    _draw(graph, operation, _NAMES[operation.type], [graph.integers(operation.inputs[0])])


@writes("Multinomial")
def multinomial(graph: GraphWriter, operation: Operation) -> None:
    logits = operation.inputs[0]
    if logits.dtype is not dtypes.float32:
        raise graph.unimplemented(operation, f"the type {logits.dtype.name}")
    _draw(graph, operation, "MULTINOMIAL", [graph.place(tensor) for tensor in operation.inputs])


def _draw(graph: GraphWriter, operation: Operation, name: str, places: list[int]) -> None:
    op = operation.raw_op
    options = SCHEMA["RandomOptions"](seed=op.seed, seed2=op.seed2)
    graph.add(name, operation, places, options)
