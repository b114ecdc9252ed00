"""Scopes of graphs that set control dependencies, colocation and attributes of the operations created within."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from penstock._src.core import dispatch
from penstock._src.core.composite import IndexedSlices
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.lazy import resolve


class Colocation:
    """The methods of graphs for colocation."""

    # New operations are colocated with these, outermost first.
    _colocation: Sequence[Operation] = ()
    # Groups of operations that do not exist yet.
    _groups: Sequence[bytes] = ()
    # True if operations of gradients are placed with the operations that they differentiate.
    colocates_gradients = False

    if TYPE_CHECKING:
        _device_functions: list[Any]

        def device(self, device_name_or_function: Any) -> Any: ...

        def local(self, tensor: Any) -> SymbolicTensor: ...

        def as_graph_element(
            self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
        ) -> Any: ...

    @contextlib.contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Colocates the operations created within with `op`.

        Args:
          op: an operation, tensor or variable; None for none, with `ignore_existing`.
          ignore_existing: whether enclosing scopes of this kind have no effect.

        Returns:
          A context manager.

        Raises:
          ValueError: `op` is None, and enclosing scopes have effect.
        """
        if op is None and not ignore_existing:
            raise ValueError(
                "Trying to reset colocation (op is None) but ignore_existing is not True: colocate_with takes None "
                "only to leave enclosing scopes."
            )
        before, functions = self._colocation, self._device_functions
        operations = [] if op is None else [self._beside(op)]
        self._colocation = operations if ignore_existing else [*before, *operations]
        self._device_functions = []
        try:
            with dispatch.device(None):
                yield
        finally:
            self._colocation, self._device_functions = before, functions

    def _beside(self, element: Any) -> Operation:
        """Returns the operation that makes a tensor or variable, which may belong to a graph around this one."""
        if isinstance(element, Operation):
            return element
        handle = getattr(element, "_handle", element)
        if not isinstance(handle, SymbolicTensor):
            if not hasattr(handle, "_value"):
                handle = self.as_graph_element(element)  # a name
                return handle if isinstance(handle, Operation) else handle.op
            handle = self.local(handle)
        return element.op if isinstance(getattr(element, "op", None), Operation) else handle.op

    @contextlib.contextmanager
    def initial_value_of(self, name: str, is_called: bool) -> Iterator[None]:
        """Marks the operations within as computing the initial value of a variable: they run on the variable's device.

        Args:
          name: the variable's, whose handle does not exist yet.
          is_called: whether a function makes the value; enclosing scopes of devices have no effect then.
        """
        before, self._groups = self._groups, (b"loc:@" + name.encode(),)
        try:
            with self.device(None) if is_called else contextlib.nullcontext():
                yield
        finally:
            self._groups = before

    @contextlib.contextmanager
    def colocated_gradients(self) -> Iterator[None]:
        """Within this scope, place gradient operations beside the operations that they differentiate."""
        before, self.colocates_gradients = self.colocates_gradients, True
        try:
            yield
        finally:
            self.colocates_gradients = before

    def _colocate(self, node: Operation) -> None:
        """Records the operations with which another one is placed; it gets the device of the innermost that has one."""
        others = self._colocation
        groups = {group for other in others for group in other.colocation_groups()}
        node.colocation = tuple(sorted(groups.union(self._groups)))
        devices = [other.device for other in reversed(others) if other.device]
        node._device = devices[0] if devices else node._device


class Waiting:
    """A scope of control dependencies: what its operations wait for, and those that wait already.

    Args:
      awaited: operations that must run before the operations of the scope.
    """

    __slots__ = ("awaited", "members")

    def __init__(self, awaited: Sequence[Operation]) -> None:
        self.awaited = awaited
        self.members: set[Operation] = set()


