"""Functions that converters to other formats import: frozen graphs, functions from messages, graph optimization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.core.dispatch import building
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import index, lookup
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.formats.frozen import captured_values
from penstock._src.function.function import function as def_function
from penstock._src.graph.graph import Graph
from penstock._src.graph.passes.fold_constants import known_results
from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.graph.serialize.graph_defs import import_graph_def
from penstock._src.graph.serialize.lowered import lowered_graph_def
from penstock._src.graph.serialize.op_definitions import op_def
from penstock._src.ops.tensor_proto import to_proto
from penstock._src.proto.config import ConfigProto
from penstock._src.proto.graph import GraphDef, NodeDef
from penstock._src.proto.saved import MetaGraphDef
from penstock._src.util import nest
from penstock._src.v1.saving.freezing.constants import (
    VAR_ASSIGN_COLLECTION,
    convert_variables_in_session,
    convert_variables_to_constants,
    convert_variables_to_constants_v2,
    frozen_graph_def,
    without_assignments,
)

__all__ = [
    "VAR_ASSIGN_COLLECTION",
    "convert_variables_to_constants_v2",
    "def_function",
    "frozen_graph_def",
]


def convert_variables_to_constants_v2_as_graph(
    func: Any, lower_control_flow: bool = True, aggressive_inlining: bool = False
) -> tuple[Any, Any]:
    """Returns a concrete function without variables, and its graph as a GraphDef."""
    frozen = convert_variables_to_constants_v2(func, lower_control_flow, aggressive_inlining)
    return frozen, frozen.graph.as_graph_def()


convert_var_to_const_function_in_v1 = convert_variables_in_session


def convert_variables_to_constants_from_session_graph(
    session: Any,
    graph_def: Any,
    output_node_names: Any,
    variable_names_allowlist: Any = None,
    variable_names_denylist: Any = None,
) -> Any:
    """Returns the part of a GraphDef that some nodes need, with variables replaced by their values in a session.

    Args:
      session: the session with the values.
      graph_def: the GraphDef of its graph.
      output_node_names: names of the output nodes.
      variable_names_allowlist: names of the variables to convert; all by default.
      variable_names_denylist: names of the variables to keep.
    """
    return convert_variables_to_constants(
        session, graph_def, output_node_names, variable_names_allowlist, variable_names_denylist
    )


class _FunctionConverterData:
    """A function whose variables `_replace_variables_by_constants` replaces.

    Args:
      func: a concrete function.
      lower_control_flow, aggressive_inlining: as for `convert_variables_to_constants_v2`.
    """

    def __init__(
        self, func: Any, lower_control_flow: bool, aggressive_inlining: bool, **names: Any
    ) -> None:
        if any(value is not None for value in names.values()):
            raise UnimplementedError(
                f"_FunctionConverterData: variables cannot be chosen by {', '.join(names)} here."
            )
        self.func = func


class _FunctionConverterDataInEager(_FunctionConverterData):
    """A function whose variables are eager."""


class _FunctionConverterDataInGraph(_FunctionConverterData):
    """Raises UnimplementedError: the variables of a graph have values in a session."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise UnimplementedError(
            "_FunctionConverterDataInGraph: use convert_var_to_const_function_in_v1."
        )


def _replace_variables_by_constants(converter_data: _FunctionConverterData) -> tuple[Any, set[int]]:
    """Returns the GraphDef of a function without variables, and the positions of the inputs that became constants.

    TensorFlow leaves assignments in it, with values as inputs, for converters to remove: here they are left out, if no result depends on
    them.
    """
    func = converter_data.func
    frozen = without_assignments(func).graph.as_graph_def(add_shapes=True)  # type: ignore[attr-defined]
    return frozen, set(captured_values(func))


