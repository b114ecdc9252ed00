"""TensorFlow's own ops in a file, which its converter leaves as they are where TFLite has none ("Flex" ops, `SELECT_TF_OPS`)."""

from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core.dispatch import STATE
from penstock._src.formats.tflite.reading.call import Call, custom_family
from penstock._src.formats.tflite.reading.state import Handle
from penstock._src.graph.serialize.op_definitions import create_operation
from penstock._src.proto.graph import NodeDef


@custom_family("Flex")
def tensorflow_op(call: Call) -> list[Any]:
    """The op of the NodeDef in the options, which are its name and the NodeDef's bytes."""
    options = call.flexible_options()
    if not isinstance(options, list) or len(options) != 2 or not isinstance(options[1], bytes):
        raise call.invalid("its options are not an op's name and its NodeDef.")
    try:
        node = NodeDef.FromString(options[1])
    except DecodeError as error:
        raise call.invalid(f"its NodeDef is damaged: {error}.") from error
    graph, state = STATE.graph, call.translation.state
    if node.op in ("VarHandleOp", "HashTableV2"):
        return [state.tensorflow_handle(node.op, node.attr)]
    inputs = [
        graph.local(state.resource(x) if isinstance(x, Handle) else x)
        for x in (call.tensor(i) for i in range(len(call)) if call.has(i))
    ]
    consent = call.translation.contents.consent
    operation = create_operation(graph, node.op, inputs, None, node.name, node.attr, consent)
    return list(operation.outputs)
