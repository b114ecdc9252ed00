"""Operations to primitives, one after the other, by each op's own `lower`."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any, cast

from penstock._src.compiler.lower.concrete_shapes import (
    check_shapes,
    expected_shapes,
    has_static_shapes,
)
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.values import DynamicRows, HostValue, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.errors import OpError
from penstock._src.core.op import entry_of, group_arguments
from penstock._src.graph.operation import Operation
from penstock._src.ir.errors import (
    LoweringDefect,
    MalformedFunction,
    NeedsValue,
    NotLowerable,
    RefusedArguments,
)
from penstock._src.ir.node import Node

Handler = Callable[["Lowering", Operation, list[Lowered]], Sequence[Lowered]]

# Ops that are lowered here rather than by their own `lower`, since they work on graphs or lists: type -> handler.
HANDLERS: dict[str, Handler] = {}


def handler(*types: str, passes: bool = False) -> Callable[[Handler], Handler]:
    """Registers a lowering for ops of some types; with `passes` it forwards values of any kind, including dynamic rows."""

    def register(function: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(types, function))
        if passes:
            PASSING.update(types)
        return function

    return register


def on_dynamic_rows(*types: str) -> Callable[[Handler], Handler]:
    """Registers the lowering of ops of some classes, and of derived classes, on dynamic rows."""

    def register(function: Handler) -> Handler:
        DYNAMIC_ROWS.update(dict.fromkeys(types, function))
        return function

    return register


def raw_op(op: Operation) -> Any:
    """The op of a node, with the attributes of its own class."""
    return op.raw_op


PASSING: set[str] = set()
# Ops that make dynamic rows where they need the value of an extent: name of a class -> handler.
UNKNOWN_EXTENTS: dict[str, Handler] = {}
# Ops on dynamic rows (`dynamic_rows_ops`): the name of an op's class, or of one that it is derived from -> handler.
DYNAMIC_ROWS: dict[str, Handler] = {}

LEAVES = frozenset({"parameter", "read", "constant"})  # kinds that no kernel computes
HOST_DTYPES = frozenset({dtypes.string, dtypes.variant})


class Lowering:
    """Lowers operations of one graph (and, in copies, of the graphs nested in it) with one builder."""

    def __init__(self, p: LoweringContext, calls: tuple[Operation, ...] = ()) -> None:
        self.p = p
        self.calls = calls  # the enclosing calls, as operations, the outermost first
        self.values: dict[int, Lowered] = {}  # a tensor's id -> its lowered value

    def nested(self, op: Operation) -> "Lowering":
        """A lowering of the body of a function of an operation: same builder and variables, tensors of its own."""
        return Lowering(self.p, (*self.calls, op))

    def value(self, tensor: Any) -> Lowered:
        """The lowered value of a tensor.

        Raises:
          NotLowerable: nothing that is lowered makes it.
        """
        lowered = self.values.get(tensor._id)
        if lowered is None:
            raise NotLowerable(f"'{tensor.name}' is computed on the host")
        return lowered

    def lower(self, op: Operation) -> None:
        """Lowers one operation, whose inputs are known.

        Raises:
          NotLowerable: it cannot be lowered; the message gives the reason.
          LoweringDefect: its lowering failed otherwise.
        """
        args = [self.value(t) for t in op._inputs]
        builder = self.p.builder
        # The context is shared with nested lowerings, so that each puts back what it found.
        before, builder.origin = builder.origin, op
        outer, self.p.arguments = self.p.arguments, args
        calls, self.p.calls = self.p.calls, self.calls
        try:
            outputs = self._outputs(op, args)
        except (NotLowerable, LoweringDefect):
            raise
        except MemoryError as error:  # constants that it would need, such as index tables
            raise NotLowerable(f"there is no memory to lower it: {error}") from error
        except (OpError, RefusedValue) as error:
            raise RefusedArguments(f"{RefusedArguments.PREFIX}{op.type}: {error}") from error
        except Exception as error:
            raise LoweringDefect(_defect(op, error)) from error
        finally:
            builder.origin, self.p.arguments, self.p.calls = before, outer, calls
        self.give(op, outputs)

    def give(self, op: Operation, outputs: Sequence[Lowered]) -> None:
        """Sets the outputs of an operation.

        Raises:
          NotLowerable: one of them has no lowered form.
        """
        # Outside of a loop nothing gives the list memory later.
        if not self.p.depth and any(map(_lost_writes, outputs)):
            raise NotLowerable("a list is written to before its memory is known")
        for tensor, value in zip(op._outputs, outputs, strict=True):
            self.values[tensor._id] = value
            if type(value) is Node and value.origin is not op and _is_computed(op, value):
                self.p.equal.setdefault(value.id, []).append(op)

    def _outputs(self, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
        if op.raw_op.elements.passes_on and not op.raw_op.stateful:  # and checks nothing
            return _identity(args)
        special = HANDLERS.get(op.type)
        if any(isinstance(arg, DynamicRows) for arg in args) and op.type not in PASSING:
            special = entry_of(type(op.raw_op), DYNAMIC_ROWS)
        if special is not None:
            return special(self, op, args)
        return self.outputs_of(op, args)

    def outputs_of(self, op: Operation, args: list[Lowered]) -> list[Lowered]:
        """The outputs that an op's own `lower` makes of these arguments, flat."""
        raw = raw_op(op)
        if not raw.has_lowering:
            raise NotLowerable(f"{op.type} has no lowering")
        for arg in args:
            if isinstance(arg, HostValue):
                raise NotLowerable(arg.why)
            if isinstance(arg, ListValue):
                raise NotLowerable(f"{op.type} does not take lists")
        if any(t.dtype in HOST_DTYPES for t in op._outputs):
            raise NotLowerable(f"{op.type} makes values that only the host can hold")
        is_static = has_static_shapes(op)
        expected = [] if is_static else expected_shapes(self.p, op, cast("list[Node]", args))
        # A lowering may ask for a value only after it has seen others, so that it is tried before the handler for
        # unknown extents.
        try:
            result = raw.lowering(self.p, *group_arguments(raw.inputs, raw, args))
        except NeedsValue:
            source = entry_of(type(op.raw_op), UNKNOWN_EXTENTS)
            if source is None:
                raise
            return list(source(self, op, args))
        outputs = self._flat(op, result)
        if not is_static:
            check_shapes(op, expected, outputs)
        return outputs

    def _flat(self, op: Operation, result: Any) -> list[Any]:
        """The outputs that a `lower` returned, one for each tensor, with their dtypes checked."""
        types = raw_op(op).output_dtypes
        if not types:
            return []
        parts = (result,) if len(types) == 1 else result
        flat: list[Any] = []
        for part, dtype in zip(parts, types, strict=True):
            nodes = list(part) if type(dtype) is tuple else [part]
            for node, expected in zip(
                nodes, dtype if type(dtype) is tuple else (dtype,), strict=True
            ):
                if not isinstance(node, Node):
                    raise MalformedFunction(
                        f"{op.type}: lower returned {type(node).__name__}, not a node."
                    )
                if node.dtype != expected:
                    raise MalformedFunction(
                        f"{op.type}: lower made {node.dtype.name}, the op declares {expected.name}."
                    )
                flat.append(node)
        for node, tensor in zip(flat, op._outputs, strict=True):
            if not fits(node.shape, tensor.shape._dims):
                raise MalformedFunction(
                    f"{op.type}: lower made shape {list(node.shape)}, the graph expects {tensor.shape}."
                )
        return flat


