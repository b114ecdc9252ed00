"""TensorFlow's own ops in TFLite's files: those that TFLite has no builtin ops for, "Flex" ops, if they are asked for (`SELECT_TF_OPS`)."""

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA, encode_options
from penstock._src.formats.tflite.types import TYPES
from penstock._src.formats.tflite.writing.graph import GraphWriter
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.exporter import node_def


def append_tensorflow_op(graph: GraphWriter, operation: Operation, refusal: Exception) -> None:
    """Writes an operation as it is: its options are the op's name and its NodeDef.

    Args:
      graph: the graph that is written.
      operation: it has no counterpart among TFLite's builtin ops.
      refusal: raised if it cannot be written so either: it calls functions, has tensors that TFLite has not, or lists, which are
        written as tensors of their rows.
    """
    tensors = [*operation.inputs, *operation.outputs]
    calls = any(isinstance(value, GraphFunction) for value in operation.raw_op.attrs.values())
    if calls or any(t.dtype not in TYPES or t.dtype == dtypes.variant for t in tensors):
        raise refusal
    if any(t.shape.rank is None for t in operation.outputs):
        raise graph.unimplemented(operation, "a result of unknown rank")
    node = node_def(operation)
    node.input[:] = [""] * len(operation.inputs)  # their number, as TensorFlow writes it
    options = encode_options([operation.type, node.SerializeToString(deterministic=True)])
    inputs = [graph.place(tensor) for tensor in operation.inputs]
    outputs = []
    for tensor in operation.outputs:
        place = graph.add_tensor(tensor.op.name, tensor.dtype, tensor.shape.as_list())
        graph.alias(tensor, place)
        outputs.append(place)
    graph.operators.append(
        SCHEMA["Operator"](
            opcode_index=graph.file.custom_code(f"Flex{operation.type}"),
            inputs=inputs,
            outputs=outputs,
            custom_options=options,
        )
    )
