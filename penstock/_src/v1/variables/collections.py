"""TensorFlow 1's variables, and the collections of a graph that list them."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph, resource_variables_enabled


@export(v1=["GraphKeys"])
class GraphKeys:
    """Names of the collections of a graph."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    VARIABLES = "variables"
    _STREAMING_MODEL_PORTS = "streaming_model_ports"


@export(v1=["get_collection"])
def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """Returns a copy of a collection of the default graph."""
    return get_default_graph().get_collection(key, scope)


@export(v1=["get_collection_ref"])
def get_collection_ref(key: Any) -> list[Any]:
    """Returns a collection of the default graph itself."""
    return get_default_graph().get_collection_ref(key)


@export(v1=["add_to_collection"])
def add_to_collection(name: Any, value: Any) -> None:
    """Appends a value to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


@export(v1=["add_to_collections"])
def add_to_collections(names: Any, value: Any) -> None:
    """Appends a value to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


@export(v1=["global_variables"])
def global_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables of the default graph that are shared between steps."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


@export(v1=["all_variables"])
def all_variables() -> list[Any]:
    """Returns `global_variables()`."""
    return global_variables()


@export(v1=["moving_average_variables"])
def moving_average_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables of the default graph that have moving averages."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


@export(v1=["trainable_variables"])
def trainable_variables(scope: str | None = None) -> list[Any]:
    """Returns the trainable variables of the default graph."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


@export(v1=["local_variables"])
def local_variables(scope: str | None = None) -> list[Any]:
    """Returns the local variables of the default graph."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


@export(v1=["model_variables"])
def model_variables(scope: str | None = None) -> list[Any]:
    """Returns the model variables of the default graph."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def _after(operations: list[Any], name: str) -> Any:
    if STATE.graph is None:
        return None
    with STATE.graph.control_dependencies(operations):
        return raw.NoOp(name=name)


@export(v1=["variables_initializer", "initializers.variables", "initialize_variables"])
def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """Returns an operation that initializes variables."""
    return _after([v.initializer for v in var_list], name)


@export(
    v1=["global_variables_initializer", "initializers.global_variables", "initialize_all_variables"]
)
def global_variables_initializer() -> Any:
    """Returns an operation that initializes all global variables."""
    return variables_initializer(global_variables() if STATE.graph is not None else [])


@export(
    v1=["local_variables_initializer", "initializers.local_variables", "initialize_local_variables"]
)
def local_variables_initializer() -> Any:
    """Returns an operation that initializes all local variables."""
    return variables_initializer(local_variables() if STATE.graph is not None else [])


@export(v1=["tables_initializer", "initializers.tables_initializer"])
def tables_initializer(name: str = "init_all_tables") -> Any:
    """Returns an operation that initializes all tables of the default graph."""
    return _after(
        get_collection(GraphKeys.TABLE_INITIALIZERS) if STATE.graph is not None else [], name
    )


@export(v1=["is_variable_initialized"])
def is_variable_initialized(variable: Any) -> Any:
    """Returns a boolean tensor: whether the variable is initialized."""
    if isinstance(variable, Tensor):
        return raw.IsVariableInitialized(ref=variable)
    return variable.is_initialized()


@export(v1=["report_uninitialized_variables"])
def report_uninitialized_variables(
    var_list: Any = None, name: str = "report_uninitialized_variables"
) -> Any:
    """Returns a vector of the names of uninitialized variables."""
    variables = list(global_variables() + local_variables() if var_list is None else var_list)
    if not variables:
        return convert_to_tensor(np.array([], object), dtypes.string)
    flags = raw.Pack(values=[v.is_initialized() for v in variables])
    names = convert_to_tensor([v.op.name for v in variables])
    missing = raw.Where(condition=raw.LogicalNot(x=flags))
    rows = raw.Reshape(tensor=missing, shape=[-1])
    return raw.GatherV2(params=names, indices=rows, axis=0, name=name)


@export(v1=["Variable"])
class VariableV1(Variable):
    """A variable of a graph, added to the graph's collections."""

    asks_creators = True
    is_interface = False

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        self._collections = collections
        is_resource = resource_variables_enabled() if use_resource is None else use_resource
        if not (validate_shape or is_resource or STATE.graph is None) and shape is None:
            shape = TensorShape(None)  # references take values of any shape
        super().__init__(
            initial_value, trainable, validate_shape, caching_device, name, variable_def, dtype,
            import_scope, constraint, synchronization, aggregation, shape,
        )  # fmt: skip
        made_by = getattr(vars(self).get("_handle"), "op", None)
        if made_by is not None and variable_def is None:
            made_by.stands_for_reference = not is_resource


