"""TensorFlow 1's variables: collections, initialisers, variable scopes and get_variable."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.eager.variable import Variable, VariableAggregation, VariableSynchronization
from penstock._src.function.v1.default_graph import get_default_graph
from penstock._src.util.export import V1, Export, export


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
    """Returns an operation that initialises variables."""
    return _after([v.initializer for v in var_list], name)


@export(
    v1=["global_variables_initializer", "initializers.global_variables", "initialize_all_variables"]
)
def global_variables_initializer() -> Any:
    """Returns an operation that initialises all global variables."""
    return variables_initializer(global_variables() if STATE.graph is not None else [])


@export(
    v1=["local_variables_initializer", "initializers.local_variables", "initialize_local_variables"]
)
def local_variables_initializer() -> Any:
    """Returns an operation that initialises all local variables."""
    return variables_initializer(local_variables() if STATE.graph is not None else [])


@export(v1=["tables_initializer", "initializers.tables_initializer"])
def tables_initializer(name: str = "init_all_tables") -> Any:
    """Returns an operation that initialises all tables of the default graph."""
    return _after(
        get_collection(GraphKeys.TABLE_INITIALIZERS) if STATE.graph is not None else [], name
    )


@export(v1=["is_variable_initialized"])
def is_variable_initialized(variable: Any) -> Any:
    """Returns a boolean tensor: whether the variable has a value."""
    return variable.is_initialized()


@export(v1=["report_uninitialized_variables"])
def report_uninitialized_variables(
    var_list: Any = None, name: str = "report_uninitialized_variables"
) -> Any:
    """Returns a vector of the names of the variables that have no value."""
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
        experimental_enable_variable_lifting: bool | None = None,
    ) -> None:
        self._collections = collections
        super().__init__(
            initial_value, trainable, validate_shape, caching_device, name, variable_def, dtype,
            import_scope, constraint, synchronization, aggregation, shape,
        )  # fmt: skip


class _AutoReuse:
    """The value of `reuse` that makes a variable if there is none of its name."""

    def __repr__(self) -> str:
        return "AUTO_REUSE"


AUTO_REUSE = _AutoReuse()
V1["AUTO_REUSE"] = Export(__name__, "AUTO_REUSE")


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.current: dict[int, Any] = {}


_SCOPES = _Scopes()
_STORE = "__variable_store"


class _Held(property):
    """A property that keeps what it was set to."""

    def __init__(self, doc: str) -> None:
        super().__init__(
            lambda owner: owner._values[self._name],
            lambda owner, value: owner._values.__setitem__(self._name, value),
            doc=doc,
        )

    def __set_name__(self, owner: Any, name: str) -> None:
        self._name = name


def _held(doc: str) -> Any:
    return _Held(doc)


@export(v1=["VariableScope"])
class VariableScope:
    """Where get_variable puts variables: a name before theirs, and defaults for them."""

    reuse = _held("Whether variables that exist are returned.")
    name = _held("What stands before the names of variables.")
    initializer = _held("The initializer of variables that have none of their own.")
    regularizer = _held("The regularizer of variables that have none of their own.")
    custom_getter = _held("What makes or finds variables.")
    original_name_scope = _held("The scope of names that was opened with this scope.")
    dtype = _held("The type of variables that have none of their own.")
    constraint = _held("The constraint of variables that have none of their own.")
    caching_device = _held("Where variables would be copied to before they are read.")
    partitioner = _held("How variables would be split among servers.")
    use_resource = _held("Whether variables are resources: they always are.")

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self._values: dict[str, Any] = {}
        self.reuse, self.name, self.initializer, self.regularizer = (
            reuse,
            name,
            initializer,
            regularizer,
        )
        self.custom_getter, self.original_name_scope = custom_getter, name_scope
        self.dtype, self.constraint = dtype, constraint
        self.caching_device, self.partitioner = caching_device, partitioner
        self.use_resource = use_resource

    def set_initializer(self, initializer: Any) -> None:
        """Sets the initializer of variables that have none of their own."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the regularizer of variables that have none of their own."""
        self.regularizer = regularizer

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets what makes or finds variables."""
        self.custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        """Sets the type of variables that have none of their own."""
        self.dtype = dtype

    def set_caching_device(self, caching_device: Any) -> None:
        """Notes where variables would be copied to before they are read: there is one place."""
        self.caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Notes how variables would be split among servers: there are none."""
        self.partitioner = partitioner

    def set_use_resource(self, use_resource: bool) -> None:
        """Notes whether variables are resources: they always are."""
        self.use_resource = use_resource

    def reuse_variables(self) -> None:
        """Lets get_variable return variables that exist."""
        self.reuse = True

    def get_collection(self, name: Any) -> list[Any]:
        """Returns the members of a collection that are of this scope."""
        return get_collection(name, self.name + "/" if self.name else None)

    def local_variables(self) -> list[Any]:
        """Returns the local variables of this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def global_variables(self) -> list[Any]:
        """Returns the global variables of this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def trainable_variables(self) -> list[Any]:
        """Returns the trainable variables of this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)


@export(v1=["get_variable_scope"])
def get_variable_scope() -> VariableScope:
    """Returns the current variable scope."""
    graph = get_default_graph()
    return _SCOPES.current.setdefault(id(graph), VariableScope(False))


@export(v1=["variable_scope"])
class variable_scope:
    """A context in which get_variable puts `name_or_scope/` before names."""

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ) -> None:
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        self._given, self._default = name_or_scope, default_name
        self._reuse, self._auxiliary = reuse, auxiliary_name_scope
        self._options = {
            "initializer": initializer, "regularizer": regularizer, "custom_getter": custom_getter,
            "dtype": dtype, "constraint": constraint,
        }  # fmt: skip

    def __enter__(self) -> VariableScope:
        self._graph = get_default_graph()
        outer = get_variable_scope()
        given = self._given
        if isinstance(given, VariableScope):
            name, base, last = given.name, given, given.name.rpartition("/")[2]
        else:
            last = given if given is not None else _unused(self._graph, outer, self._default or "")
            name, base = (f"{outer.name}/{last}" if outer.name else last), outer
        reuse = self._reuse if self._reuse is not None else (base.reuse or outer.reuse)
        self._stack = contextlib.ExitStack()
        scope_name = ""
        if self._auxiliary and last:
            scope_name = self._stack.enter_context(self._graph.name_scope(last))
        merged = {k: v if v is not None else getattr(base, k) for k, v in self._options.items()}
        scope = VariableScope(reuse, name, name_scope=scope_name, **merged)
        self._stack.callback(_SCOPES.current.__setitem__, id(self._graph), outer)
        _SCOPES.current[id(self._graph)] = scope
        return scope

    def __exit__(self, type_arg: Any, value_arg: Any, traceback_arg: Any) -> None:
        self._stack.close()


def _unused(graph: Any, outer: VariableScope, name: str) -> str:
    counts = graph.__dict__.setdefault("_variable_scope_counts", {})
    full = f"{outer.name}/{name}" if outer.name else name
    counts[full] = counts.get(full, 0) + 1
    return name if counts[full] == 1 else f"{name}_{counts[full] - 1}"


@export(v1=["get_variable"])
def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """Returns the variable of that name in the current variable scope, made now or, with `reuse`, found.

    Raises:
      ValueError: it exists and the scope does not reuse, or the other way round.
    """
    scope = get_variable_scope()
    full = f"{scope.name}/{name}" if scope.name else name
    store = get_default_graph().__dict__.setdefault(_STORE, {})
    reuse = scope.reuse
    if full in store and (reuse or STATE.graph is None and reuse):
        return store[full]
    if full in store:
        raise ValueError(
            f"Variable {full} already exists, disallowed. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    if reuse is True:
        raise ValueError(
            f"Variable {full} does not exist, or was not created with tf.get_variable(). Did you mean to "
            "set reuse=tf.AUTO_REUSE in VarScope?"
        )
    dtype = dtypes.as_dtype(dtype or scope.dtype or dtypes.float32)
    value = _initial_value(
        initializer if initializer is not None else scope.initializer, shape, dtype, full
    )
    graph = get_default_graph()
    with graph.name_scope(None) if STATE.graph is not None else contextlib.nullcontext():
        variable = VariableV1(
            value, trainable=trainable, collections=collections, name=full, dtype=dtype,
            constraint=constraint or scope.constraint, synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip
    store[full] = variable
    penalty = regularizer or scope.regularizer
    if penalty is not None:
        add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty(variable))
    return variable


def _initial_value(initializer: Any, shape: Any, dtype: Any, name: str) -> Any:
    if initializer is not None and not callable(initializer):
        return initializer
    if shape is None or not as_shape(shape).is_fully_defined():
        raise ValueError(
            f"Shape of a new variable ({name}) must be fully defined, but instead was {shape}."
        )
    sizes = as_shape(shape).as_list()
    if initializer is None:
        return _glorot(sizes, dtype)
    if isinstance(initializer, type):
        initializer = initializer()
    return _called(initializer, sizes, dtype)


def _called(initializer: Callable[..., Any], sizes: list[int], dtype: Any) -> Callable[[], Any]:
    return lambda: initializer(sizes, dtype=dtype)


def _glorot(sizes: list[int], dtype: Any) -> Callable[[], Any]:
    if not dtype.is_floating:
        return lambda: raw.Fill(dims=sizes, value=convert_to_tensor(0, dtype))
    inside = int(np.prod(sizes[:-2])) if len(sizes) > 2 else 1
    total = sum(sizes[-2:]) * inside if len(sizes) > 1 else 2 * (sizes[0] if sizes else 1)
    limit = float(np.sqrt(6.0 / max(1.0, total)))

    def make() -> Any:
        drawn = raw.RandomUniform(shape=convert_to_tensor(sizes, dtypes.int32), dtype=dtype)
        return drawn * (2 * limit) - limit

    return make


@export(v1=["assign"])
def assign(
    ref: Any,
    value: Any,
    validate_shape: Any = None,
    use_locking: Any = None,
    name: str | None = None,
) -> Any:
    """Sets a variable; returns its new value."""
    return ref.assign(value, name=name)


@export(v1=["assign_add"])
def assign_add(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Adds to a variable; returns its new value."""
    return ref.assign_add(value, name=name)


@export(v1=["assign_sub"])
def assign_sub(ref: Any, value: Any, use_locking: Any = None, name: str | None = None) -> Any:
    """Subtracts from a variable; returns its new value."""
    return ref.assign_sub(value, name=name)
