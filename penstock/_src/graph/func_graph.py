"""FuncGraph: the body of a function. Outer tensors that it reads become captures: extra inputs."""

import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.placement import POLICY
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InaccessibleTensorError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util.process import forks

# Captured eager integers of up to this many elements become constants, so that shapes stay static.
SMALL_CONSTANT = 128
# The collections that functions share with the graph around them.
_OF_VARIABLES = ("variables", "local_variables", "trainable_variables")
# A number at the end of a function's name; a file may have any.
_NUMBER = re.compile("[0-9]{1,9}")


class _Numbers:
    """Numbers of functions, which their names end in."""

    def __init__(self) -> None:
        self._lock = forks.freed_in_child(threading.Lock())
        self._next = 1

    def __next__(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1

    def leave_out(self, names: Iterable[str]) -> None:
        """Goes on above the numbers at the end of these names."""
        ends = [name.rpartition("_")[2] for name in names]
        highest = max((int(end) for end in ends if _NUMBER.fullmatch(end)), default=-1)
        with self._lock:
            self._next = max(self._next, highest + 1)


_COUNT = _Numbers()
# Called with the names of a file's functions before these are imported: functions that are made from now on have others.
leave_out_names = _COUNT.leave_out


class Global:
    """The graph that is the default outside of `with graph.as_default()`, from its first use on."""

    graph: Graph | None = None


class TensorSignature:
    """The types of the inputs and outputs of a function over tensors."""

    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor]

    @property
    def input_types(self) -> list[DType]:
        """The types of the inputs."""
        return [t.dtype for t in self.inputs]

    @property
    def output_types(self) -> list[DType]:
        """The types of the outputs."""
        return [t.dtype for t in self.outputs]

    @property
    def output_shapes(self) -> list[TensorShape]:
        """The static shapes of the outputs."""
        return [t.shape for t in self.outputs]


