"""Name scopes, control dependencies and groups of operations."""

import contextlib
import time

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import in_graph_of
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("name_scope", v1=[])
class name_scope:
    """A context that puts a name in front of the names of operations that are made in it.

    Args:
      name: the name; one that ends with "/" replaces the whole scope.

    Raises:
      ValueError: the name is not a string.

    >>> with tf.name_scope("block") as scope:
    ...     print(scope)
    block/
    """

    def __init__(self, name):
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name
        self._exits = []

    name = read_only("_name", "The name given.")

    def __enter__(self):
        graph = STATE.graph
        if graph is not None:
            scope = graph.name_scope(self._name)
            entered = scope.__enter__()
            self._exits.append(scope.__exit__)
            return entered
        before = STATE.eager_name_scope
        if not self._name:
            scope = ""
        elif self._name.endswith("/"):
            scope = self._name
        else:
            scope = f"{before}{self._name}/"
        STATE.eager_name_scope = scope

        def leave(*error):
            STATE.eager_name_scope = before
            return False

        self._exits.append(leave)
        return scope

    def __exit__(self, type_arg, value_arg, traceback_arg):
        return self._exits.pop()(type_arg, value_arg, traceback_arg)


@export(v1=["name_scope"])
class name_scope_v1:
    """`tf.name_scope` with TensorFlow 1's arguments, in the graph that `values` belong to."""

    def __init__(self, name, default_name=None, values=None):
        self._name = default_name if name is None else name
        self._scope = name_scope(self._name or "")
        self._values = None if values is None else [*values]
        self._exits = []

    name = read_only("_name", "The name given.")

    def __enter__(self):
        if self._name is None and self._values is not None:
            raise ValueError(
                "At least one of name (None) and default_name (None) must be provided."
            )
        with contextlib.ExitStack() as stack:
            stack.enter_context(in_graph_of(self._values or []))
            scope = stack.enter_context(self._scope)
            self._exits.append(stack.pop_all())
        return scope

    def __exit__(self, *exc_info):
        return self._exits.pop().__exit__(*exc_info)


@export("get_current_name_scope")
def get_current_name_scope():
    """The current scope's name, without a trailing slash.

    Returns:
      A str such as "outer/inner"; "" outside of scopes.
    """
    graph = STATE.graph
    scope = graph.get_name_scope() if graph is not None else STATE.eager_name_scope
    return scope.rstrip("/")


@export("__internal__.get_name_scope", v1=[])
def get_name_scope():
    """The current scope's name.

    Returns:
      What `tf.get_current_name_scope` returns.
    """
    return get_current_name_scope()


@export("control_dependencies", v1=[])
def control_dependencies(control_inputs):
    """A context that runs its operations after others.

    In eager execution and in functions, operations with effects run in the order of the program
    anyway.

    Args:
      control_inputs: a list of tensors and operations to wait for, or None to wait for nothing.
        In eager execution callables in it are called.

    Returns:
      A context manager.

    >>> v = tf.Variable(1)
    >>> with tf.control_dependencies([v.assign(2)]):
    ...     print(v.read_value().numpy())
    2
    """
    graph = STATE.graph
    if graph is None:
        if callable(control_inputs):
            control_inputs()
        return contextlib.nullcontext()
    return graph.control_dependencies(control_inputs)


@export("no_op")
def no_op(name=None):
    """An operation that does nothing.

    Args:
      name: of the operation.

    Returns:
      The operation; None in eager execution.
    """
    return raw.NoOp(name=name)


@export("group")
def group(*inputs, **kwargs):
    """Returns an operation that finishes when all the given ones have.

    In eager execution they have finished already, and the result is None.

    Args:
      *inputs: tensors, operations and structures of them.
      **kwargs: `name`.

    Returns:
      An operation, or None.

    Raises:
      ValueError: there is another keyword.
      TypeError: an input is something else.

    >>> print(tf.group(tf.constant(1), tf.constant(2)))
    None
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    if STATE.graph is None:
        return None
    flat = nest.flatten(list(inputs), expand_composites=True)
    for one in flat:
        if one is not None and not _is_output(one):
            raise TypeError(
                "'inputs' should be zero or more (nested) Tensors. Received "
                f"'{one}' with type '{type(one)}'"
            )
    with STATE.graph.control_dependencies([x for x in flat if x is not None]):
        return raw.NoOp(name=name or "group_deps")


@export("tuple", v1=[])
def tuple(tensors, control_inputs=None, name=None):
    """The tensors, each available only once all of them are.

    Args:
      tensors: a list of tensors or None.
      control_inputs: additional operations to wait for.
      name: a name for the operation.

    Returns:
      A list of the tensors (or None); in eager execution `tensors` itself.
    """
    if STATE.graph is None:
        return tensors
    with STATE.graph.name_scope(name or "tuple"):
        return _gated(tensors, control_inputs)


def _is_output(value):
    """True for a tensor or operation; NumPy's arrays have a device, too."""
    return not isinstance(value, (np.ndarray, np.generic)) and (
        hasattr(value, "device") or hasattr(value, "op")
    )


def _gated(tensors, control_inputs):
    tensors = [t if t is None or _is_output(t) else convert_to_tensor(t) for t in tensors]
    waits = [t for t in tensors if t is not None] + list(control_inputs or [])
    if not waits:
        raise ValueError("Must have at least one Tensor")
    gate = group(*waits, name="group_deps")
    with STATE.graph.control_dependencies([gate]):
        return [
            None if t is None else raw.Identity(input=t, name="control_dependency") for t in tensors
        ]


@export("timestamp")
def timestamp(name=None):
    """Seconds since 1970 as a float64 scalar; in graphs, at run time.

    Args:
      name: of the operation.

    Returns:
      A float64 scalar, in seconds.
    """
    if STATE.graph is None:
        return convert_to_tensor(np.float64(time.time()))
    return raw.Timestamp(name=name)


@export("variable_creator_scope", v1=[])
@contextlib.contextmanager
def variable_creator_scope(variable_creator):
    """A context in which variables are made by a function of the user.

    Args:
      variable_creator: a function of `next_creator` and the keyword arguments of the variable; it
        returns `next_creator(**kwargs)`, perhaps with other arguments, or a variable of its own.

    Returns:
      A context manager.

    Raises:
      RuntimeError: a context that was entered within this one is still open at its end.

    >>> def named(next_creator, **kwargs):
    ...     return next_creator(**{**kwargs, "name": "mine"})
    >>> with tf.variable_creator_scope(named):
    ...     print(tf.Variable(1.0).name)
    mine:0
    """
    before = STATE.variable_creators
    STATE.variable_creators = own = [*before, variable_creator]
    try:
        yield
    finally:
        if STATE.variable_creators is not own:
            raise RuntimeError("Exiting variable_creator_scope without proper nesting.")
        STATE.variable_creators = before


@export("__internal__.ops.is_resource_variable", v1=[])
def is_resource_variable(var):
    """True if `var` is a variable.

    Args:
      var: any object.

    Returns:
      A bool.
    """
    return isinstance(var, Variable) or hasattr(var, "_should_act_as_resource_variable")


@export("inside_function")
def inside_function():
    """True if a tf.function is being traced.

    Returns:
      A bool.
    """
    graph = STATE.graph
    return graph is not None and bool(getattr(graph, "building_function", False))
