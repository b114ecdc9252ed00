"""tf.compat.v1.variable_scope and get_variable: names, defaults and sharing of variables by scope."""

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.util.export import export
from penstock._src.util.signatures import read_write, spread
from penstock._src.v1.graphs.default_graph import get_default_graph, global_graph
from penstock._src.v1.variables.collections import GraphKeys, get_collection
from penstock._src.v1.variables.store import (
    AUTO_REUSE,
    VariableStore,
    bare_names,
    current_store,
    scope_counts,
)

# The parameters of a variable, and those that a scope has for its variables, in TensorFlow's order.
_FIRST: dict[str, Any] = dict.fromkeys("shape dtype initializer regularizer".split())
_LAST = dict.fromkeys(
    "trainable collections caching_device partitioner validate_shape use_resource custom_getter "
    "constraint synchronization aggregation".split()
) | {
    "validate_shape": True,
    "synchronization": VariableSynchronization.AUTO,
    "aggregation": VariableAggregation.NONE,
}
VARIABLE_OPTIONS = _FIRST | _LAST
SCOPE_OPTIONS: dict[str, Any] = dict.fromkeys(
    "initializer regularizer caching_device partitioner custom_getter reuse dtype use_resource "
    "constraint".split()
)


class _Scopes(threading.local):
    """The current scope of each graph."""

    def __init__(self) -> None:
        self.of: weakref.WeakKeyDictionary[Any, VariableScope] = weakref.WeakKeyDictionary()


_SCOPES = _Scopes()


@export(v1=["VariableScope"])
class VariableScope:
    """A name prefix and defaults for the variables of get_variable."""

    reuse = read_write("_reuse", "True if existing variables are returned.")
    name = read_write("_name", "Prefix of the names of variables.")
    initializer = read_write(
        "_initializer", "The initializer of variables that have none of their own."
    )
    regularizer = read_write(
        "_regularizer", "The regularizer of variables that have none of their own."
    )
    custom_getter = read_write("_custom_getter", "Function that creates or finds variables.")
    original_name_scope = read_write(
        "_original_name_scope", "The scope of names that was opened with this scope."
    )
    dtype = read_write("_dtype", "The type of variables that have none of their own.")
    constraint = read_write(
        "_constraint", "The constraint of variables that have none of their own."
    )
    caching_device = read_write(
        "_caching_device", "Device to which variables would be copied before reads."
    )
    partitioner = read_write("_partitioner", "Partitioner of variables.")
    use_resource = read_write(
        "_use_resource", "True if variables are resource variables, not references."
    )

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
        # Eager variables are not stored by name: each call creates a new one.
        self.reuse = AUTO_REUSE if STATE.graph is None else reuse
        self.name, self.initializer, self.regularizer = name, initializer, regularizer
        self.custom_getter, self.original_name_scope = custom_getter, name_scope
        self.dtype, self.constraint = dtype, constraint
        self.caching_device, self.partitioner = caching_device, partitioner
        self.use_resource = use_resource

    def set_initializer(self, initializer: Any) -> None:
        """Sets the default initializer of variables."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the default regularizer of variables."""
        self.regularizer = regularizer

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets the function that creates or finds variables."""
        self.custom_getter = custom_getter

    def set_dtype(self, dtype: Any) -> None:
        """Sets the default dtype of variables."""
        self.dtype = dtype

    def set_caching_device(self, caching_device: Any) -> None:
        """Stores the device where reads would be cached; it has no effect."""
        self.caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Sets the default partitioner of variables."""
        self.partitioner = partitioner

    def set_use_resource(self, use_resource: bool) -> None:
        """Sets whether the scope creates resource variables, or references that sessions fetch by name."""
        self.use_resource = use_resource

    def reuse_variables(self) -> None:
        """Makes get_variable return existing variables."""
        self.reuse = True

    def get_collection(self, name: Any) -> list[Any]:
        """Returns the members of a collection in this scope."""
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

    @functools.partial(spread, parameter="options", over=_FIRST | {"reuse": None} | _LAST)
    def get_variable(self, var_store: VariableStore, name: str, options: Any = None) -> Any:
        """Returns the variable of this name in the scope, with the scope's defaults; see `get_variable`."""
        _check_types(options["initializer"], options["dtype"])
        for option in SCOPE_OPTIONS.keys() - {"reuse"}:
            if options[option] is None:
                options[option] = getattr(self, option)
        if STATE.graph is None:
            options["reuse"] = AUTO_REUSE if var_store._store_eager_variables else False
        elif options["reuse"] is None:
            options["reuse"] = self.reuse
        full = f"{self.name}/{name}" if self.name else name
        with bare_names():  # a variable's name depends on scopes of variables alone
            return var_store.get_variable(full, **options)


