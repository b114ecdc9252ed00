"""Functions of higher layers that lower layers call.

Imports only go downwards. A function that is called often is a slot: a name of this module, set once when the module that
provides it is imported (by api/load.py, or with tf.function). A function that is called rarely is a row of TABLE, and is
imported on first use.

    slot                 filled by                      called by
    RUN_EAGERLY          eager/execute.py               every op outside of graphs
    MAKE_CONSTANT, PACK  eager/constants.py             core/convert.py: arrays, and sequences that hold tensors, as tensors
    INTEGERS             eager/constants.py             gradients of eager ops: shapes and axes as tensors, which are kept
    STATIC_VALUE         graph/static_values.py         shape rules, gradients: a tensor's value that is the same in every run, or None
    STATIC_SHAPE         graph/static_values.py         shape rules: the shape that a vector holds, as far as it is known
    WRAP                 core/tracking/data_structures  assignments to attributes of trackable objects: lists and dicts that track
    CONVERT              function/tracing.py            graph/trace.py: a Python function with its control flow converted by AutoGraph
    CALL_FLUSHING        eager/execute.py               kernels of floats: a function, with denormal numbers taken for zeros
    RUN_FUNCTION         eager/placed/hooks.py,         function/differentiable.py: the results of a function on DTensors, or on a device
                         distribute/dtensor/scopes.py

Otherwise, higher layers only add operators and methods to Tensor, Variable and RaggedTensor (api/operators.py,
api/variables.py, api/ragged_overrides/table.py).
"""

import sys
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import resolve


def _empty(message: str) -> Callable[..., Any]:
    def slot(*args: Any) -> Any:
        raise RuntimeError(message)

    return slot


# Takes the class of the op; a tensor, or what converts to one, per argument (a list for a list argument); and the attributes that do
# not follow from the inputs. Returns the output, a tuple of several, or None for none. In a graph, `graph.execute` answers likewise.
RUN_EAGERLY = _empty("Ops run once penstock._src.eager is loaded.")
MAKE_CONSTANT = _empty("Tensors are made once penstock._src.eager is loaded.")
PACK = _empty("Tensors are made once penstock._src.eager is loaded.")
INTEGERS = _empty("Tensors are made once penstock._src.eager is loaded.")
STATIC_VALUE = _empty("Static values are known once penstock._src.graph is loaded.")
STATIC_SHAPE = _empty("Static values are known once penstock._src.graph is loaded.")
WRAP = _empty("Attributes are tracked once penstock._src.core.tracking.data_structures is loaded.")
# Without tf.function nothing is converted.
CONVERT: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function  # noqa: E731
# Takes a function and its arguments. Without native code denormal numbers stay.
CALL_FLUSHING: Callable[..., Any] = lambda function, *args: function(*args)  # noqa: E731
# None until there are GPUs or DTensors. Of a GraphFunction and tensors: the results, or None if it is to be run as usual.
RUN_FUNCTION: Callable[[Any, Any], Any] | None = None

