"""Functions that share variables, and older forms of scopes and operations of graphs."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.api.control.scopes import variable_creator_scope
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only, spread
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.variables.collections import (
    GraphKeys,
    get_collection,
    global_variables,
    local_variables,
    tables_initializer,
)
from penstock._src.v1.variables.scopes import (
    SCOPE_OPTIONS,
    VARIABLE_OPTIONS,
    get_variable,
    variable_scope,
)
from penstock._src.v1.variables.store import (
    AUTO_REUSE,
    VariableStore,
    chosen_store,
    using_store,
)


class _Innermost(threading.local):
    """State that captures the variable being created, and the name of its scope."""

    capturing: tuple[Any, str] | None = None


_INNERMOST = _Innermost()


@contextlib.contextmanager
def capture_dependencies(template: Any) -> Iterator[None]:
    """Makes the variables that are created within dependencies of `template`, under their names below its scope.

    Those of a scope within that captures its own are left to it, and it becomes a dependency instead.
    """
    prefix = template.variable_scope.name

    def creator(next_creator: Any, **kwargs: Any) -> Any:
        name, within = kwargs.get("name"), _INNERMOST.capturing
        _INNERMOST.capturing = template, prefix
        try:
            variable = next_creator(**kwargs)
        finally:
            _INNERMOST.capturing = within
        if name is None or not name.startswith(prefix) or isinstance(variable, tuple):
            return variable
        trackable, full = (variable, name) if within is None else within
        below = full.removeprefix(prefix).removeprefix("/")
        if isinstance(trackable, Trackable):
            template._track_trackable(trackable, name=below, overwrite=True)
        return variable

    with variable_creator_scope(creator):
        yield


class Template(Trackable):
    """A function that creates its variables in its first call and reuses them later."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool,
        unique_name: str | None,
        custom_getter: Any,
    ) -> None:
        if name is None:
            raise ValueError("name cannot be None.")
        if unique_name is not None and STATE.graph is None:
            raise ValueError("unique_name_ cannot be used when eager execution is enabled.")
        self._func, self._name, self._unique = func, name, unique_name
        self._getter, self._variables_created = custom_getter, False
        self._scope: Any = None
        # The store of a template that is called eagerly: it shares that in which its first call stands.
        self._eager: VariableStore | None = None
        if create_scope_now:
            with self._new_scope(auxiliary_name_scope=False) as scope:
                self._scope = scope

    def _new_scope(self, **options: Any) -> Any:
        """A separate scope for the variables."""
        default = None if self._unique else self._name
        return variable_scope(self._unique, default, custom_getter=self._getter, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        is_eager = STATE.graph is None
        if self._scope is None:
            scope = self._new_scope()
        else:
            reuse = (AUTO_REUSE if is_eager else True) if self._variables_created else None
            scope = variable_scope(self._scope, reuse=reuse)
        with scope as self._scope, self._store() if is_eager else contextlib.nullcontext():
            return self._call(lambda: self._func(*args, **kwargs))

    def _store(self) -> contextlib.AbstractContextManager[None]:
        """The context in which variables are stored eagerly."""
        if self._eager is None:
            self._eager = chosen_store() or VariableStore()
        return using_store(self._eager)

    def _call(self, call: Callable[[], Any]) -> Any:
        before = {id(v) for v in self._trained()}
        with capture_dependencies(self):
            result = call()
        added = [v.name for v in self._trained() if id(v) not in before]
        if added and self._variables_created:
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you "
                f"used tf.Variable when you meant tf.get_variable: {added}"
            )
        self._variables_created = True
        return result

    def _trained(self) -> list[Any]:
        """The trainable variables that a call may add to: in a graph, also those of other names."""
        if STATE.graph is None:
            return self.trainable_variables
        return get_collection(GraphKeys.TRAINABLE_VARIABLES)

    name = read_only("_name", "The name that was given.")
    func = read_only("_func", "The function.")
    variable_scope = read_only("_scope", "The scope of the variables.")
    var_scope = read_only("_scope", "The scope of the variables.")

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the scope, with a slash."""
        name = self._scope.name if self._scope is not None else None
        return f"{name}/" if name and not name.endswith("/") else name

    def _collection(self, key: str) -> list[Any]:
        name = self.variable_scope_name
        if self._eager is not None:
            kept = [v for k, v in self._eager.variables.items() if k.startswith(name or "")]
            of_key = {
                GraphKeys.TRAINABLE_VARIABLES: [v for v in kept if v.trainable],
                GraphKeys.GLOBAL_VARIABLES: kept,
            }
            return of_key.get(key, [])
        return get_collection(key, name) if name else []

    @property
    def trainable_variables(self) -> list[Any]:
        """The trainable variables."""
        return self._collection(GraphKeys.TRAINABLE_VARIABLES)

    trainable_weights = read_only("trainable_variables", "The trainable variables.")

    @property
    def global_variables(self) -> list[Any]:
        """The variables that are shared between steps."""
        return self._collection(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        """The local variables."""
        return self._collection(GraphKeys.LOCAL_VARIABLES)

    @property
    def variables(self) -> list[Any]:
        """All variables."""
        return self.global_variables + self.local_variables

    weights = read_only("variables", "All variables.")

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The variables that are not trainable."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    non_trainable_weights = read_only(
        "non_trainable_variables", "The variables that are not trainable."
    )


@export(v1=["make_template"])
def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Template:
    """Wraps `func_` so that every call uses the variables that the first call created.

    Args:
      name_: the name of the scope; a number is added if it is taken.
      func_: creates its variables with tf.compat.v1.get_variable.
      create_scope_now_: whether the scope is created immediately, not by the first call.
      unique_name_: the exact name of the scope.
      custom_getter_: a custom getter for the variables.
      **kwargs: arguments of every call.
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)


