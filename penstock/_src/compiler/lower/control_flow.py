"""Calls and loops: ops whose attributes are graph functions, lowered in place and into `while` nodes."""

from collections.abc import Sequence
from typing import Any, TypeGuard

from penstock._src.compiler.lower.context import LoweringContext, follows_xla
from penstock._src.compiler.lower.loops import Loop, lower_loop
from penstock._src.compiler.lower.lowering import Lowering, fits, handler, raw_op
from penstock._src.compiler.lower.values import Absent, ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes.unused_results import operations_to_run
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_one
from penstock._src.ir.node import Node

_MOST_STEPS_BACK = 16  # most operations that are followed to find the step of a counter
_OPERATIONS = "operations without unused ones"  # key of `GraphFunction.derived`


def inline(lowering: Lowering, function: Any, args: Sequence[Lowered]) -> list[Lowered]:
    """The outputs of a graph function on these arguments; its effects on variables happen.

    Functions that it calls are gone into with a stack of their own: they are nested deeper than Python's.
    """
    calls = [_Inlined(lowering, function, args, lowering.p.origin)]
    while True:
        current = calls[-1]
        op = next(current.operations, None)
        if op is None:
            results = calls.pop().results()
            if not calls:
                return results
            calls[-1].inner.give(calls[-1].calling, results)
        elif op.raw_op.flow.control == "call":
            called, values = callee(op), [current.inner.value(t) for t in op._inputs]
            # Equal calls are lowered once: functions that each call the next one twice would take time 2^depth.
            known = current.inner.p.inlined_calls.get(_call_key(current.inner, called, values, op))
            if known is not None:
                current.inner.give(op, known[0])
            else:
                current.calling = op
                calls.append(_Inlined(current.inner, called, values, op))
        else:
            current.inner.lower(op)


class _Inlined:
    """A function that is being lowered, and its operations that have not been lowered yet."""

    def __init__(
        self, lowering: Lowering, function: Any, args: Sequence[Lowered], op: Operation
    ) -> None:
        self.function = function
        self.inner = lowering.nested(op)
        for tensor, arg in zip(function.inputs, args, strict=True):
            # A branch that is not taken also has such a gradient, if the branches' results differ in shape.
            if _is_array(arg) and not fits(arg.shape, tensor.shape._dims):
                text = f"{function.name} was traced for '{tensor.op.name}' of shape {tensor.shape}"
                raise NotLowerable(f"{text}, not {list(arg.shape)}")
            self.inner.values[tensor._id] = arg
        self.operations = iter(operations(function))
        self.calling: Any = None  # the operation that waits for another function
        # Before the body is lowered: afterwards variables and checks may be others.
        self.key = _call_key(lowering, function, args, op)

    def results(self) -> list[Lowered]:
        """The function's outputs, once all its operations are lowered."""
        values = [self.inner.value(t) for t in self.function.outputs]
        if self.key is not None and all(isinstance(value, Node) for value in values):
            # The checks are kept with the values, so that their id, a part of the key, is not reused.
            self.inner.p.inlined_calls[self.key] = values, self.inner.p.inner_checks
        return values


def _is_array(arg: Lowered) -> TypeGuard[Node]:
    return isinstance(arg, Node) and arg.dtype not in (dtypes.resource, dtypes.variant)


def _call_key(lowering: Lowering, function: Any, args: Sequence[Lowered], op: Operation) -> Any:
    """Equal for calls that give the same nodes and checks; None for calls that may have other effects."""
    # A handle is not a value: what it refers to may change between two calls.
    nodes = [a.id for a in args if isinstance(a, Node) and a.dtype != dtypes.resource]
    if len(nodes) < len(args) or function.is_stateful:
        return None
    is_for_xla = follows_xla((*lowering.calls, op))
    return id(function), tuple(nodes), id(lowering.p.inner_checks), is_for_xla


def callee(op: Operation) -> Any:
    """The function that a call runs."""
    function = raw_op(op).f
    return function.stand_in or function


def operations(function: Any) -> list[Operation]:
    """The operations that a graph function runs, in order."""
    if _OPERATIONS not in function.derived:
        graph = function.graph
        function.derived[_OPERATIONS] = operations_to_run(
            graph, function.inputs, function.outputs, graph.control_outputs
        )
    return function.derived[_OPERATIONS]


