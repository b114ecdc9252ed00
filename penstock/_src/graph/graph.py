"""Graph: operations in creation order, with names and scopes. More of its methods are in members/."""

import contextlib
import itertools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.calls import op_callbacks
from penstock._src.core.calls.binding import bind, complete
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.op import InputShape, Op, group_arguments
from penstock._src.core.registry import find
from penstock._src.core.values import kernel_state
from penstock._src.graph.members.collections import Collections
from penstock._src.graph.members.conversions import GraphConversions
from penstock._src.graph.members.elements import GraphElements
from penstock._src.graph.members.scopes import AttributeScopes, Colocation, ControlScopes, Waiting
from penstock._src.graph.operation import Operation, SymbolicTensor, flat_arguments, graph_of
from penstock._src.graph.registered_gradients import RegisterGradient
from penstock._src.graph.shapes import infer_shapes
from penstock._src.util.device_spec import merged_device
from penstock._src.util.export import export
from penstock._src.util.locations import user_location
from penstock._src.util.names import LEGAL_NAME, SCOPE_NAME, NameTable
from penstock._src.util.process import forks
from penstock._src.util.signatures import read_only, read_write

_KEYS = itertools.count()


@export("Graph")
class Graph(
    Colocation, ControlScopes, AttributeScopes, GraphElements, Collections, GraphConversions
):
    """A graph of operations: `with graph.as_default():` records the ops called within.

    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     total = tf.add([1, 2], 3, name="total")
    >>> graph.get_tensor_by_name("total:0").shape
    TensorShape([2])
    """

    building_function = False
    # True if all side effects run, in program order: in functions, but not in graphs of TensorFlow 1 or functions within them.
    keeps_program_order = False
    # True if nothing runs before all inputs are available: a function with `jit_compile`.
    runs_whole = False
    # Whether the operations that are being added are for XLA, as libraries ask.
    is_for_xla = False

    # (number of operations, True if one of them has an effect): see graph/control.py
    effect_found: tuple[int, bool] = (-1, False)
    # the resources that its operations write, computed at first use: see graph/control.py
    effects: Any = None
    # True if it has Switch, Merge, Enter or Exit nodes: see compiler/token_flow.py
    redirects_values = False
    # in which operations are built: see bridge/internals/control_flow_contexts.py
    _control_flow_context: Any = None
    # the file and function that it was imported from, if it is that of a SavedModel: see graph/serialize/importer.py
    _origin: Any = None
    # while it is imported: the user's line that loads the file
    _imported_at: Any = None
    # Number of changes to inputs or control inputs of its operations.
    _edits = 0
    # (number of operations and of edits, {id of a tensor: its readers}): see graph/operation.py
    _readers_found: tuple[Any, dict[int, list[Operation]]] = (None, {})
    # the operation that new operations replace
    _default_original_op: Any = None
    # called with each variable that is made while the function of this graph is traced
    variable_rule: Callable[[Any], None] | None = None
    # the variables of TensorFlow 1 by name: see v1/variables/store.py
    variable_store: Any = None
    # of a graph that is debugged: breakpoints and calls of the user's functions as they were met (core/calls/lines.py)
    breakpoints: Sequence[Any] = ()
    activations: Sequence[Any] = ()
    # {id of a tensor: its gradient}
    gradients: Mapping[int, Any] = types.MappingProxyType({})
    # whether its runs may stop in the debugger
    is_debugged = False

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._by_name: dict[str, Operation] = {}
        self._names = NameTable()
        self._scope = self._container = ""
        # The name of the op whose arguments are being converted to tensors.
        self._binding: str | None = None
        # (name, op, inputs) of the operation that is being recorded: tensors captured for it are named after it.
        self._recording: tuple[str, Op, Sequence[Any]] | None = None
        self._control_stack: list[Waiting] = []
        # Device functions, outermost first, each with the device of its enclosing scope.
        self._device_functions: list[tuple[Callable[[Operation], Any], str | None]] = []
        self._collections: dict[Any, list[Any]] = {}
        # {interface: the function that runs when the graph calls any function that implements it}
        self.implementations: dict[str, Any] = {}
        self._finalized = False
        self.imported_versions: list[Any] = []
        # ids of tensors, and operations, that sessions may not be given or asked for
        self._unfeedable: set[int] = set()
        self._unfetchable: set[Operation] = set()
        # {name: AtomicFunction} of those that were added by themselves
        self._added_functions: dict[str, Any] = {}
        self._seed: int | None = None
        self._entered: list[Any] = []
        self.last_random_id = 0
        # {op type: name of the registered gradient} for operations added now, instead of the op's own gradient
        self._gradient_overrides: dict[str, str] = {}
        # what stateful kernels remember from run to run (core/values/kernel_state.py)
        self.kernel_states = kernel_state.States()
        # the Pack with object code of its kernels (native/cache/packs), if it comes from a model that has one
        self.pack: Any = None

    seed: int | None = read_write("_seed", "The seed of the graph's random operations, or None.")

    # -- recording

    def execute(
        self, cls: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], name: str | None
    ) -> Any:
        """Records an op, in the graph of its inputs if that is another one; see `core.dispatch.execute`."""
        if not self.building_function:
            owner = graph_of(flat_arguments(inputs))
            if owner is not None and owner is not self and not owner.building_function:
                with owner.as_default():
                    return owner.execute(cls, inputs, attrs, name)
        if self._container and cls.attributes.get("container") == "":
            attrs = {"container": self._container, **attrs}
        before, self._binding = self._binding, name or cls.op_type
        try:
            tensors, op = bind(cls, inputs, attrs, True)
        finally:
            self._binding = before
        if before and name is None and cls.op_type == "ReadVariableOp":
            name = self._name_of_part(cls.op_type)
        self._recording = name or cls.op_type, op, tensors
        placed = [self.local(t) for t in tensors]
        self._recording = None  # it refers to eager tensors
        node = self.add(op, placed, name)
        if STATE.tapes or STATE.accumulators:
            dispatch.record(op, node._inputs, node.outputs)
        for watch in STATE.graph_watchers:
            watch(node)
        return arrange(node, shown(node) if STATE.op_callbacks else node.outputs)

    def add(self, op: Op, inputs: list[SymbolicTensor], name: str | None = None) -> Operation:
        """Appends an operation on tensors of this graph and returns it."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        unique = self.unique_name(self._base_name(op, name))
        location = self._imported_at or user_location(2)
        shapes = infer_shapes(op, inputs, unique, location)
        control = self._control_inputs_for(inputs) if self._control_stack else []
        node = Operation(self, op, unique, inputs, control, shapes, STATE.device or "", location)
        if op.held is not None:
            node.outputs[0]._handle_data = op.held(*[InputShape(t) for t in inputs])
        if self._device_functions:
            self._apply_device_functions(node)
        if self._colocation or self._groups:
            self._colocate(node)
        if self._attributes or self._kernel_labels:
            self._annotate(node)
        # Constants and handles may be copied to where they are read, and wait for nothing there.
        if inputs:
            for scope in self._control_stack:
                scope.members.add(node)
        self._operations.append(node)
        self._by_name[unique] = node
        if op.flow.redirects:
            self.redirects_values = True
        if self._default_original_op is not None:
            node.made_for = self._default_original_op
        if self._control_flow_context is not None:
            node._set_control_flow_context(self._control_flow_context)
            self._control_flow_context.AddOp(node)
        if op.op_type in self._gradient_overrides:
            name_of_gradient = self._gradient_overrides[op.op_type]
            node.gradient_override = RegisterGradient.functions[name_of_gradient]
        return node

    def _apply_device_functions(self, node: Operation) -> None:
        """Gives an operation the device that the functions of the current scopes find for it."""
        for function, around in reversed(self._device_functions):
            node._device = merged_device(around, function(node))

    @contextlib.contextmanager
    def _original_op(self, op: Any) -> Iterator[None]:
        """Operations added within this scope replace another one, to which they refer."""
        before, self._default_original_op = self._default_original_op, op
        try:
            yield
        finally:
            self._default_original_op = before

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Operations added within this scope take the registered gradients that `op_type_map` names.

        Args:
          op_type_map: {op type: name given to tf.RegisterGradient}.

        Returns:
          A context manager.

        Raises:
          TypeError: `op_type_map` is not a dict.
        """
        is_map = isinstance(op_type_map, dict)
        texts = [text for pair in op_type_map.items() for text in pair] if is_map else []
        if not is_map or not all(isinstance(text, str) for text in texts):
            raise TypeError(
                f"op_type_map must be a dictionary mapping strings to strings. Received {op_type_map}."
            )
        before = self._gradient_overrides
        self._gradient_overrides = {**before, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = before

    def _base_name(self, op: Op, name: str | None) -> str:
        if not name:
            return op.op_type
        if isinstance(name, bytes):
            name = name.decode()
        if name[-1] == "/":
            return name
        if not LEGAL_NAME.match(name) and not (self._scope and name[0] in "_-\\/"):
            raise ValueError(
                f"'{name}' is not a valid root scope name. A root scope name has to match the following pattern: "
                f"{LEGAL_NAME.pattern}"
            )
        return name

    def local(self, tensor: Any) -> SymbolicTensor:
        """Returns `tensor` as a tensor of this graph.

        Raises:
          ValueError: the tensor belongs to another graph.
          RuntimeError: the tensor is eager, and the graph is not that of a function.
        """
        if isinstance(tensor, SymbolicTensor):
            if tensor.graph is not self:
                raise ValueError(f"{tensor!r} must be from the same graph as the current one.")
            return tensor
        raise RuntimeError("Attempting to capture an EagerTensor without building a function.")

    def constant(self, array: np.ndarray, dtype: DType, name: str | None) -> SymbolicTensor:
        """Returns a constant of this graph; one made for an argument of an op is named `<op>/<argument>`."""
        name = self._name_of_part(name) if name else "Const"
        op = complete(find("Const"), {"value": array, "dtype": dtype}, True)
        node = self.add(op, [], name)
        return (shown(node) if STATE.op_callbacks else node.outputs)[0]

    def _name_of_part(self, name: str) -> str:
        """The name of an operation made for an argument of the op being recorded: it lies in that op's scope."""
        if not self._binding or self._binding[-1] == "/":
            return name
        owner = self.unique_name(self._binding, mark_as_used=False)
        return f"{owner[len(self._scope) + 1 :] if self._scope else owner}/{name}"

    @contextlib.contextmanager
    def scope_of_part(self, name: str) -> Iterator[str]:
        """A scope for the operations that make an argument of the op being recorded; yields its full name."""
        with self.name_scope(self._name_of_part(name)) as scope:
            before, self._binding = self._binding, None
            try:
                yield scope
            finally:
                self._binding = before

    # -- names, scopes

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Returns a name, with the current scope as prefix, that no operation of this graph has.

        Args:
          name: a name without scope; one that ends with "/" is used unchanged.
          mark_as_used: whether later calls return other names.

        Returns:
          A str.
        """
        if name and name[-1] == "/":  # a scope's name, which an operation may share
            exact = name[:-1]
            if not exact or exact not in self._by_name:
                return exact or name
            return self._names.unique(exact, mark_as_used)
        full = f"{self._scope}/{name}" if self._scope else name
        return self._names.unique(full, mark_as_used)

    @contextlib.contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefixes the names of the operations within.

        Args:
          name: of the scope, below the current one; None or "" for no scope; one that ends with
            "/" is entered as it is.

        Returns:
          A context manager that gives the full scope with a trailing slash.

        Raises:
          ValueError: the name is not valid.
        """
        before = self._scope
        if name and not (SCOPE_NAME if before else LEGAL_NAME).match(name):
            kind, allowed = ("", SCOPE_NAME) if before else ("root ", LEGAL_NAME)
            raise ValueError(
                f"'{name}' is not a valid {kind}scope name. A {kind}scope name has to match the following "
                f"pattern: {allowed.pattern}"
            )
        if not name:
            new = ""
        elif name[-1] == "/":
            new = name[:-1]
        else:
            new = self.unique_name(name)
        self._scope = new
        try:
            yield new + "/" if new else ""
        finally:
            self._scope = before

    def get_name_scope(self) -> str:
        """Returns the current scope.

        Returns:
          A str without a trailing slash.
        """
        return self._scope

    @property
    def _variable_creator_stack(self) -> list[Any]:
        """Creators of variables, outermost first: the same for all graphs of a thread."""
        return STATE.variable_creators

    @_variable_creator_stack.setter
    def _variable_creator_stack(self, creators: list[Any]) -> None:
        STATE.variable_creators = creators

    @property
    def _resource_creator_stack(self) -> dict[Any, list[Any]]:
        """Creators of resources by class names, outermost first: the same for all graphs of a thread."""
        return STATE.resource_creators

    def _get_control_flow_context(self) -> Any:
        """Returns the context in which operations are built. Branches and loop bodies have none: they are functions."""
        return self._control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    @contextlib.contextmanager
    def as_default(self) -> Iterator["Graph"]:
        """Records the ops called within into this graph.

        Returns:
          A context manager that gives the graph.
        """
        STATE.default_graphs.append(self)
        try:
            with dispatch.building(self):
                yield self
        finally:
            if STATE.default_graphs:  # else a test case has ended all blocks
                STATE.default_graphs.pop()

    def __enter__(self) -> "Graph":
        self._entered.append(self.as_default())
        return self._entered[-1].__enter__()

    def __exit__(self, *args: Any) -> None:
        self._entered.pop().__exit__(*args)

    def get(self) -> "Graph":
        """Returns itself.

        Returns:
          The graph.
        """
        return self

    def switch_to_thread_local(self) -> None:
        """Does nothing: the current graph is always local to the thread."""

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Requests a device for the operations within.

        Args:
          device_name_or_function: a name, which is merged with the enclosing one; a function from
            an operation (with the device so far) to the device it gets; or None, so that enclosing
            scopes have no effect.

        Returns:
          A context manager.
        """
        wanted, around = device_name_or_function, STATE.device
        if callable(wanted) and not hasattr(wanted, "to_string"):
            self._device_functions.append((wanted, around))
            try:
                with dispatch.device(None):
                    yield
            finally:
                self._device_functions.pop()
            return
        functions = self._device_functions
        if wanted is None:  # ignore the enclosing scopes
            self._device_functions, around = [], None
        try:
            with dispatch.device(merged_device(around, wanted) or None):
                yield
        finally:
            self._device_functions = functions

    @property
    def has_device_scope(self) -> bool:
        """True if operations added now get a device."""
        return bool(STATE.device or self._device_functions)

    @contextlib.contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Places the resources made within in a container.

        Args:
          container_name: of the container, a str.

        Returns:
          A context manager that gives the name.
        """
        before, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = before

    # -- v1

    @forks.cached_property
    def _graph_key(self) -> str:
        # State that the graph shares with the graphs of its functions.
        enclosing = getattr(self, "enclosing", None)
        return f"graph-key-{next(_KEYS)}/" if enclosing is None else enclosing._graph_key

    @property
    def version(self) -> int:
        """A number that grows with every operation added."""
        return len(self._operations)

    finalized: bool = read_only(
        "_finalized", "True if the graph is finalized, so that nothing can be added."
    )

    def finalize(self) -> None:
        """Forbids further additions."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        """Allows additions again."""
        self._finalized = False

    def Dismantle(self) -> None:
        """Does nothing: garbage collection frees the graph."""


def shown(node: Operation) -> Sequence[Any]:
    """Reports a new operation to the callbacks of this thread; returns its outputs, or the tensors that callbacks return instead."""
    attributes = node.node_def.attr
    named = {name: attributes[name] for name in node.attributes if name in attributes}
    graph = node.graph
    shown = op_callbacks.invoke(node.type, node.inputs, named, node.outputs, node.name, graph)
    # The inputs of a function are its placeholders.
    return node.outputs if node.type == "Placeholder" else shown


def arrange(node: Operation, outputs: Sequence[Any]) -> Any:
    """Returns the outputs in the form that a raw op returns."""
    op = node.raw_op
    types = op.output_dtypes
    if not types:
        return node
    if len(types) == 1:
        return outputs if type(types[0]) is tuple else outputs[0]
    return type(op).output_tuple()(*group_arguments(op.outputs, op, outputs))
