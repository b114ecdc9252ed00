"""Handles of variables, assignments that need no op, and names, scopes and collections in graphs."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from penstock._src.autodiff.tape import record_read
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.convert import number
from penstock._src.core.dispatch import OBSERVED, STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.core.values import resources
from penstock._src.core.values.resources import UPDATING, VariableHandle, owned
from penstock._src.eager.context import init_scope
from penstock._src.eager.execute import FrequentCalls, is_unobserved, surroundings
from penstock._src.eager.placed.logical import placed
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.trace import refuse_variable
from penstock._src.util import slots
from penstock._src.util.process.quiet import quietly
from penstock._src.util.slots import above

# Of numbers in NumPy's own dtypes, which add without errors.
_ADDABLE = "fiuc"


def make_handle(shape: TensorShape, dtype: DType, name: str, is_anonymous: bool = False) -> Any:
    """Returns the handle of a new variable, in the current context; unless anonymous, graphs find it by its name."""
    shared = resources.ANONYMOUS if is_anonymous or STATE.graph is None else name
    # With a final slash the name is used unchanged: no scope, no unique suffix.
    exact = name if STATE.graph is None else name + "/"
    if STATE.graph is None:
        handle = raw.VarHandleOp(shape=shape, dtype=dtype, shared_name=shared, name=exact)
        handle._value.name = name
    else:
        handle = raw.VarHandleOp(
            shape=shape, dtype=dtype, shared_name=shared, debug_name=exact, name=exact
        )
    handle._handle_data = [(shape, dtype)]
    return handle


def _plain_handle(handle: Any, dtype: DType) -> VariableHandle | None:
    """Returns the resource of a variable whose assignments need no op: it holds an array of this dtype, and nothing sees ops."""
    resource = getattr(handle, "_value", None)
    if type(resource) is VariableHandle and resource.dtype is dtype and resource.device is None:
        return resource if is_unobserved() else None
    return None


def assign_now(handle: Any, shape: TensorShape, tensor: Any) -> bool:
    """Does what `AssignVariableOp` does for a tensor of the variable's dtype and known shape; False if the op must."""
    if type(tensor) is not EagerTensor or not tensor._is_array():
        return False
    resource = _plain_handle(handle, tensor._dtype)
    if resource is None or tensor._value.shape != shape._dims:
        return False
    with UPDATING:
        resource.value = owned(tensor._value)
    QUICK.count()
    return True


def update_now(handle: Any, dtype: DType, ufunc: np.ufunc, delta: Any) -> bool:
    """Does what `AssignAddVariableOp` or its kin does for a number or tensor that fits; False if the op must, maybe to refuse it.

    Args:
      handle: the variable's.
      dtype: the variable's.
      ufunc: adds or subtracts.
      delta: its second argument.
    """
    kind = type(delta)
    if kind is EagerTensor and delta._dtype is dtype:
        value = delta._value
    elif kind is float or kind is int:
        quick = number(delta, dtype)
        value = None if quick is None else quick[0]
    else:
        return False
    resource = _plain_handle(handle, dtype)
    if resource is None or type(value) is not np.ndarray or value.dtype.kind not in _ADDABLE:
        return False
    with UPDATING:
        current = resource.read()
        if current.shape != value.shape:
            return False
        resource.value = owned(slots.CALL_FLUSHING(_QUIET[ufunc], current, value))
    QUICK.count()
    return True


_QUIET: dict[np.ufunc, Callable[..., Any]] = {
    ufunc: quietly(ufunc, ufunc) for ufunc in (np.add, np.subtract)
}


class _QuickCalls(FrequentCalls):
    """Reads and assignments that native code makes, after many that Python has made: see `native/process/eager_calls/variable_calls.py`.

    Each gives None for a call that it does not serve. Until native code is loaded, all do.

    Attributes:
      classes: that of variables, and that of the results of assignments.
    """

    __slots__ = ("add", "assign", "classes", "read", "subtract")
    classes: tuple[type, type]

    def __init__(self) -> None:
        super().__init__()
        self.read: Callable[[Any], Any] = _not_served
        self.assign = self.add = self.subtract = self.read

    def serve(self, variable: type, result: type) -> None:
        """Sets the class of variables, and that of the results of assignments."""
        self.classes = variable, result

    def _load(self) -> None:
        # Only for programs that make many eager calls: it loads what writes native code.
        from penstock._src.native.process.eager_calls.variable_calls import (
            VariableSurroundings,
            variable_calls,
        )

        variable, result = self.classes
        around = VariableSurroundings(
            variable,
            VariableHandle,
            result,
            OBSERVED,
            resources.WRITING,
            resources.HERE,
            UPDATING,
            record_read,
        )
        calls = variable_calls(surroundings(), around)
        self.read, self.assign = calls.read, calls.assign
        self.add, self.subtract = calls.add, calls.subtract


def of_value(function: Callable[[Tensor], Any]) -> Any:
    """Returns the method that applies a function to a variable's value."""
    return lambda self: function(self._read())


def _not_served(_variable: Any, _value: Any = None) -> None:
    return None


QUICK = _QuickCalls()