class FuncGraph(Graph, TensorSignature):
    """The graph of a function.

    `inputs` are placeholders: first the arguments, then the captures in the order they were made.
    `outputs` are tensors. `structured_input_signature` and `structured_outputs` hold the nested Python structures.
    `captures` gives (external tensor, placeholder) pairs.

    Args:
      name: of the function.
      outer_graph: the graph around it; by default the one that is being built.
      capture_by_value: whether constants are copied into the graph instead of captured.
      collections: what the graph's collections begin with, a dict.
      structured_input_signature: the structure of the arguments.
      structured_outputs: the structure of the results.
    """

    building_function = True
    _outermost: Graph | None = None
    is_control_flow_graph = False
    # True if it is inlined in the enclosing function and shares that function's arguments.
    is_part_of_function = False
    keeps_program_order = True
    # True if AutoGraph converts the traced Python function.
    converts = True
    # True if the outputs come after all side effects: definitions express it by control inputs, programs keep the order.
    outputs_wait = False
    # True if the operations that run it wait for its `control_captures`.
    calls_wait = False
    # the interface that the traced function is one of several implementations of
    implements: str | None = None
    # the device of the traced call; operations do not store it, as other calls may run on other devices
    calling_device: str | None = None
    # the number of the device of all calls (core/calls/placement.py); None: that of each call
    home: int | None = None
    # called when the function has been traced
    exit_callbacks: Sequence[Callable[[], Any]] = ()

    def __init__(
        self,
        name: str,
        outer_graph: Graph | None = None,
        capture_by_value: bool = False,
        collections: Any = None,
        structured_input_signature: Any = None,
        structured_outputs: Any = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.enclosing = outer_graph if outer_graph is not None else STATE.graph
        if self.enclosing is None:
            POLICY.traced = True
        self.inputs: list[SymbolicTensor] = []
        self.outputs: list[SymbolicTensor] = []
        self.control_outputs: list[Operation] = []
        # operations of the graphs around it that run before it
        self.control_captures: list[Operation] = []
        self.structured_input_signature = structured_input_signature
        self.structured_outputs = structured_outputs
        self.capture_by_value = capture_by_value
        # id of the external tensor -> (external tensor, placeholder), in order
        self._captured: dict[int, tuple[Any, SymbolicTensor]] = {}
        # id of an external tensor -> the constant that replaces it
        self.constants_of_captures: dict[int, SymbolicTensor] = {}
        # gradients of the graph that were made: see autodiff/control_flow.py and loop_gradient.py
        self.backward_graphs: dict[Any, Any] = {}
        self.backward_steps: dict[Any, Any] = {}
        # id of a variable's handle, or of the argument for it -> that argument: other calls pass other variables
        self.argument_handles: dict[int, SymbolicTensor] = {}
        # the function of Python, while it is traced
        self.python_function: Callable[..., Any] | None = None
        # (placeholder, argument) pairs while the function is traced
        self.argument_values: list[tuple[Any, Any]] = []
        # tensors of operations with effects, and their values, which initial values of variables share; likewise
        self.lifted: list[tuple[SymbolicTensor, Any]] = []
        # id of a variable -> weak reference to it, in order of first use
        self._weak_variables: dict[int, weakref.ref] = {}
        if self.enclosing is not None:
            self.seed = self.enclosing.seed
            self._colocation = self.enclosing._colocation
        around = self.enclosing or (STATE.default_graphs or [Global.graph])[-1]
        if around is not None:
            self._see_collections(around)

    def _see_collections(self, outer: Graph) -> None:
        """Let the function read the enclosing collections. Its additions stay inside, except variables."""
        for name, items in outer._collections.items():
            self._collections[name] = items if name in _OF_VARIABLES else list(items)

    @property
    def outer_graph(self) -> Graph:
        """The graph in which the function is made. Eager code gets an empty graph, where TensorFlow has its global graph and
        `enclosing` is None."""
        if self.enclosing is not None:
            return self.enclosing
        if FuncGraph._outermost is None:
            FuncGraph._outermost = Graph()
        return FuncGraph._outermost

    # -- captures

    def local(self, tensor: Any) -> SymbolicTensor:
        """Returns `tensor` as a tensor of this graph, captured if it belongs outside."""
        if isinstance(tensor, SymbolicTensor) and tensor._op.graph is self:
            return tensor
        return self.capture(tensor)

    def capture(self, tensor: Any, name: str | None = None, shape: Any = None) -> SymbolicTensor:
        """Returns the placeholder for an outer tensor.

        Raises:
          InaccessibleTensorError: the tensor belongs to a finished function, branch or loop inside this graph.
        """
        if isinstance(tensor, SymbolicTensor):
            if tensor.graph is self:
                return tensor
            self._check_in_scope(tensor)
            if self.capture_by_value:
                return self._copy_of(tensor)
        known = self._captured.get(tensor._id)
        if known is not None:
            _watch_copy(tensor, known[1])
            return known[1]
        # A branch or loop captures the handle itself; its operation in this graph then takes the argument.
        if tensor.dtype is dtypes.resource and not self.is_control_flow_graph:
            argument = self._argument_for(tensor)
            if argument is not None:
                _watch_copy(tensor, argument)
                return self.local(argument)
        if not isinstance(tensor, SymbolicTensor) and self._is_small(tensor):
            constant = self.constant(tensor._value, tensor.dtype, name)
            self.constants_of_captures[tensor._id] = constant
            return constant
        return self._add_capture(tensor, name, shape)

    def _argument_for(self, handle: Any) -> SymbolicTensor | None:
        """Returns the function's argument for a variable's handle, or None."""
        graph: Any = self
        while graph is not None and graph.building_function:
            argument = graph.argument_handles.get(handle._id)
            if argument is not None or not graph.is_part_of_function:
                return None if argument is handle else argument
            graph = graph.enclosing
        return None

    def _is_small(self, tensor: Any) -> bool:
        dtype = tensor.dtype
        if not (dtype.is_integer or dtype.is_bool) or not tensor.holds_whole:
            return False
        return tensor._num_elements() <= SMALL_CONSTANT

    def _add_capture(self, tensor: Any, name: str | None, shape: Any) -> SymbolicTensor:
        name = name or self._name_of(tensor)
        given = tensor.op.name if isinstance(tensor, SymbolicTensor) else name.rpartition("/")[2]
        shape = tensor.shape if shape is None else shape
        placeholder = self.placeholder(tensor.dtype, shape, name, given)
        placeholder._handle_data = _handle_data_of(tensor)
        self._captured[tensor._id] = (tensor, placeholder)
        self.inputs.append(placeholder)
        self.record_capture(tensor, placeholder)
        return placeholder

    def record_capture(self, tensor: Any, placeholder: SymbolicTensor) -> None:
        """Records on the tapes and accumulators inside this graph that both are the same tensor."""
        for tape in STATE.tapes:
            tape.record_identity(tensor, placeholder)
        _record_tangent(tensor, placeholder)

    def _name_of(self, tensor: Any) -> str:
        """The name of a capture: in the scope of the operation that reads it, the outer name or that of the argument."""
        inner = tensor.op.name if isinstance(tensor, SymbolicTensor) else ""
        if self._recording is None:
            return inner or "capture"
        owner, op, inputs = self._recording
        position = next((i for i, t in enumerate(inputs) if t is tensor), None)
        if position is None:
            return inner or "capture"
        argument = inner or _argument_at(op, position)
        if owner[-1] == "/":  # the scope of the operation, which is not below another
            return (owner + argument)[len(self._scope) + 1 if self._scope else 0 :]
        around, self._binding = self._binding, owner
        try:
            return self._name_of_part(argument)
        finally:
            self._binding = around

    def _check_in_scope(self, tensor: SymbolicTensor) -> None:
        """Refuses a tensor from inside of this graph. Another function's is captured, and missing when the function is called."""
        inner: Any = tensor.graph
        while inner is not self:
            inner = getattr(inner, "enclosing", None)
            if inner is None:
                return
        where = f" It was made at {tensor.op.location}." if tensor.op.location else ""
        error = InaccessibleTensorError(
            f"{tensor!r} is out of scope and cannot be used here. Use return values, explicit "
            "Python locals or TensorFlow collections to access it: it is defined in another "
            f"function or code block ({getattr(tensor.graph, 'name', 'a graph')}).{where}"
        )
        error.tensor = tensor
        raise error

    def _copy_of(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Copies the operation that makes `tensor`, and all that it depends on, into this graph.

        Raises:
          ValueError: it depends on a placeholder, or on mutable state such as a variable.
        """
        op = tensor.op
        if op.type == "Placeholder":
            raise ValueError(
                f"Cannot capture a placeholder (name:{op.name}, type:{op.type}) by value."
            )
        if op.raw_op.stateful and "shared_name" in op.raw_op.attrs:
            raise ValueError(
                f"Cannot capture a stateful node (name:{op.name}, type:{op.type}) by value."
            )
        inputs = [self.local(t) for t in op._inputs]
        return self.add(op.raw_op, inputs, op.name).outputs[tensor.value_index]

    def placeholder(
        self, dtype: DType, shape: TensorShape, name: str, given_name: str | None = None
    ) -> SymbolicTensor:
        """Adds a placeholder, outside all control dependencies; `given_name` is that of `Operation`."""
        before = STATE.graph, STATE.tapes
        recording = self._recording  # an operation that captures several tensors
        STATE.graph, STATE.tapes = self, ()
        control, self._control_stack = self._control_stack, []
        try:
            tensor = raw.Placeholder(dtype=dtype, shape=shape, name=name)
            tensor._op.given_name = given_name
            return tensor
        finally:
            STATE.graph, STATE.tapes = before
            self._control_stack, self._recording = control, recording

    def _awaited_here(self, op: Operation) -> Operation | None:
        """Returns `op`, or None if it belongs to a graph around this one: calls of this graph wait for it, or, if nothing adds such
        calls to a graph, the placeholder of a tensor that is made after it."""
        if op.graph is self:
            return op
        outer = self.enclosing
        while outer is not None and outer is not op.graph:
            outer = getattr(outer, "enclosing", None)
        if outer is None and op.outputs:  # of a forward graph, or out of scope
            return FuncGraph.capture(self, op.outputs[0]).op
        if outer is None:
            raise ValueError(f"{op!r} is not an element of this graph.")
        if not self.calls_wait:
            return FuncGraph.capture(self, _made_after(op)).op  # not a copy of the constant
        if op not in self.control_captures:
            self.control_captures.append(op)
        return None

    @property
    def captures(self) -> list[tuple[Any, SymbolicTensor]]:
        """Pairs (external tensor, placeholder), in the order they were captured."""
        return list(self._captured.values())

    @property
    def external_captures(self) -> list[Any]:
        """The outer tensors that the function reads."""
        return [external for external, _ in self._captured.values()]

    @property
    def internal_captures(self) -> list[SymbolicTensor]:
        """The placeholders of the captures."""
        return [placeholder for _, placeholder in self._captured.values()]

    @property
    def deferred_internal_captures(self) -> list[SymbolicTensor]:
        """Placeholders of values that are computed at each call: always empty, because captures are tensors."""
        return []

    @property
    def deferred_external_captures(self) -> list[Any]:
        """The functions that compute those values: always empty."""
        return []

    @property
    def num_captures(self) -> int:
        """The number of captures."""
        return len(self._captured)

    def release_captures(self) -> None:
        """Lets go of the outer tensors, in branches and loops, too, once no function is left that runs the graph.

        A graph and its operations hold each other until the cyclic collector comes, and would hold the tensors' arrays as long.
        """
        self._captured.clear()
        for operation in self._operations:
            for graph in graphs_in(operation.raw_op.attrs.values()):
                # Graphs of called functions may be in use by other calls.
                if graph.enclosing is self and graph.is_control_flow_graph:
                    graph.release_captures()

    def replace_capture(self, tensor: Any, placeholder: SymbolicTensor) -> None:
        """Makes `placeholder`, already an input, the capture of `tensor`."""
        self._captured[tensor._id] = (tensor, placeholder)

    def drop_capture(self, tensor: Any) -> SymbolicTensor:
        """Removes the capture of an outer tensor that no operation reads any more; returns its placeholder."""
        _, placeholder = self._captured.pop(tensor._id)
        self.inputs = [t for t in self.inputs if t is not placeholder]
        return placeholder

    # -- variables

    def watch_variable(self, variable: Any) -> None:
        """Remembers that the function uses a variable, unless it is an argument."""
        if self.argument_handles and variable.handle._id in self.argument_handles:
            return
        known = self._weak_variables.get(id(variable))
        if known is None or known() is not variable:
            self._weak_variables.pop(id(variable), None)  # an entry of a deleted variable
            self._weak_variables[id(variable)] = weakref.ref(variable)
        if isinstance(self.enclosing, FuncGraph):
            self.enclosing.watch_variable(variable)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses, in the order of first use."""
        alive = (ref() for ref in self._weak_variables.values())
        return tuple(v for v in alive if v is not None)

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The trainable ones among `variables`."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def is_stateful(self) -> bool:
        """True if any operation has a side effect or reads state."""
        return any(op.raw_op.stateful for op in self._operations)

    def name_for_function(self) -> str:
        """Returns a name for a function over this graph."""
        return f"__inference_{self.name}_{next(_COUNT)}"

    def name_for_forward(self) -> str:
        """Returns a name for the form of a function that also returns the tensors that gradients read."""
        return f"__forward_{self.name}_{next(_COUNT)}"

    def name_for_frozen(self) -> str:
        """Returns a name for a function that takes the values of variables in place of their handles."""
        return f"{self.name}_frozen_{next(_COUNT)}"

    def __str__(self) -> str:
        return f"FuncGraph(name={self.name}, id={id(self)})"

    __repr__ = __str__


def graphs_in(attributes: Iterable[Any]) -> Iterator[FuncGraph]:
    """Yields the graphs of the functions among the values of attributes, also in tuples."""
    for value in attributes:
        for inner in value if isinstance(value, tuple) else (value,):
            graph = getattr(inner, "graph", None)
            if isinstance(graph, FuncGraph):
                yield graph


def _handle_data_of(tensor: Any) -> Any:
    """The shapes and dtypes of what a handle holds; an eager tensor's list says them itself."""
    known = getattr(tensor, "_handle_data", None)
    if known is None and tensor.dtype is dtypes.variant:
        known = getattr(getattr(tensor, "_value", None), "handle_data", None)
    return known


def _watch_copy(tensor: Any, placeholder: SymbolicTensor) -> None:
    """Records that both are the same on tapes and accumulators that were started after the capture, or were paused during it."""
    for tape in STATE.tapes:
        if tensor._id in tape.watched and placeholder._id not in tape.watched:
            tape.record_identity(tensor, placeholder)
    _record_tangent(tensor, placeholder)


def _record_tangent(tensor: Any, placeholder: SymbolicTensor) -> None:
    """Report to forward accumulators that both tensors are the same, unless they only read values."""
    for accumulator in STATE.accumulators:
        if hasattr(accumulator, "record_identity"):
            accumulator.record_identity(tensor, placeholder)


def _argument_at(op: Op, position: int) -> str:
    """The name of the argument of an op that holds its input at a position; those of a list are numbered."""
    for argument in op.inputs:
        if not argument.is_list:
            if position == 0:
                return argument.defined_name
            position -= 1
            continue
        count: Any = op.attrs[argument.type_list_attr or argument.number_attr or ""]
        count = count if isinstance(count, int) else len(count)
        if position < count:
            return f"{argument.defined_name}_{position}"
        position -= count
    return "capture"


class ControlFlowGraph(FuncGraph):
    """The graph of a branch, or of a loop's condition or body.

    Its collections are those of the graph around it, and so are its scopes, except below a graph of TensorFlow 1. It keeps the
    order of its effects if that graph does.
    """

    is_control_flow_graph = is_part_of_function = calls_wait = True

    def __init__(self, name: str) -> None:
        """`name` consists of the operation's name and its part, such as `outer/while/body`."""
        super().__init__(f"{name.replace('/', '_')}_{next(_COUNT)}")
        self._is_named_after = False
        outermost = around = self.outer_graph
        self._collections = around._collections
        self.keeps_program_order = around.keeps_program_order
        while isinstance(outermost, FuncGraph) and outermost.enclosing is not None:
            outermost = outermost.enclosing
        if isinstance(outermost, FuncGraph):
            self._scope = around._scope

    def name_for_function(self) -> str:
        """Returns the graph's own name for the first function; later functions get it as a prefix."""
        if not self._is_named_after:
            self._is_named_after = True
            return self.name
        return self.name_for_forward()

    def name_for_forward(self) -> str:
        """Returns a name that begins with that of the graph."""
        return f"{self.name}_rewritten_{next(_COUNT)}"


def _made_after(op: Operation) -> SymbolicTensor:
    """Adds a tensor to the graph of `op` that is computed after it."""
    before = STATE.graph, STATE.tapes
    STATE.graph, STATE.tapes = op.graph, ()
    try:
        with op.graph.control_dependencies(None), op.graph.control_dependencies([op]):
            return raw.Identity(input=op.graph.constant(np.bool_(False), dtypes.bool_, None))
    finally:
        STATE.graph, STATE.tapes = before