# {name of an object: the module that has it}
TABLE = {
    "packed_plans": "devices.cpu.packed_plans",  # the programs of a pack for a section
    "packed_steps": "devices.cpu.packed_steps",  # the steps of a pack for a section with operations on the host
    "kept_plans": "devices.cpu.kept_plans",  # the programs that this user's processes have kept for a section
    "keep_plan": "devices.cpu.kept_plans",  # keeps one
    "find_device": "devices.table",  # the compiler's device of a name
    "pack_saved_model": "aot.packing.writing",  # machine code beside a SavedModel
    "draw_many": "eager.compiled",  # many random numbers by a compiled program
    "draw_for_each": "eager.compiled",  # the same, of a distribution with a parameter
    "run_compiled": "eager.compiled",  # the compiled program of an op
    "combined": "devices.gpu.cuda.nccl.collectives",  # what collective ops compute on GPUs
    "can_combine": "devices.gpu.cuda.nccl.collectives",  # whether replicas of strategies are added there
    "call_with_ragged_tensors": "api.ragged_overrides.table",  # public functions and operators of the first RaggedTensor
    "call_with_sparse_tensors": "api.sparse.overrides",  # public functions of SparseTensors
    "constant_of_message": "ops.tensor_proto",  # a TensorProto as an argument in a graph
    "graph_def": "graph.serialize.exporter",  # Graph.as_graph_def
    "versions": "graph.serialize.exporter",  # Graph.graph_def_versions
    "node_def": "graph.serialize.exporter",  # Operation.node_def
    "attribute_of": "graph.serialize.exporter",  # Operation.get_attr
    "functions_in": "function.types.atomic",  # Graph._get_function
    "op_def": "graph.serialize.op_definitions",  # Operation.op_def
    "op_def_named": "graph.serialize.op_definitions",  # Graph.op_def_for_type
    "create_operation": "graph.serialize.op_definitions",  # Graph.create_op
    "add_from_node_def": "graph.serialize.op_definitions",  # Operation.from_node_def
    "shape_to_proto": "graph.serialize.attributes",  # TensorShape.as_proto
    "composed_function": "graph.composition",  # two functions of datasets as one
    "stacked_function": "api.vectorized.stacked",  # functions of datasets, for many elements at once
    "make_runner": "function.run",  # the compiled or interpreted form of a graph function
    "function": "function.function",  # what runs eagerly as a function, to have its gradients
    "lift": "function.tracing",  # what a tensor of a function or dataset being traced is around it: the initial value of a variable
    "op_gradient": "autodiff.control_flow",  # gradients of If and its like on host values
    "gradient_function": "autodiff.control_flow",  # the op SymbolicGradient
    "write_debug_tensor": "observe.debug_events.dumping",  # the op DebugIdentityV2
    "stablehlo_text": "formats.stablehlo.export",  # programs as text at that stage
    "language_model": "language.functions",  # a function of tokens, of a file of weights
    "tree_model": "trees.model",  # a function of rows, of a file of trees
    "forest_in": "trees.kinds",  # what the ops SimpleMLInference* compute
    "is_tree_model": "trees.model",  # whether a file has trees
    "default_session_of": "v1.graphs.session",  # Tensor.eval, Operation.run
    "Session": "v1.graphs.session",  # tf.test.TestCase.session
    "get_default_session": "v1.graphs.session",  # tf.test.TestCase.evaluate
    "forget_default_graphs": "v1.graphs.default_graph",  # tf.test.TestCase.setUp
    "warning": "v1.process.log",  # tf.summary.trace_on
    "variable_def": "v1.saving.meta_graph",  # tf.Variable.to_proto
    "construct_resource_variable": "bridge.python.ops.resource_variable_ops",  # the constructor of TensorFlow's internal class
    "variable_of": "v1.saving.meta_graph",  # tf.Variable.from_proto
    "Saver": "v1.saving.saver",  # the savers in a meta graph
    "QueueRunner": "v1.inputs.queue_runner",  # the queue runners in a meta graph
    "BoundedTensorSpec": "bridge.python.framework.tensor",  # messages of structures
    "resource_variable_scope": "v1.variables.scopes",  # Strategy.scope
    "replica_variable_scope": "v1.variables.scopes",  # Strategy.run
    "slot_scope": "v1.variables.scopes",  # ExponentialMovingAverage
    "make_initializable_iterator": "v1.inputs.datasets",  # Strategy.make_dataset_iterator
    "write_object_proto": "saving.saved_model.writing.variables",  # tf.Variable's message
    "export_to_saved_model_graph": "saving.saved_model.writing.variables",  # and its copy
    "iterator_of": "ops.data_planner.choices",  # the iterator that runs a step of a dataset
    "dataset_graph": "data.graph_defs",  # the op DatasetToGraph
    "dataset_of_graph": "data.graph_defs",  # the op DatasetFromGraph
    "Checkpoint": "saving.checkpoint",  # Dataset.save goes on where it was interrupted
    "CheckpointManager": "saving.manager",  # the same
    "current": "distribute.context",  # tf.nn.compute_average_loss, tf.random.Generator: the strategy, and the replica
    "default_strategy": "distribute.strategy",  # code outside all scopes: made when it is asked for
    "entered_strategy": "distribute.context",  # tf.random.Generator
    "require_strategy": "distribute.context",  # the same
    "acts_for_all_replicas": "distribute.context",  # the same
    "first_copies": "distribute.context",  # functions in SavedModels
    "uses_copies": "distribute.context",  # the same
    "relayout": "distribute.dtensor.tensors",  # tf.zeros and its like, in a layout
    "debugged": "observe.debugger.stops",  # what runs functions that stop at lines
    "is_converted": "function.autograph.convert",  # the advice for tensors used as Python values
    "Program": "v1.saving.program",  # tf.saved_model.load of what sessions saved
    "load_keras_model": "bridge.keras",  # `.keras` files that are served
    "load_keras": "bridge.keras",  # layers models of TensorFlow.js
}


_imported: dict[str, Any] = {}  # {name: its module}, once that is imported to its end


def above(name: str) -> Any:
    """Returns the object of a higher layer that the table lists under `name`."""
    module = _imported.get(name)
    if module is not None:
        return getattr(module, name)
    value = resolve(f"penstock._src.{TABLE[name]}", name)
    _imported[name] = sys.modules[f"penstock._src.{TABLE[name]}"]
    return value


def above_if_loaded(name: str) -> Any:
    """Returns the object that the table lists under `name`, or None if its module has not been imported: nothing uses it yet."""
    module = sys.modules.get(f"penstock._src.{TABLE[name]}")
    return None if module is None else getattr(module, name, None)