def _check_types(initializer: Any, dtype: Any) -> None:
    """Refuses a value as initializer that is not of the variable's explicit type."""
    if dtype is None or initializer is None or callable(initializer):
        return
    kind, asked = convert_to_tensor(initializer).dtype.base_dtype, dtypes.as_dtype(dtype)
    if kind != asked.base_dtype:
        raise ValueError(f"Initializer type '{kind}' and explicit dtype '{asked}' don't match.")


@export(v1=["get_variable_scope"])
def get_variable_scope() -> VariableScope:
    """Returns the current variable scope; functions start in the scope of the surrounding code."""
    graph = get_default_graph()
    while graph not in _SCOPES.of and graph.building_function and graph.variable_store is None:
        graph = graph.enclosing or global_graph()
        if STATE.graph is not None and graph is global_graph() and graph not in _SCOPES.of:
            return VariableScope(AUTO_REUSE)
    return _SCOPES.of.setdefault(graph, VariableScope(False))


def _composed(getter: Callable[..., Any] | None, outer: Callable[..., Any] | None) -> Any:
    """Composes two getters: the inner one is called with the outer one as its `getter`."""
    if getter is None or outer is None:
        return getter or outer

    def through_both(getter: Any, *args: Any, **kwargs: Any) -> Any:
        def through_outer(*args: Any, **kwargs: Any) -> Any:
            return outer(getter, *args, **kwargs)

        return inner(through_outer, *args, **kwargs)

    inner = getter
    return through_both


@export(v1=["variable_scope"])
class variable_scope:
    """A context in which get_variable prefixes names with `name_or_scope/`.

    Args:
      name_or_scope: a name within the current scope; or a scope to re-enter.
      default_name: the name to make unique if `name_or_scope` is None.
      values: tensors used within the scope, which must be in the same graph.
      initializer: a default for variables; likewise `regularizer`, `partitioner`, `dtype`, `constraint`.
      custom_getter: called as `custom_getter(getter, name, ...)` instead of the store.
      reuse: True to find variables, AUTO_REUSE to find or create them; None or False to inherit.
      auxiliary_name_scope: whether to open a name scope too.

    Raises:
      TypeError: neither `name_or_scope` nor `default_name` is given, or `name_or_scope` is not a name.
      ValueError: `reuse` is invalid, or is given without a name.
    """

    @functools.partial(spread, parameter="options", over=SCOPE_OPTIONS)
    def __init__(
        self, name_or_scope: Any, default_name: str | None = None, values: Any = None,
        options: Any = None, auxiliary_name_scope: bool = True,
    ) -> None:  # fmt: skip
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(
                "The auxiliary_name_scope must be `True` or `False`, while get "
                f"{auxiliary_name_scope}"
            )
        self._given, self._default = name_or_scope, default_name
        self._reuse, self._auxiliary = options.pop("reuse"), auxiliary_name_scope
        self._getter, self._options = options.pop("custom_getter"), options

    def _check(self) -> None:
        if self._reuse not in (True, False, None) and self._reuse is not AUTO_REUSE:
            raise ValueError("The reuse parameter must be True or False or None.")
        if self._given is None and self._reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        if not isinstance(self._given, (str, VariableScope, type(None))):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")

    def __enter__(self) -> VariableScope:
        self._check()
        self._graph = get_default_graph()
        self._before = _SCOPES.of.get(self._graph)
        self._counts = scope_counts()
        outer, requested = get_variable_scope(), self._given
        if isinstance(requested, VariableScope):
            name, base, last = requested.name, requested, requested.name.rpartition("/")[2]
            reuse = self._reuse or requested.reuse
            self._counts_before = dict(self._counts)
        else:
            last = requested if requested is not None else self._unused(outer.name)
            name, base = (f"{outer.name}/{last}" if outer.name else last), outer
            reuse = self._reuse or outer.reuse
        self._name = name
        self._counts[name] = self._counts.get(name, 0) + 1
        self._stack = contextlib.ExitStack()
        if self._auxiliary:
            opened = self._default if requested is None else last
            scope_name = self._stack.enter_context(_name_scope(opened)) if opened else ""
        else:
            scope_name = _current_name_scope()
        if isinstance(requested, VariableScope):
            scope_name = requested.original_name_scope
        merged = {k: getattr(base, k) if v is None else v for k, v in self._options.items()}
        getter = _composed(self._getter, base.custom_getter)
        scope = VariableScope(reuse, name, name_scope=scope_name, custom_getter=getter, **merged)
        self._scope = _SCOPES.of[self._graph] = scope
        return scope

    def __exit__(self, type_arg: Any, value_arg: Any, traceback_arg: Any) -> None:
        if _SCOPES.of.get(self._graph) is not self._scope:
            raise RuntimeError("Improper nesting of variable_scope.")
        self._stack.close()
        for name in self._counts:
            if name.startswith(self._name + "/") or not self._name:
                self._counts[name] = 0
        if isinstance(self._given, VariableScope):
            self._counts.clear()
            self._counts.update(self._counts_before)
        if self._before is None:
            _SCOPES.of.pop(self._graph, None)
        else:
            _SCOPES.of[self._graph] = self._before

    def _unused(self, outer: str) -> str:
        """The default name, with a number if a scope of this name was already opened."""
        prefix = f"{outer}/{self._default}" if outer else str(self._default)
        if not self._counts.get(prefix):
            return str(self._default)
        index = 1
        while self._counts.get(f"{prefix}_{index}"):
            index += 1
        return f"{self._default}_{index}"