@export(v1=["get_local_variable"])
@functools.partial(spread, parameter="options", over=VARIABLE_OPTIONS | {"trainable": False})
def get_local_variable(name: str, options: Any = None) -> Any:
    """`get_variable` for a local variable, which is neither trained nor saved."""
    collections = [*(options["collections"] or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(name, **options | {"trainable": False, "collections": collections})


@export(v1=["op_scope"])
@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[Any]:
    """The older form of tf.compat.v1.name_scope."""
    del values
    with get_default_graph().name_scope(default_name if name is None else name) as scope:
        yield scope


@export(v1=["variable_op_scope"])
@functools.partial(spread, parameter="options", over=SCOPE_OPTIONS)
@contextlib.contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, options: Any = None
) -> Iterator[Any]:
    """The older form of tf.compat.v1.variable_scope."""
    with variable_scope(name_or_scope, default_name, values, **options) as scope:
        yield scope


@export(v1=["initialize_all_tables"])
def initialize_all_tables(name: str = "init_all_tables") -> Any:
    """Returns an operation that initializes all tables of the graph."""
    return tables_initializer(name)


@export(v1=["assert_variables_initialized"])
def assert_variables_initialized(var_list: Any = None) -> Any:
    """Returns an operation that fails if a variable is uninitialized, or None if there are no variables."""
    variables = global_variables() + local_variables() if var_list is None else list(var_list)
    if not variables:
        return None
    checks = []
    for variable in variables:
        there = raw.VarIsInitializedOp(resource=variable.handle)
        message = f"Attempting to use uninitialized value {variable.op.name}"
        checks.append(raw.Assert(condition=there, data=[message]))
    with get_default_graph().control_dependencies(checks):
        return raw.NoOp(name="group_deps")


@export(v1=["add_check_numerics_ops"])
def add_check_numerics_ops() -> Any:
    """Returns an operation that fails if any tensor of the graph contains NaN or infinity."""
    graph = STATE.graph
    if graph is None:
        raise RuntimeError(
            "add_check_numerics_ops() is not compatible with eager execution. To check for Inf's "
            "and NaN's under eager execution, call tf.debugging.enable_check_numerics() once "
            "before executing the checked operations."
        )
    checks: list[Any] = []
    for operation in graph.get_operations():
        if operation.raw_op.flow.control in ("while", "if") and any(
            t.dtype.is_floating for t in operation.outputs
        ):
            raise UnimplementedError("add_check_numerics_ops: loops and branches are not checked.")
        for index, tensor in enumerate(operation.outputs):
            if tensor.dtype.is_floating:
                with graph.control_dependencies(checks[-1:]):
                    message = f"{operation.name}:{index}"
                    checks.append(raw.CheckNumerics(tensor=tensor, message=message).op)
    with graph.control_dependencies(checks):
        return raw.NoOp(name="group_deps")
