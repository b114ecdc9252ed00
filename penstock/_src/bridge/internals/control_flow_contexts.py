"""Contexts in which operations of a graph are built, as code around TensorFlow's private classes subclasses and enters them."""

from __future__ import annotations

import abc
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.proto.saved import ValuesDef


class ControlFlowContext(metaclass=abc.ABCMeta):
    """A context that is notified of each operation built between `Enter()` and `Exit()`.

    Args:
      values_def: a ValuesDef with the names of values.
      import_scope: a scope to put before them.
    """

    def __init__(self, values_def: Any = None, import_scope: str | None = None) -> None:
        self._nested_contexts: list[Any] = []
        self._outer_context = _graph()._get_control_flow_context()
        if self._outer_context is not None:
            self._outer_context._nested_contexts.append(self)
        self._context_stack: list[Any] = []
        self._values: set[str] = set()
        self._external_values: dict[str, Any] = {}
        if values_def is not None:
            self._init_values_from_proto(values_def, import_scope)

    def _init_values_from_proto(self, values_def: Any, import_scope: str | None = None) -> None:
        prefix = f"{import_scope}/" if import_scope else ""
        element = _graph().as_graph_element
        self._values = {prefix + name for name in values_def.values}
        self._external_values = {
            prefix + inner: element(prefix + outer)
            for inner, outer in values_def.external_values.items()
        }
        for name in self._values - set(self._external_values):
            op = element(name.partition(":")[0])
            op._set_control_flow_context(self)

    def _to_values_def(self, export_scope: str | None = None) -> Any:
        """Returns the ValuesDef of the values, without a scope."""
        prefix = f"{export_scope}/" if export_scope else ""
        values_def = ValuesDef()
        values_def.values.extend(name.removeprefix(prefix) for name in sorted(self._values))
        for inner, outer in self._external_values.items():
            values_def.external_values[inner.removeprefix(prefix)] = outer.name.removeprefix(prefix)
        return values_def

    @property
    def name(self) -> str:
        """The name."""
        return self._name  # type: ignore[attr-defined]

    @property
    def outer_context(self) -> Any:
        """The context in which this one was made."""
        return self._outer_context

    @property
    def grad_state(self) -> Any:
        """None: gradients of functions keep the values that they need."""
        return None

    @property
    def back_prop(self) -> Any:
        """True if gradients flow through it: the setting of the enclosing context, None without one."""
        return self._outer_context.back_prop if self._outer_context is not None else None

    @abc.abstractmethod
    def to_control_flow_context_def(self, context_def: Any, export_scope: Any = None) -> None:
        """Writes the context into a ControlFlowContextDef."""

    def AddName(self, name: str) -> None:
        """Adds the name of a value."""
        self._values.add(name)

    def Enter(self) -> None:
        """Makes it the context of operations added to the current graph."""
        graph = _graph()
        self._context_stack.append(graph._get_control_flow_context())
        graph._set_control_flow_context(self)

    def Exit(self) -> None:
        """Makes the context before `Enter` that of the current graph again."""
        _graph()._set_control_flow_context(self._context_stack.pop())

    def __enter__(self) -> Any:
        self.Enter()
        return self

    def __exit__(self, *error: Any) -> None:
        self.Exit()

    def EnterGradientColocation(self, op: Any, gradient_uid: Any) -> None:
        """Is called before the gradient of an operation is built."""
        if self._outer_context is not None:
            self._outer_context.EnterGradientColocation(op, gradient_uid)

    def ExitGradientColocation(self, op: Any, gradient_uid: Any) -> None:
        """Is called after the gradient of an operation is built."""
        if self._outer_context is not None:
            self._outer_context.ExitGradientColocation(op, gradient_uid)

    def AddOp(self, op: Any) -> None:
        """Is called with each operation."""
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def AddInnerOp(self, op: Any) -> None:
        """Is called with each operation of a context within this one."""
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def GetWhileContext(self) -> Any:
        """Returns the innermost loop around, or None."""
        return self._outer_context.GetWhileContext() if self._outer_context is not None else None

    def IsWhileContext(self) -> bool:
        """True if this is the context of a loop."""
        return False

    def IsCondContext(self) -> bool:
        """True if this is the context of a branch."""
        return False

    def IsXLAContext(self) -> bool:
        """True if this is the context of code that XLA compiles."""
        return False

    def __str__(self) -> str:
        return self.name


class XLAControlFlowContext(ControlFlowContext):
    """The context of code that XLA compiles: conditions and loops within are marked to stay functions."""

    def __init__(self) -> None:
        super().__init__()
        self._name = "XLAControlFlowContext"

    def to_control_flow_context_def(self, context_def: Any, export_scope: Any = None) -> None:
        """Writes nothing: the context is not saved."""

    def IsXLAContext(self) -> bool:
        """True."""
        return True

    def AddValue(self, x: Any) -> Any:
        """Returns the value as it is."""
        return x

    def RequiresUniqueFunctionRetracing(self) -> bool:
        """False: functions may be traced once for it and for others."""
        return False


class _OfNodes(ControlFlowContext):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        raise UnimplementedError(
            f"{type(self).__name__}: conditions and loops are functions here; a context that builds Switch and Merge is not "
            "implemented."
        )

    def to_control_flow_context_def(self, context_def: Any, export_scope: Any = None) -> None:
        """Is never called: there is none."""


class CondContext(_OfNodes):
    """The context of a branch made of Switch and Merge: `isinstance` finds none.

    Raises:
      UnimplementedError: one is made.
    """


class WhileContext(_OfNodes):
    """The context of a loop made of Enter, Merge and Exit: `isinstance` finds none.

    Raises:
      UnimplementedError: one is made.
    """


def _graph() -> Any:
    graph = STATE.graph
    if graph is None:
        raise RuntimeError("A control flow context belongs to a graph: enter one first.")
    return graph
