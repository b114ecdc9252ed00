"""The table of objects that lower layers use from higher layers, each imported on first use.

Imports go downwards only. Where a low object means something that stands above it (a device that runs what the compiler
planned, definitions of graphs, something of TensorFlow 1's room), it names it here, and nothing is loaded before it is asked for. A new such name is a row of the table.
"""

from typing import Any

from penstock._src.util.lazy import resolve

_STANDS_IN = {
    "find_device": "devices.table",  # the compiler's device of a name
    "stablehlo_text": "exporters.stablehlo.export",  # programs as text at that stage
    "graph_def": "graph.serialize.exporter",  # Graph.as_graph_def
    "versions": "graph.serialize.exporter",  # Graph.graph_def_versions
    "node_def": "graph.serialize.exporter",  # Operation.node_def
    "attribute_of": "graph.serialize.exporter",  # Operation.get_attr
    "op_def": "graph.serialize.op_definitions",  # Operation.op_def
    "op_def_named": "graph.serialize.op_definitions",  # Graph.op_def_for_type
    "create_operation": "graph.serialize.op_definitions",  # Graph.create_op
    "add_from_node_def": "graph.serialize.op_definitions",  # Operation.from_node_def
    "default_session_of": "v1.graphs.session",  # Tensor.eval, Operation.run
    "Session": "v1.graphs.session",  # tf.test.TestCase.session
    "variable_def": "v1.saving.meta_graph",  # tf.Variable.to_proto
    "variable_of": "v1.saving.meta_graph",  # tf.Variable.from_proto
    "Program": "v1.saving.program",  # tf.saved_model.load of what sessions saved
}


def above(name: str) -> Any:
    """Returns the object of a higher layer that the table lists under `name`."""
    return resolve(f"penstock._src.{_STANDS_IN[name]}", name)