def OptimizeGraph(
    config_proto: Any,
    metagraph: Any,
    verbose: bool = True,
    graph_id: bytes = b"",
    cluster: Any = None,
    strip_default_attributes: bool = False,
) -> Any:
    """Returns the part of a MetaGraphDef's graph that its collection `train_op` needs.

    Conditions and loops become Switch, Merge, Enter and Exit nodes where Grappler's function optimizer runs, and constants take
    the place of what follows from them where it folds these. Its other optimizers do not run: graphs are optimized when they are
    compiled, and converters run their own rewrites.

    Args:
      config_proto: says by its `rewrite_options` which optimizers run.
      metagraph: the graph.
      verbose, graph_id, cluster, strip_default_attributes: accepted.
    """
    del verbose, graph_id, cluster, strip_default_attributes
    options = config_proto.graph_options.rewrite_options
    fetched = [_node_name(name) for name in metagraph.collection_def["train_op"].node_list.value]
    if not fetched:
        graph_def = GraphDef()
        graph_def.CopyFrom(metagraph.graph_def)
        return graph_def

    def runs(optimizer: str, toggle: int) -> bool:
        return toggle != options.OFF and (not options.optimizers or optimizer in options.optimizers)

    graph = Graph()
    with building(graph):
        import_graph_def(metagraph.graph_def, name="")
    graph_def = metagraph.graph_def
    if runs("function", options.function_optimization):
        graph_def = lowered_graph_def(graph)
    graph_def = extract_sub_graph(graph_def, fetched)
    if runs("constfold", options.constant_folding):
        graph_def = extract_sub_graph(_with_constants(graph_def, known_results(graph)), fetched)
    return graph_def


def _with_constants(graph_def: Any, known: dict[str, Any]) -> Any:
    """A GraphDef with constants in place of the nodes whose values are known."""
    copy = GraphDef()
    copy.CopyFrom(graph_def)
    for node in copy.node:
        if node.name in known and node.op != "Const":
            value, dtype = known[node.name]
            constant = NodeDef(name=node.name, op="Const", device=node.device)
            constant.attr["dtype"].type = dtype.as_datatype_enum
            constant.attr["value"].tensor.CopyFrom(to_proto(value, dtype))
            node.CopyFrom(constant)
    return copy


