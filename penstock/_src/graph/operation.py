"""Operation, a node of a graph, and SymbolicTensor, one of its outputs."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.core.calls.no_value import advice
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import OperatorNotAllowedInGraphError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import NEXT_MOMENT, Tensor
from penstock._src.graph.members.conversions import OperationConversions
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export
from penstock._src.util.locations import Location, StackFrame, StackTrace
from penstock._src.util.signatures import read_only


class SymbolicTensor(Tensor):
    """An output of an operation in a graph: a dtype and a static shape; its value exists only at run time.

    Args:
      op: the operation that makes it.
      index: of the output.
      dtype: of the elements.
      shape: the static shape.
    """

    __slots__ = ("_op", "_value_index", "_dtype", "_shape", "_handle_data")

    def __init__(self, op: "Operation", index: int, dtype: DType, shape: TensorShape) -> None:
        self._op, self._value_index = op, index
        self._dtype, self._shape = dtype, shape
        self._id = -NEXT_MOMENT()
        self._handle_data: Any = None

    op: "Operation" = read_only("_op", "The operation that makes this tensor.")
    graph = read_only("_op.graph", "The graph that holds it.")
    value_index: int = read_only("_value_index", "The index of this output in its operation.")
    dtype: DType = read_only("_dtype", "The type of the elements.")
    shape: TensorShape = read_only("_shape", "The static shape.")

    @property
    def name(self) -> str:
        """`<operation>:<output>`."""
        return f"{self._op.name}:{self._value_index}"

    device: str = read_only("_op.device", "The device asked for, or an empty string.")

    def set_shape(self, shape: Any) -> None:
        """Merges `shape` into the static shape.

        Raises:
          ValueError: it is incompatible with the static shape.
        """
        try:
            self._shape = self._shape.merge_with(as_shape(shape))
        except ValueError as error:
            raise ValueError(getattr(error, "in_graph", str(error))) from None

    def consumers(self) -> list["Operation"]:
        """Returns the operations that read this tensor."""
        return _readers(self.graph, [self])

    def _shape_tuple(self) -> Any:
        return self._shape._dims

    def _rank(self) -> Any:
        return self._shape.rank

    def _no_value(self, task: str) -> OperatorNotAllowedInGraphError:
        return OperatorNotAllowedInGraphError(
            f"{task} is not allowed: the symbolic `tf.Tensor` '{self.name}' has no value while a "
            f"graph is built. {advice(self.graph)}"
        )

    def __bool__(self) -> bool:
        raise self._no_value("Using a symbolic `tf.Tensor` as a Python `bool`")

    def __nonzero__(self) -> bool:
        return self.__bool__()

    def __iter__(self) -> Any:
        raise self._no_value("Iterating over a symbolic `tf.Tensor`")

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for a symbolic Tensor ({self.name}). Please call "
            "`x.shape` rather than `len(x)` for shape information."
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may "
            "indicate that you're trying to pass a Tensor to a NumPy call, which is not supported."
        )

    @property
    def numpy(self) -> Any:
        """Raises AttributeError while a graph is built, so that `hasattr` is False."""
        raise AttributeError(
            f"'SymbolicTensor' object has no attribute 'numpy': '{self.name}' has no value while a "
            "graph is built. Call numpy() on what the function returns, outside it."
        )

    def __int__(self) -> int:
        raise TypeError(f"int() argument must be a number, not the symbolic tensor {self.name}.")

    def __float__(self) -> float:
        raise TypeError(f"float() argument must be a number, not the symbolic tensor {self.name}.")

    def __index__(self) -> int:
        raise TypeError(f"The symbolic tensor {self.name} has no value to index with.")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Runs the graph in a session and returns the value (v1)."""
        session = session or self.graph._default_session()
        return session.run(self, feed_dict)

    def __str__(self) -> str:
        shape = "" if self._shape.rank is None else f", shape={self._shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self._shape} dtype={self._dtype.name}>"


@dataclass
class LoopFacts:
    """Information for the gradient of a While: the output that counts iterations, their maximum (a number or a tensor), and
    {tensor of the body: the output with its values in all iterations}."""

    counter: int | None = None
    limit: Any = None
    accumulators: dict[int, int] = dataclasses.field(default_factory=dict)