def _defect(op: Operation, error: Exception) -> str:
    """The description of a failure in a lowering: the exception and its position."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('_src/')[2]}:{place.lineno}"
    what = f"{type(error).__name__}: {error}"
    return f"{LoweringDefect.PREFIX}lowering '{op.name}' ({op.type}) failed at {where}: {what}"


def _lost_writes(value: Lowered) -> bool:
    """True if a value is a list that was written to without memory."""
    return isinstance(value, ListValue) and value.noted and value.buffer is None


def fits(shape: Sequence[int], static: Sequence[int | None] | None) -> bool:
    """True if the graph allows a concrete shape."""
    if static is None:
        return True
    return len(shape) == len(static) and all(map(_extent_fits, shape, static))


def _extent_fits(n: int, static: int | None) -> bool:
    return static is None or n == static


def _is_computed(op: Operation, value: Node) -> bool:
    return value.kind not in LEAVES and not op.raw_op.elements.passes_on


def _identity(args: list[Lowered]) -> Sequence[Lowered]:
    """Passes on values of every sort, lists and handles too."""
    for arg in args:
        if isinstance(arg, HostValue):
            raise NotLowerable(arg.why)
    return args


@handler("Const")
def _constant(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    raw = raw_op(op)
    if raw.dtype.np.hasobject:
        kind = "strings" if raw.dtype == dtypes.string else f"values of type {raw.dtype.name}"
        return [HostValue(f"{kind} are held by the host", raw.eager())]
    return [raw.lower(lowering.p)]


@handler("NoOp")
def _nothing(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return []


@handler("ZerosLike", passes=True)
def _zeros_like(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    (x,) = args
    if isinstance(x, HostValue):
        raise NotLowerable(x.why)
    if isinstance(x, ListValue):
        if x.buffer is None:
            return [x]
        return [x.with_buffer(lowering.p.full(x.buffer.shape, 0, x.dtype))]
    if isinstance(x, DynamicRows):
        return [DynamicRows(lowering.p.full(x.rows.shape, 0, x.dtype), x.count)]
    return [lowering.p.full(x.shape, 0, x.dtype)]


@handler("AddN")
def _add_all(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    total: Any = None
    for arg in args:
        if isinstance(arg, HostValue):
            raise NotLowerable(arg.why)
        if isinstance(arg, ListValue):
            total = arg if total is None else _added(lowering, total, arg)
        elif total is None:
            total = arg
        elif arg.shape != total.shape:  # type: ignore[union-attr]
            raise NotLowerable("the host refuses terms of different shapes")
        else:
            total = lowering.p.add(total, arg)
    return [total]


def _added(lowering: Lowering, a: ListValue, b: ListValue) -> ListValue:
    """The element-by-element sum of two lists of one length; unset elements are zeros."""
    if a.buffer is None:
        return b
    if b.buffer is None:
        return a
    if a.buffer.shape != b.buffer.shape:
        raise NotLowerable("the lists to add have different capacities")
    return a.with_buffer(lowering.p.add(a.buffer, b.buffer))