@contextlib.contextmanager
def slot_scope(name: str) -> Iterator[str]:
    """A context for making a variable that belongs to another one; gives its name, which is unique and without name scopes."""
    with variable_scope(None, default_name=name, auxiliary_name_scope=False) as scope:
        unique = scope.name
    with bare_names():
        yield unique


def resource_variable_scope() -> variable_scope:
    """Returns the current scope, re-entered with resource variables."""

    def getter(getter: Any, *args: Any, **kwargs: Any) -> Any:
        return getter(*args, **{**kwargs, "use_resource": True})

    return variable_scope(get_variable_scope(), custom_getter=getter)


def replica_variable_scope(reuse: bool) -> variable_scope:
    """Returns the current scope, to be entered in the thread of a replica, which makes variables or finds them."""
    return variable_scope(get_variable_scope(), reuse=reuse, auxiliary_name_scope=False)


def _current_name_scope() -> str:
    """The current name scope as it is re-entered: with a slash at its end, or empty."""
    if STATE.graph is None:
        return STATE.eager_name_scope
    scope = STATE.graph.get_name_scope()
    return f"{scope}/" if scope else ""


@contextlib.contextmanager
def _name_scope(name: str) -> Iterator[str]:
    """A name scope, of the graph or of eager code."""
    if STATE.graph is not None:
        with STATE.graph.name_scope(name) as entered:
            yield entered
        return
    before = STATE.eager_name_scope
    STATE.eager_name_scope = f"{before}{name}/"
    try:
        yield STATE.eager_name_scope
    finally:
        STATE.eager_name_scope = before


@export(v1=["get_variable"])
@functools.partial(spread, parameter="options", over=VARIABLE_OPTIONS)
def get_variable(name: str, options: Any = None) -> Any:
    """Creates a variable in the current variable scope or, with `reuse`, returns the existing one.

    Raises:
      ValueError: the variable exists but the scope does not reuse, or the reverse; or its shape or dtype differs.
    """
    return get_variable_scope().get_variable(current_store(), name, **options)


@export(v1=["create_partitioned_variables"])
def create_partitioned_variables(
    shape: Sequence[int],
    slicing: Sequence[int],
    initializer: Any,
    dtype: Any = dtypes.float32,
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: Any = None,
) -> list[Any]:
    """Creates the partitions of a variable.

    Args:
      shape: of the whole.
      slicing: the number of partitions along each axis; all but one are 1.
      initializer: a tensor, or a function of the shape of a partition.
      dtype: ignored if `initializer` is a tensor.
      trainable: whether the variables are trainable.
      collections: the collections to which the partitions are added.
      name: "PartitionedVariable" by default.
      reuse: see `variable_scope`.

    Raises:
      ValueError: `slicing` does not match the shape, or partitions several axes.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            "The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: "
            f"{shape}, slicing: {slicing}"
        )
    if callable(initializer):
        extent: Any = shape
    else:
        initializer, extent = convert_to_tensor(initializer), None
    with variable_scope(name, "PartitionedVariable", reuse=reuse) as scope:
        variable = current_store().get_variable(
            scope.name,
            extent,
            scope.custom_getter,
            dtype=dtype,
            initializer=initializer,
            reuse=scope.reuse,
            trainable=trainable,
            collections=collections,
            partitioner=lambda **_: list(slicing),
        )
    return list(variable)