def read_there(handle: Any, dtype: DType) -> EagerTensor:
    """The value of a variable that was made for a device."""
    if not has_gpus():
        return placed(EagerTensor(handle.read(), dtype), handle.device)
    from penstock._src.eager.placed.tensor import value_of_variable  # there are GPUs

    return value_of_variable(handle, dtype)


def announce_creation(variable: Any) -> None:
    """Notifies the function being traced that it creates a variable, which is allowed only in its first trace.

    That holds in an init_scope of the function as well.
    """
    graph = STATE.left_graph if STATE.graph is None else STATE.graph
    while graph is not None and graph.building_function:
        rule = graph.variable_rule
        if rule is not None:
            rule(variable)
            return
        graph = graph.enclosing


@contextlib.contextmanager
def made_before() -> Iterator[None]:
    """A context whose variables are those of an object that was there before the function being traced: the function is not said to create them.

    It holds only for variables that do not depend on the trace, and where the function may create variables. Otherwise, they are created as usual.
    """
    if not in_function() or _refuses(STATE.graph):
        yield
        return
    with init_scope():
        left, STATE.left_graph = STATE.left_graph, None
        try:
            yield
        finally:
            STATE.left_graph = left


def _refuses(graph: Any) -> bool:
    """True if a function being traced must create no variables."""
    while graph is not None and graph.building_function:
        if graph.variable_rule is not None:
            return graph.variable_rule is refuse_variable
        graph = graph.enclosing
    return False


def in_function() -> bool:
    """True if a function is being traced."""
    return STATE.graph is not None and bool(STATE.graph.building_function)


def scoped(name: str) -> str:
    """Returns the name prefixed by the current scope."""
    if STATE.graph is not None:
        return STATE.graph.unique_name(name)
    scope = STATE.eager_name_scope
    return f"{scope}{name}" if scope else name


def under(*names: str) -> contextlib.AbstractContextManager[Any]:
    """Enter the graph scope `names`. The first is the variable's full name."""
    graph = STATE.graph
    return contextlib.nullcontext() if graph is None else graph.name_scope("/".join(names) + "/")


def initial_value_of(name: str, is_called: bool) -> contextlib.AbstractContextManager[Any]:
    """Enter the scope in which a graph computes the initial value of the variable `name`."""
    return (
        contextlib.nullcontext()
        if STATE.graph is None
        else _initial_value_in_graph(name, is_called)
    )


def lifted_value(name: str, value: Any) -> Any:
    """Returns an initial value for outside of functions: a tensor of a function is computed again there, if it can be.

    Raises:
      ValueError: it depends on the function's arguments.
    """
    graph = STATE.graph
    if not isinstance(value, Tensor) or hasattr(value, "_value"):
        return value
    is_outside = graph is None or not graph.building_function
    made_in = getattr(value, "graph", graph)
    if not is_outside or made_in is graph or not made_in.building_function:
        return value
    lifted = above("lift")(value)
    if lifted is None:
        raise ValueError(
            f"Tensor-typed variable initializers must either be wrapped in an init_scope or "
            f"callable (e.g., `tf.Variable(lambda : tf.truncated_normal([10, 40]))`) when "
            f"building functions. The variable '{name}' was given {value!r}."
        )
    return lifted


@contextlib.contextmanager
def _initial_value_in_graph(name: str, is_called: bool) -> Iterator[None]:
    with under(name, "Initializer"), STATE.graph.initial_value_of(name, is_called):
        yield


def add_to_collections(variable: Any, collections: Any = None) -> None:
    """Adds a variable of a graph to the graph's collections, as TensorFlow 1 does."""
    names = ["variables"] if collections is None else list(collections)
    if variable.trainable and "trainable_variables" not in names:
        names.append("trainable_variables")
    for name in names:
        STATE.graph.add_to_collection(name, variable)


def wrong_shape(variable: Any, value: Any) -> ValueError:
    """The error of a tensor that is assigned to a variable of another shape, in TensorFlow's words."""
    return ValueError(
        f"Cannot assign value to variable '{variable.name}': Shape mismatch.The variable shape {variable.shape}, and the "
        f"assigned value shape {value.shape} are incompatible."
    )


def refused_update(symbol: str, method: str) -> Any:
    """Returns an operator in place, which would only give the name to a tensor of the sum, product or quotient."""

    def refuse(_self: Any, _value: Any) -> NoReturn:
        raise RuntimeError(
            f"`variable {symbol}= value` with `tf.Variable`s is not supported. Use `variable.{method}` to modify the "
            f"variable, or `out = variable {symbol} value` if you need to get a new output Tensor."
        )

    return refuse


def check_arguments(initial_value: Any, constraint: Any, name: Any) -> None:
    """Raises ValueError for arguments of `tf.Variable` that make no variable."""
    if constraint is not None and not callable(constraint):
        raise ValueError(
            f"Argument `constraint` must be None or a callable. Got a {type(constraint)}:"
            f"  {constraint}"
        )
    if initial_value is None:
        raise ValueError(
            "The `initial_value` arg to `tf.Variable` must be specified except when you are "
            "not providing a `variable_def`. You provided neither."
        )
    if name is not None and not isinstance(name, str):
        raise ValueError(f"name for name_scope must be a string. Received {name!r}.")