def _node_name(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


def get_grappler_config(optimizers_list: Iterable[str]) -> Any:
    """Returns the ConfigProto of a session in which only the named optimizers run."""
    config = ConfigProto()
    config.graph_options.rewrite_options.optimizers.extend(optimizers_list)
    return config


def run_graph_optimizations(
    graph_def: Any,
    input_arrays: Sequence[Tensor],
    output_arrays: Sequence[Tensor],
    config: Any,
    graph: Any = None,
) -> Any:
    """Returns the part of a frozen GraphDef between some tensors, as `OptimizeGraph` does.

    Args:
      graph_def: the frozen graph.
      input_arrays, output_arrays: tensors that it keeps.
      config: says by its `rewrite_options` which optimizers run.
      graph: accepted; `graph_def` has all that is needed.
    """
    del graph
    meta = MetaGraphDef(graph_def=graph_def)
    fetched = [tensor.name for tensor in (*input_arrays, *output_arrays)]
    meta.collection_def["train_op"].node_list.value.extend(fetched)
    return OptimizeGraph(config, meta)


def get_tf_type_name(tf_type: DType | None) -> str | None:
    """Returns the name of a dtype as it is written in programs, such as `tf.float32`."""
    return f"tf.{tf_type.name}" if tf_type else None


def get_tensor_name(tensor: Any) -> str:
    """Returns the name of a tensor, without the number of an operation's first output."""
    return tensor.name.removesuffix(":0")


def get_tensors_from_tensor_names(graph: Any, tensor_names: Sequence[str]) -> list[Any]:
    """Returns the tensors of a graph that have some names.

    Raises:
      ValueError: a name is not a string, or no tensor has it.
    """
    for name in tensor_names:
        if not isinstance(name, str):
            raise ValueError(f"Tensor names must be of type 'str'. Received {name!r}, {type(name)}")
    tensors = {get_tensor_name(x): x for op in graph.get_operations() for x in op.outputs}
    missing = [name for name in tensor_names if name not in tensors]
    if missing:
        raise ValueError(f"Invalid tensors '{','.join(missing)}' were found.")
    return [tensors[name] for name in tensor_names]


def set_tensor_shapes(tensors: Sequence[Any], shapes: Mapping[str, Any] | None) -> None:
    """Sets the static shapes of tensors by their names; None leaves a shape as it is.

    Raises:
      ValueError: no tensor has a name, or a tensor cannot have the shape.
    """
    named = {get_tensor_name(tensor): tensor for tensor in tensors}
    for name, shape in (shapes or {}).items():
        if name not in named:
            raise ValueError(f"Invalid tensor '{name}' found in tensor shapes map.")
        if shape is None:
            continue
        try:
            named[name].set_shape(shape)
        except ValueError as error:
            raise ValueError(
                f"The shape of tensor '{name}' cannot be changed from {named[name].shape} to "
                f"{shape}. {error}"
            ) from error


def is_frozen_graph(sess: Any) -> bool:
    """True if the graph of a session has no variables."""
    return not any(
        op.type.startswith("Variable") or op.type.endswith("VariableOp")
        for op in sess.graph.get_operations()
    )


class Cluster:
    """The devices on which Grappler would place operations: this machine's CPU."""

    def __init__(
        self, allow_soft_placement: bool = True, disable_detailed_stats: bool = True, **_: Any
    ):
        self.allow_soft_placement = allow_soft_placement

    def ListDevices(self) -> list[Any]:
        """Returns no devices with measured properties."""
        return []

    def Shutdown(self) -> None:
        """Does nothing: no resources are held."""


def model_input_signature(model: Any, keep_original_batch_size: bool = False) -> Any:
    """Returns the TensorSpecs of a Keras model's inputs, as one positional argument.

    Args:
      model: a built Keras model.
      keep_original_batch_size: keep a batch size that the model was built with.

    Returns:
      A list of one structure, or None if the model has not been called.
    """
    if not getattr(model, "inputs", None):
        return None
    specs = nest.map_structure(lambda x: _spec_of(x, keep_original_batch_size), model.input)
    return specs if isinstance(specs, list) and len(specs) == 1 else [specs]


def _spec_of(x: Any, keep_batch: bool) -> TensorSpec:
    shape = list(x.shape)
    if shape and not keep_batch:
        shape[0] = None
    return TensorSpec(shape, x.dtype, name=getattr(x, "name", None))


def trace_model_call(model: Any, input_signature: Any = None) -> Any:
    """Returns a tf.function of a Keras model that returns its outputs by name.

    Args:
      model: a Keras model.
      input_signature: a TensorSpec or structure for each argument. Several are passed to the model as one list. By default that
        of the model's `call`, if it is a tf.function with one, or of the model's inputs.

    Raises:
      ValueError: the model's inputs are not known.
    """
    signature = (
        input_signature
        or getattr(model.call, "input_signature", None)
        or model_input_signature(model)
    )
    if signature is None:
        raise ValueError(
            f"Model {model} cannot be saved because the input shapes are not available. Call it first."
        )

    @def_function(input_signature=signature)
    def wrapped(*args: Any) -> dict[str, Any]:
        names = list(getattr(model, "output_names", None) or ())
        inputs = args[0] if len(args) == 1 else list(args)
        outputs = nest.flatten(model(inputs, training=False))
        names = (
            names
            if len(names) == len(outputs)
            else [f"output_{i + 1}" for i in range(len(outputs))]
        )
        return dict(zip(names, outputs))

    return wrapped


class ConverterError(Exception):
    """Raised when a model cannot be converted to TensorFlow Lite."""


class ApiDefMap:
    """Looks up the definitions of ops by name."""

    def get_op_def(self, op_name: str) -> Any:
        """Returns the OpDef of an op. Raises ValueError if no op has this name."""
        definition = lookup(op_name)
        if definition is None:
            raise ValueError(f"No op_def found with name {op_name}.")
        return op_def(definition)

    def op_names(self) -> list[str]:
        """Returns the names of all ops."""
        return sorted(index())