@handler("PartitionedCall", "StatefulPartitionedCall", passes=True)
def _call(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return inline(lowering, callee(op), args)


@handler("RemoteCall")
def _remote_call(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return inline(lowering, raw_op(op).f, args[1:])


@handler("FakeParam")
def _fake_param(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    raw = raw_op(op)
    if raw.dtype == dtypes.variant:
        length = lowering.p.constant(0, dtypes.int32)
        return [ListValue(raw.dtype, None, length, None)]
    if not raw.dtype.is_numpy_compatible or raw.dtype == dtypes.string:
        raise NotLowerable("FakeParam of what only the host can hold")
    shape = raw.attrs["shape"]
    if shape.rank is None or not shape.is_fully_defined():
        return [Absent("FakeParam of an unknown shape", raw.eager())]
    return [lowering.p.full(shape.as_list(), 0, raw.dtype)]


# -- conditions


@handler("ToBool")
def _to_bool(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    (x,) = args
    if isinstance(x, Node) and x.rank:
        return [lowering.p.constant(x.size > 0, dtypes.bool_)]
    return [truth(lowering, x)]


@handler("DeviceIndex")
def _device_index(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    return [lowering.p.constant(raw_op(op).eager(), dtypes.int32)]


def truth(lowering: Lowering, value: Lowered) -> Node:
    """A condition as a scalar bool: numbers are true unless zero."""
    p = lowering.p
    if not isinstance(value, Node) or value.size != 1:
        raise NotLowerable("a condition must be one number")
    value = p.reshape(value, ())
    if value.dtype == dtypes.bool_:
        return value
    return p.ne(value, p.constant(0, value.dtype))


# -- loops


@handler("While", "StatelessWhile", passes=True)
def _while(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    cond, body = raw_op(op).cond, raw_op(op).body
    loop = Loop(
        id(op),
        lambda values: truth(lowering, inline(lowering, cond, values)[0]),
        lambda values: inline(lowering, body, values),
        body.unchanged,
        lambda values: counts_after(lowering, body, body.outputs, values),
    )
    return lower_loop(lowering, loop, list(args))


@handler("For")
def _for(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    p = lowering.p
    start, limit, delta, *rest = args
    for node in (start, limit, delta):
        if not isinstance(node, Node):
            raise NotLowerable("the bounds of For are held by the host")
    step = p.dims(delta) if isinstance(delta, Node) else None
    if step is None:
        raise NotLowerable("the step of For is not known")
    function = raw_op(op).body

    def condition(values: list[Lowered]) -> Node:
        return p.lt(values[0], limit) if step[0] > 0 else p.gt(values[0], limit)

    def body(values: list[Lowered]) -> list[Lowered]:
        return [p.add(values[0], delta), *inline(lowering, function, values)]

    def counts(values: list[Lowered]) -> dict[int, Node]:
        after = counts_after(lowering, function, [None, *function.outputs], values)
        return {0: p.add(values[0], delta), **after}

    return lower_loop(lowering, Loop(id(op), condition, body, set(), counts), [start, *rest])[1:]


def counts_after(
    lowering: Lowering, body: Any, outputs: Sequence[Any], values: Sequence[Lowered]
) -> dict[int, Node]:
    """The counters of a loop after a step: numbers and list lengths that are sums of the previous ones and constants.

    They are computed before the whole body is lowered, so that the body is lowered with known ranges of its counters.
    """
    inputs = {t._id: value for t, value in zip(body.inputs, values, strict=True)}
    after = {}
    for i, (value, output) in enumerate(zip(values, outputs, strict=True)):
        node = None
        if isinstance(value, ListValue):
            node = _length_after(lowering.p, inputs, output)
        elif output is not None and isinstance(value, Node) and value.dtype.is_integer:
            node = _sum_after(lowering.p, inputs, output) if is_one(value.size) else None
        if node is not None:
            after[i] = node
    return after


def _sum_after(p: LoweringContext, inputs: dict[int, Lowered], tensor: Any) -> Node | None:
    """The sum if a body adds constants or other arguments to one of its arguments, or subtracts them; else None."""
    steps: list[Any] = []
    for _ in range(_MOST_STEPS_BACK):
        known = _leaf(p, inputs, tensor)
        if known is not None:
            # Innermost first: `steps` were collected from the result back to the leaf.
            for change, addend in reversed(steps):
                known = change(known, addend)
            return known
        op = tensor.op
        if op.type == "Identity":
            tensor = op._inputs[0]
        elif op.type in ("AddV2", "Add", "Sub"):
            x, y = op._inputs
            addend = _leaf(p, inputs, y)
            if addend is None and op.type != "Sub":
                x, addend = y, _leaf(p, inputs, x)
            if addend is None:
                return None
            steps.append((p.sub if op.type == "Sub" else p.add, addend))
            tensor = x
        else:
            return None
    return None


def _leaf(p: LoweringContext, inputs: dict[int, Lowered], tensor: Any) -> Node | None:
    """A constant or an argument that is one integer."""
    leaf = inputs.get(tensor._id)
    if leaf is None and tensor.op.type == "Const" and tensor.dtype.is_integer:
        leaf = raw_op(tensor.op).lower(p)
    return leaf if isinstance(leaf, Node) and is_one(leaf.size) else None


def _length_after(p: LoweringContext, inputs: dict[int, Lowered], tensor: Any) -> Node | None:
    """The new length of a list argument of a body after writes or pushes of items; None for other tensors."""
    pushed = 0
    for _ in range(_MOST_STEPS_BACK):
        list_value = inputs.get(tensor._id)
        if list_value is not None:
            return p.add(list_value.length, pushed) if isinstance(list_value, ListValue) else None
        op = tensor.op
        keeps = op.type == "TensorListSetItem" and not raw_op(op).resize_if_index_out_of_bounds
        if op.type == "AddN":  # lists of one length
            lengths = [_length_after(p, inputs, t) for t in op._inputs]
            length = next((n for n in lengths if n is not None), None)
            return None if length is None else p.add(length, pushed)
        if op.type == "TensorListPushBack":
            pushed += 1
        elif op.type != "Identity" and not keeps:
            return None
        tensor = op._inputs[0]
    return None