@export("Operation")
class Operation(OperationConversions):
    """A node of a graph: an op with its attributes, inputs and control inputs.

    Args:
      graph: that holds it; its methods make operations.
      op: what it computes, with its attributes.
      name: unique in the graph.
      inputs: tensors of the graph.
      control_inputs: operations that run before.
      shapes: the static shape of each output.
      device: the device asked for, or "".
      location: the line of the program that made it.

    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     product = tf.constant([1.0, 2.0], name="x") * 3.0
    >>> product.op.type, product.op.inputs[0].name
    ('Mul', 'x:0')
    """

    # of a While
    loop: LoopFacts | None = None
    # for an argument of a function: the name by which programs know it; None: its own; "": it has none
    given_name: str | None = None
    # for a VarHandleOp: True if TensorFlow has a reference variable, whose value a session fetches
    stands_for_reference: bool = False
    # see bridge/internals/control_flow_contexts.py
    _control_flow_context: Any = None
    # The operation that it replaces, if the program declared one.
    made_for: Any = None
    # for a condition or loop: True if TensorFlow may run it as Switch and Merge; None: not specified
    may_be_lowered: bool | None = None
    # b"loc:@name" of the operations beside which it was made to run
    colocation: tuple[bytes, ...] = ()
    # the Python function that a PyFunc calls: kept alive as long as the operation is
    python_function: Any = None
    # for a copy: the operation whose kernel has its state (core/values/kernel_state.py)
    state_owner: Any = None
    # the values of outputs that are the same in every run, computed at first use
    static_outputs: list[Any] | None = None
    # (tape, entry) of each tape that recorded it: new outputs are added there
    tape_entries: tuple[Any, ...] = ()
    # (accumulator, step) of each forward accumulator that recorded it: likewise
    accumulator_steps: tuple[Any, ...] = ()

    def __init__(
        self,
        graph: Any,
        op: Op,
        name: str,
        inputs: list[SymbolicTensor],
        control_inputs: list["Operation"],
        shapes: list[TensorShape],
        device: str = "",
        location: Location | None = None,
    ) -> None:
        self._graph, self.raw_op, self._name = graph, op, name
        self._inputs, self._control_inputs = inputs, control_inputs
        self._device, self.location = device, location
        self.position = len(graph._operations)
        # Larger than the moments of all earlier operations, wherever it is in the graph.
        self.moment = NEXT_MOMENT()
        # Set by tf.custom_gradient: a function (op, *gradients) -> gradients that replaces the op's own gradient.
        self.gradient_override: Any = None
        # The name of such a function in a SavedModel or GraphDef.
        self.gradient_kind = ""
        # In the gradient of an operation: the id of that operation's first output.
        self.gradient_of: int | None = STATE.gradient_of
        if len(shapes) == 1 and len(op.output_dtypes) == 1:
            (dtype,) = op.output_dtypes
            if type(dtype) is not tuple:
                self._outputs = [SymbolicTensor(self, 0, dtype, shapes[0])]
                return
        types: list[DType] = []
        for dtype in op.output_dtypes:
            types.extend(dtype) if type(dtype) is tuple else types.append(dtype)
        self._outputs = [
            SymbolicTensor(self, i, dtype, shape)
            for i, (dtype, shape) in enumerate(zip(types, shapes, strict=True))
        ]

    name: str = read_only("_name", "The name, unique in the graph.")
    graph = read_only("_graph", "The graph that holds it.")
    device: str = read_only("_device", "The device asked for, or an empty string.")
    type: str = read_only("raw_op.op_type", 'The op\'s name, such as "MatMul".')

    @property
    def inputs(self) -> tuple[SymbolicTensor, ...]:
        """The tensors that it reads."""
        return tuple(self._inputs)

    outputs: list[SymbolicTensor] = read_only("_outputs", "The tensors that it produces.")

    def readers(self) -> list["Operation"]:
        """Returns the operations that read what it produces."""
        return _readers(self.graph, self._outputs)

    @property
    def control_inputs(self) -> list["Operation"]:
        """Operations that must run before this one."""
        return list(self._control_inputs)

    @property
    def _control_outputs(self) -> list["Operation"]:
        return [op for op in self.graph._operations if self in op._control_inputs]

    @property
    def _original_op(self) -> "Operation | None":
        """The operation that this one replaces; in a gradient, the operation that it differentiates."""
        if self.made_for is not None:
            return self.made_for
        originals = (
            op
            for op in self.graph._operations
            if op._outputs and self.gradient_of == op._outputs[0]._id
        )
        return None if self.gradient_of is None else next(originals, None)

    @property
    def traceback(self) -> StackTrace | None:
        """The user's line that made the operation, as a stack of one frame; None of operations that no line made."""
        return None if self.location is None else StackTrace([StackFrame(*self.location)])

    attributes: dict[str, Any] = read_only("raw_op.attrs", "The attributes by name.")

    def experimental_set_type(self, type_proto: Any) -> None:
        """Keeps the FullTypeDef of the operation's outputs; nothing depends on it.

        Args:
          type_proto: a FullTypeDef.
        """
        self._full_type = type_proto

    def values(self) -> tuple[SymbolicTensor, ...]:
        """Returns the outputs.

        Returns:
          A tuple of tensors.
        """
        return tuple(self._outputs)

    def colocation_groups(self) -> list[bytes]:
        """Returns the names of its colocation groups: its own if it is made to run beside no other operation.

        Returns:
          A list such as [b"loc:@total"].
        """
        noted = self.annotations.get("_class")
        groups = self.colocation if noted is None else noted.list.s
        explicit = [group for group in groups if group.startswith(b"loc:@")]
        return explicit or [b"loc:@" + self._name.encode()]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs the operation in a session (v1).

        Args:
          feed_dict: values of tensors.
          session: a `tf.compat.v1.Session`; by default the default one.
        """
        session = session or self.graph._default_session()
        session.run(self, feed_dict)

    def _add_control_input(self, op: "Operation") -> None:
        if op not in self._control_inputs:
            self._control_inputs.append(op)
            self.graph._edits += 1

    def _add_control_inputs(self, ops: Any) -> None:
        for op in ops:
            self._add_control_input(op)

    def _remove_all_control_inputs(self) -> None:
        self._control_inputs.clear()
        self.graph._edits += 1

    def _update_input(self, index: int, tensor: SymbolicTensor) -> None:
        if not 0 <= index < len(self._inputs):
            raise OutOfRangeError(
                f"Cannot update edge. Input index [{index}] is greater than the number of total inputs [{len(self._inputs)}]."
            )
        self._inputs[index] = tensor
        self.graph._edits += 1

    def as_written(self) -> "tuple[Op, list[SymbolicTensor]]":
        """Returns the op that replaces this operation's in saved files, and its inputs."""
        replacement = self.raw_op.written_as()
        if replacement is None:
            return self.raw_op, self._inputs
        raw_op, count = replacement
        return raw_op, self._inputs[:count]

    def _get_control_flow_context(self) -> Any:
        """Returns the context in which the operation was built, or None."""
        return self._control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    def __str__(self) -> str:
        inputs = ", ".join(t.name for t in self._inputs)
        return f"{self._name} = {self.raw_op!r} ({inputs})"

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