def _referenced(ref: Any) -> Any:
    """Returns the variable of a tensor that represents a reference; anything else unchanged."""
    if not getattr(getattr(ref, "op", None), "stands_for_reference", False):
        return ref
    known = [
        variable
        for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES)
        for variable in ref.graph.get_collection(key)
    ]
    return next((v for v in known if getattr(v, "handle", None) is ref), ref)


def _is_reference(ref: Any) -> bool:
    """True if a tensor is a reference to a variable."""
    made_by = getattr(ref, "op", None) if isinstance(ref, Tensor) else None
    return made_by is not None and any(argument.is_ref for argument in made_by.raw_op.outputs)


def _assign_any_shape(variable: Any, value: Any, name: str | None) -> Any:
    """Sets a variable that stands for a reference to a value of any shape; returns the new value.

    Reads then infer no shape. The variable's own shape still restricts other assignments, as in TensorFlow.
    """
    value = convert_to_tensor(value, variable.dtype)
    variable._takes_any_shape = True
    handle = variable.handle
    handle._handle_data = [(TensorShape(None), variable.dtype)]
    for reader in handle.op.readers():
        if reader.type == "ReadVariableOp":
            reader.outputs[0]._shape = TensorShape(None)
    assigned = raw.AssignVariableOp(handle, value, name=name)
    with STATE.graph.control_dependencies([assigned]):
        result = raw.ReadVariableOp(resource=handle, dtype=variable.dtype)
    result.set_shape(value.shape)
    return result


@export(v1=["assign"])
def assign(
    ref: Any,
    value: Any,
    validate_shape: Any = None,
    use_locking: Any = None,
    name: str | None = None,
) -> Any:
    """Sets a variable, a slice of one, or the variable of a reference; returns the new value, or the reference.

    Args:
      ref: the variable, its slice such as `variable[1:]`, or a reference.
      value: the new value.
      validate_shape: False: a variable that is not a resource takes a value of any shape.
      use_locking: a hint without effect.
      name: of the operation.

    Raises:
      ValueError: the shapes do not fit.
    """
    ref = _referenced(ref)
    if _is_reference(ref):
        options = {"validate_shape": validate_shape, "use_locking": use_locking}
        chosen = {option: value for option, value in options.items() if value is not None}
        return raw.Assign(ref=ref, value=convert_to_tensor(value, ref.dtype), name=name, **chosen)
    made_by = getattr(getattr(ref, "handle", None), "op", None)
    if validate_shape is False and getattr(made_by, "stands_for_reference", False):
        return _assign_any_shape(ref, value, name)
    return ref.assign(value, name=name)


@export(v1=["assign_add"])
def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Adds to a variable, or to the variable of a reference; returns the new value, or the reference."""
    ref = _referenced(ref)
    if _is_reference(ref):
        value = convert_to_tensor(value, ref.dtype)
        return raw.AssignAdd(ref=ref, value=value, use_locking=bool(use_locking), name=name)
    return ref.assign_add(value, name=name)


@export(v1=["assign_sub"])
def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Subtracts from a variable, or from the variable of a reference; returns the new value, or the reference."""
    ref = _referenced(ref)
    if _is_reference(ref):
        value = convert_to_tensor(value, ref.dtype)
        return raw.AssignSub(ref=ref, value=value, use_locking=bool(use_locking), name=name)
    return ref.assign_sub(value, name=name)