class ControlScopes:
    """The methods of graphs for control dependencies."""

    _control_stack: list[Waiting]
    building_function: bool

    if TYPE_CHECKING:

        def local(self, tensor: Any) -> SymbolicTensor: ...

        def as_graph_element(
            self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
        ) -> Any: ...

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """Makes the operations within run after others.

        Args:
          control_inputs: operations, tensors or variables; None clears all enclosing control
            dependencies.

        Returns:
          A context manager.
        """
        before = self._control_stack
        if control_inputs is None:
            self._control_stack = []
        else:
            awaited = [self._control(element) for element in control_inputs]
            self._control_stack = [*before, Waiting([op for op in awaited if op is not None])]
        try:
            yield
        finally:
            self._control_stack = before

    def _control(self, element: Any) -> Operation | None:
        """Returns the operation that a tensor, variable or name stands for in control dependencies; None if nothing here waits."""
        if isinstance(element, Operation):
            return self._awaited_here(element)
        if isinstance(element, IndexedSlices):
            return self._awaited_here(element.op)
        # for a variable, the op that creates its handle or assigns it: a dependency reads nothing
        maker = getattr(getattr(element, "_handle", None), "op", None) and element.op
        if isinstance(maker, Operation):
            return self._awaited_here(maker)
        if not isinstance(element, SymbolicTensor) and hasattr(element, "_as_graph_element"):
            converted = element._as_graph_element()
            # In a function an assignment returns the variable: depend on a read, which comes after the assignment.
            element = element.value() if converted is None else converted
        if isinstance(element, Operation):
            return self._awaited_here(element)
        if hasattr(element, "_value"):
            if self.building_function:
                return None  # computed already
            element = self.local(element)
        if not isinstance(element, SymbolicTensor):
            element = self._around_with(element).as_graph_element(element)
        return self._awaited_here(element if isinstance(element, Operation) else element.op)

    def _around_with(self, element: Any) -> Any:
        """Returns the innermost graph around the next operation that has a name; this graph for other elements."""
        graph: Any = self
        if isinstance(element, str):
            name = element.partition(":")[0]
            while name not in graph._by_name and getattr(graph, "enclosing", None) is not None:
                graph = graph.enclosing
        return graph

    def _awaited_here(self, op: Operation) -> Operation | None:
        """Returns `op`, or the operation of this graph that comes after it; None if all calls of this graph come after it.

        Raises:
          ValueError: the operation belongs to another graph.
        """
        if op.graph is not self:
            raise ValueError(f"{op!r} is not an element of this graph.")
        return op

    def _control_inputs_for(self, inputs: Sequence[SymbolicTensor]) -> list[Operation]:
        """Returns what a new operation waits for: nothing of a scope in which one of its inputs was made, which waits already."""
        makers = {t.op for t in inputs}
        awaited = [
            op
            for scope in self._control_stack
            if scope.members.isdisjoint(makers)
            for op in scope.awaited
            if op not in makers
        ]
        return list(dict.fromkeys(awaited))


class AttributeScopes:
    """The methods of graphs that give attributes to the operations added within."""

    # {name: AttrValue, or a function from a NodeDef to one or None}
    _attributes: Mapping[str, Any] = MappingProxyType({})
    # {op type: label of the kernel}
    _kernel_labels: Mapping[str, str] = MappingProxyType({})

    @contextlib.contextmanager
    def _attr_scope(self, attr_map: Any) -> Iterator[None]:
        """Sets attributes on the operations added within; None takes one of an enclosing scope away."""
        _check_attributes(attr_map)
        before = self._attributes
        merged = {**before, **attr_map}
        self._attributes = {name: value for name, value in merged.items() if value is not None}
        try:
            yield
        finally:
            self._attributes = before

    @contextlib.contextmanager
    def _kernel_label_map(self, op_to_kernel_label_map: Any) -> Iterator[None]:
        """Sets the labels of kernels of the operations added within, by the names of ops."""
        is_map = isinstance(op_to_kernel_label_map, dict)
        texts = [t for pair in op_to_kernel_label_map.items() for t in pair] if is_map else []
        if not is_map or not all(isinstance(text, str) for text in texts):
            raise TypeError(
                "op_to_kernel_label_map must be a dictionary mapping strings to strings"
            )
        before = self._kernel_labels
        self._kernel_labels = {**before, **op_to_kernel_label_map}
        try:
            yield
        finally:
            self._kernel_labels = before

    def _annotate(self, node: Operation) -> None:
        """Sets the attributes of the current scopes on a new operation."""
        noted = dict(node.annotations)
        for name, value in self._attributes.items():
            value = value(node.node_def) if callable(value) else value
            if value is not None and not isinstance(value, _attr_value()):
                raise TypeError(
                    "Callable for scope attribute map must return either None or an AttrValue protocol buffer"
                )
            if value is not None:
                noted[name] = value
        if node.type in self._kernel_labels:
            noted["_kernel"] = _attr_value()(s=self._kernel_labels[node.type].encode())
        node.annotations = noted


def _attr_value() -> Any:
    """The class of messages for attributes, loaded when a program sets some."""
    return resolve("penstock._src.proto.graph", "AttrValue")


def _check_attributes(attr_map: Any) -> None:
    """Raises TypeError unless names are mapped to attributes."""
    if not isinstance(attr_map, dict):
        raise TypeError(
            "attr_map must be a dictionary mapping strings to AttrValue protocol buffers"
        )
    for name, value in attr_map.items():
        is_value = value is None or callable(value) or isinstance(value, _attr_value())
        if not isinstance(name, str) or not is_value:
            raise TypeError(
                "attr_map must be a dictionary mapping strings to AttrValue protocol buffers or callables that emit "
                "AttrValue protocol buffers"
            )