def is_symbolic(value: Any) -> bool:
    """True if `value` is a tensor of a graph."""
    return isinstance(value, SymbolicTensor)


def source_of(tensor: SymbolicTensor) -> SymbolicTensor:
    """Returns the tensor that `tensor` is a copy of: functions return their results through Identity operations."""
    while tensor._op.type == "Identity":
        tensor = tensor._op._inputs[0]
    return tensor


# -- the graph that an operation belongs in: that of its inputs, whichever graph is the default one


def graph_of(values: Iterable[Any]) -> Any:
    """Returns the graph that all tensors and operations in `values` belong to; None if there are none.

    Args:
      values: arguments of a function. Ragged tensors and variables count as the tensors that stand for them in a graph;
        arrays, eager tensors and lists belong to no graph.

    Raises:
      ValueError: two of them belong to different graphs.
    """
    first: Any = None
    for value in values:
        element = _element(value)
        if element is None:
            continue
        if first is None:
            first = element
        elif element.graph is not first.graph:
            raise ValueError(
                f"{element} must be from the same graph as {first} (graphs are {element.graph} and "
                f"{first.graph})."
            )
    return None if first is None else first.graph


def _element(value: Any) -> SymbolicTensor | Operation | None:
    """Returns the tensor or operation that a value is in a graph, if any."""
    if not isinstance(value, SymbolicTensor | Operation):
        as_element = None if isinstance(value, type) else getattr(value, "_as_graph_element", None)
        value = None if as_element is None else as_element()
    return value if isinstance(value, SymbolicTensor | Operation) else None


def flat_arguments(arguments: Iterable[Any]) -> Iterator[Any]:
    """Yields the arguments of a call, with the elements of lists in place of the lists."""
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from argument
        else:
            yield argument


def in_graph_of(values: Iterable[Any]) -> contextlib.AbstractContextManager[Any]:
    """A block in which ops are added to the graph of `values`, if they are symbolic and no function is traced.

    Raises:
      ValueError: two of them belong to different graphs.
    """
    current = STATE.graph
    if current is None or current.building_function:
        return contextlib.nullcontext()
    graph = graph_of(values)
    if graph is None or graph is current or graph.building_function:
        return contextlib.nullcontext()
    return graph.as_default()


def scope_of(
    values: Iterable[Any], name: str | None, default: str
) -> contextlib.AbstractContextManager[str | None]:
    """The scope of a function of `values` that records several operations, in their graph; eagerly nothing, and None.

    Raises:
      ValueError: two of the values belong to different graphs.
    """
    if STATE.graph is None:
        return contextlib.nullcontext()
    return _scope_in(in_graph_of(values), name or default)


@contextlib.contextmanager
def _scope_in(graph: contextlib.AbstractContextManager[Any], name: str) -> Iterator[str]:
    with graph, STATE.graph.name_scope(name) as scope:
        yield scope


def _readers(graph: Any, tensors: list[SymbolicTensor]) -> list[Operation]:
    """The operations of `graph` that read any of `tensors`, in order."""
    state = len(graph._operations), graph._edits
    if graph._readers_found[0] != state:
        graph._readers_found = state, _all_readers(graph._operations)
    by_tensor = graph._readers_found[1]
    readers = {op.position: op for tensor in tensors for op in by_tensor.get(tensor._id, ())}
    return [readers[position] for position in sorted(readers)]


def _all_readers(operations: list[Operation]) -> dict[int, list[Operation]]:
    """For the id of each tensor the operations that read it."""
    by_tensor: dict[int, list[Operation]] = {}
    for op in operations:
        for tensor in op._inputs:
            by_tensor.setdefault(tensor._id, []).append(op)
    return by_tensor
