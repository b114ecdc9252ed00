"""Calls and loops: ops whose attributes are graph functions, lowered in place and into `while` nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.lowering import Lowering, handler, raw_op
from penstock._src.compiler.lower.needed import needed_operations
from penstock._src.compiler.lower.packing import Packing, same_value
from penstock._src.compiler.lower.trips import growth, trip_count, value_range
from penstock._src.compiler.lower.values import Absent, ListValue, Lowered, known_length
from penstock._src.core import dtypes
from penstock._src.graph.operation import Operation
from penstock._src.ir import folding
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.node import Node

# What a body gives: its results, and the values that variables have after it (by their handles' ids).
Effects = tuple[list[Lowered], dict[int, Node]]

MOST_TRACES = 8  # of a loop's body, until what it changes is settled
# Items by which a list may grow in a step, where it is written to at places that only the run tells.
_MOST_ADDED = 16


def inline(lowering: Lowering, function: Any, args: Sequence[Lowered]) -> list[Lowered]:
    """The outputs of a graph function on these arguments; its effects on variables happen."""
    inner = lowering.nested()
    for tensor, arg in zip(function.inputs, args, strict=True):
        inner.values[tensor._id] = arg
    inner.lower_all(operations(function))
    return [inner.value(t) for t in function.outputs]


def operations(function: Any) -> list[Operation]:
    """The operations that a graph function runs, in order."""
    found = function.__dict__.get("_operations_needed")
    if found is None:
        graph = function.graph
        found = needed_operations(graph, function.inputs, function.outputs, graph.control_outputs)
        function.__dict__["_operations_needed"] = found
    return found


@handler("PartitionedCall", "StatefulPartitionedCall")
def _call(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    function = raw_op(op).f
    return inline(lowering, function.stand_in or function, args)


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
        return [Absent("FakeParam of an unknown shape")]
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


def checked(p: Any, nodes: list[Node], messages: Iterable[str]) -> list[Node]:
    """The results of a branch or loop without the last ones, which say whether the checks inside of it held."""
    messages = list(messages)
    results = nodes[: len(nodes) - len(messages)]
    for message, held in zip(messages, nodes[len(results) :]):
        p.check(held, message)
    return results


def variables_of(args: Sequence[Lowered]) -> list[Node]:
    """The handles of variables among arguments, each once."""
    found = {a.id: a for a in args if isinstance(a, Node) and a.dtype == dtypes.resource}
    return list(found.values())


def effects(
    lowering: Lowering, values: dict[int, Node], run: Callable[[], list[Lowered]]
) -> Effects:
    """Runs with variables having these values; returns the results and all variables' values after it.

    What the run did to variables is forgotten: the caller makes it part of a node.
    """
    p = lowering.p
    before, written = p.variables, p.written
    p.variables, p.written = {**before, **values}, dict(written)
    try:
        results = run()
        return results, p.variables
    finally:
        p.variables, p.written = before, written


# -- loops


@handler("While", "StatelessWhile")
def _while(lowering: Lowering, op: Operation, args: list[Lowered]) -> Sequence[Lowered]:
    cond, body = raw_op(op).cond, raw_op(op).body
    return loop(
        lowering,
        lambda values: truth(lowering, inline(lowering, cond, values)[0]),
        lambda values: inline(lowering, body, values),
        list(args),
        unchanged(body),
    )


def unchanged(body: Any) -> set[int]:
    """The arguments that a loop's body hands on as they are."""
    found = set()
    for i, (given, result) in enumerate(zip(body.inputs, body.outputs, strict=True)):
        while result is not given and result.op.type == "Identity":
            result = result.op._inputs[0]
        if result is given:
            found.add(i)
    return found


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

    def condition(values: list[Lowered]) -> Node:
        return p.lt(values[0], limit) if step[0] > 0 else p.gt(values[0], limit)

    def body(values: list[Lowered]) -> list[Lowered]:
        return [p.add(values[0], delta), *inline(lowering, raw_op(op).body, values)]

    return loop(lowering, condition, body, [start, *rest])[1:]


def loop(
    lowering: Lowering,
    cond_fn: Callable[[list[Lowered]], Node],
    body_fn: Callable[[list[Lowered]], list[Lowered]],
    args: list[Lowered],
    fixed: set[int] | None = None,
) -> list[Lowered]:
    """The values after stepping `args` by body_fn while cond_fn holds, and the loop's effects on variables.

    `fixed` are arguments known not to change; others that no step changes are found by tracing.
    """
    p = lowering.p
    handles = variables_of(args)
    written: dict[int, Node] = {}
    fixed = set(fixed or ())
    trips, exact = None, False
    ranges: dict[int, tuple[int, int]] = {}
    for _ in range(MOST_TRACES):
        trace = _Trace(lowering, cond_fn, body_fn, args, handles, written, fixed, ranges)
        still = {i for i in trace.moving if same_value(trace.results[i], trace.arguments[i])}
        if still:
            fixed |= still
            continue
        new_writes = {h.id: h for h in handles if trace.after[h.id] is not trace.before[h.id]}
        trips, exact = trace.trips()
        ranges = {} if trips is None else trace.ranges(trips)
        trace.assume(ranges)
        grown = _with_memory(p, args, trace, trips)
        if set(new_writes) <= set(written) and grown is None:
            break
        written.update(new_writes)
        args = grown or args
    else:
        raise NotLowerable("what the loop changes did not settle")
    final = _emit(lowering, cond_fn, body_fn, args, written, trace, trips)
    return _counted(p, args, trace, trips, final) if exact else final


class _Trace:
    """One trial of a loop's condition and body, on fresh parameters."""

    def __init__(
        self,
        lowering: Lowering,
        cond_fn: Callable[[list[Lowered]], Node],
        body_fn: Callable[[list[Lowered]], list[Lowered]],
        args: list[Lowered],
        handles: list[Node],
        written: dict[int, Node],
        fixed: set[int],
        ranges: dict[int, tuple[int, int]],
    ) -> None:
        """`ranges`: what is known of arguments that follow the steps."""
        p = self.p = lowering.p
        self.args = args
        self.moving = [i for i in range(len(args)) if i not in fixed]
        self.packing = Packing([args[i] for i in self.moving], open_lists=True)
        held = [p.read_variable(h) for h in written.values()]
        parameters = p._parameters([*self.packing.nodes, *held])
        split = len(self.packing.nodes)
        self.arguments = list(args)
        for i, value in zip(self.moving, self.packing.unpack(parameters[:split])):
            self.arguments[i] = value
        self.assume(ranges)
        self.before = {h.id: p.read_variable(h) for h in handles}
        self.before.update(zip(written, parameters[split:]))
        p.depth += 1
        before, p.trial = p.trial, p.depth
        try:
            found, _ = effects(lowering, self.before, lambda: [cond_fn(self.arguments)])
            self.condition: Any = found[0]
            with p.collected() as checks:
                self.results, self.after = effects(
                    lowering, self.before, lambda: body_fn(self.arguments)
                )
            self.messages = list(checks)
        finally:
            p.depth -= 1
            p.trial = before

    def trips(self) -> tuple[Any, bool]:
        """How often the loop runs at most, as an extent, or None if that is not seen; and whether exactly so often."""
        pairs = []
        for i in self.moving:
            inside, after = self.arguments[i], self.results[i]
            if isinstance(inside, Node) and isinstance(after, Node):
                pairs.append((self.args[i], inside, after))
        return trip_count(self.p, self.condition, pairs)

    def assume(self, ranges: dict[int, tuple[int, int]]) -> None:
        """Tells what numbers the arguments can be."""
        for i, ends in ranges.items():
            number = _count(self.arguments[i])
            if number is not None:
                self.p.assume(number, *ends)

    def ranges(self, trips: Any) -> dict[int, tuple[int, int]]:
        """The least and largest values inside the loop of the arguments, or lengths of lists, that follow its steps."""
        found = {}
        for i in self.moving:
            before, inside, after = (
                _count(x) for x in (self.args[i], self.arguments[i], self.results[i])
            )
            ends = value_range(self.p, before, inside, after, trips)
            if ends is not None:
                found[i] = ends
        return found


def _count(value: Lowered) -> Node | None:
    """What a loop may count: the length of a list, or the number itself."""
    counted = value.length if isinstance(value, ListValue) else value
    return counted if isinstance(counted, Node) else None


def _with_memory(p: Any, args: list[Lowered], trace: _Trace, trips: Any) -> list[Lowered] | None:
    """The arguments with memory for lists that the body fills, or None if none is missing."""
    result, changed = list(args), False
    for i in trace.moving:
        arg, inside, after = args[i], trace.arguments[i], trace.results[i]
        if not isinstance(arg, ListValue):
            continue
        if not isinstance(after, ListValue) or not isinstance(inside, ListValue):
            raise NotLowerable("a list becomes something else in the loop")
        needed = _needed(p, arg, inside, after, trips)
        if arg.buffer is not None and (needed is None or arg.buffer.shape[0] >= needed):
            continue
        shape = arg.element_shape if arg.element_shape is not None else after.element_shape
        if shape is None:
            continue  # nothing is ever put in: it needs no memory
        if needed is None:
            raise NotLowerable("a list has no bound of its length")
        item = after.pushed
        if (
            arg.buffer is None
            and item is not None
            and item.depth <= p.depth
            and known_length(p, arg) == 0
        ):
            # every step pushes the same value, from outside of the loop: the list repeats it
            memory = p.broadcast_to(item, (needed, *item.shape))
            arg = replace(arg, pushed=item)
        elif arg.buffer is None:
            memory = p.full((needed, *shape), 0, arg.dtype)
        else:
            extra = p.full((needed - arg.buffer.shape[0], *arg.buffer.shape[1:]), 0, arg.dtype)
            memory = p.concat([arg.buffer, extra], 0)
        result[i] = arg.with_buffer(memory)
        changed = True
    return result if changed else None


def _needed(p: Any, arg: ListValue, inside: ListValue, after: ListValue, trips: Any) -> Any:
    """The most items that a list has in a loop; None for a list that does not grow and has no bound."""
    added, length = growth(p, inside.length, after.length), known_length(p, arg)
    if added is not None and added <= 0:
        return arg.capacity
    if trips is None or length is None:
        raise NotLowerable("a list grows in a loop whose number of steps is not known")
    if added is not None:
        return length + trips * added
    reached = [p.bounds(term)[1] for term in _lengths(inside.length, after.length)]
    most = max([length, *reached])
    if most > length + _MOST_ADDED * trips:
        raise NotLowerable("a list grows by a number that is not known")
    return most


def _lengths(inside: Node, after: Node) -> list[Node]:
    """The numbers of which a list's length after a step is the largest, besides the one before it.

    Raises:
      NotLowerable: it is something else.
    """
    if after is inside:
        return []
    if after.kind != "binary" or after.op != "maximum":
        raise NotLowerable("a list grows by a number that is not known")
    parts = [part for part in after.args if part is not inside]
    nested = [part for part in parts if part.kind == "binary" and part.op == "maximum"]
    rest = [part for part in parts if part not in nested]
    return rest + [number for part in nested for number in _lengths(inside, part)]


def _counted(
    p: Any, args: list[Lowered], trace: _Trace, trips: Any, final: list[Lowered]
) -> list[Lowered]:
    """The final values, with counters and lengths of lists as known numbers: each step raises them by a known one."""

    def counted(before: Node, inside: Node, after: Node, value: Node) -> Node:
        first, step = folding.symbolic_value(p, before), growth(p, inside, after)
        if first is None or first.size != 1 or step is None or not value.dtype.is_integer:
            return value
        return p.broadcast_to(
            p.scalar(first.reshape(-1)[0] + trips * step, value.dtype), value.shape
        )

    result = list(final)
    for i in trace.moving:
        before: Any
        inside: Any
        after: Any
        before, inside, after, value = args[i], trace.arguments[i], trace.results[i], final[i]
        if isinstance(value, ListValue):
            length = counted(before.length, inside.length, after.length, value.length)
            result[i] = replace(value, length=length)
        elif isinstance(value, Node) and value.dtype != dtypes.resource:
            result[i] = counted(before, inside, after, value)
    return result


def _emit(
    lowering: Lowering,
    cond_fn: Callable[[list[Lowered]], Node],
    body_fn: Callable[[list[Lowered]], list[Lowered]],
    args: list[Lowered],
    written: dict[int, Node],
    trace: _Trace,
    trips: Any,
) -> list[Lowered]:
    p = lowering.p
    moving = trace.moving
    packing = Packing([args[i] for i in moving])
    split = len(packing.nodes)
    ranges = {} if trips is None else trace.ranges(trips)
    messages = trace.messages

    def unpacked(nodes: Sequence[Node]) -> tuple[list[Lowered], dict[int, Node]]:
        values = list(args)
        for i, value in zip(moving, packing.unpack(nodes[:split])):
            values[i] = value
            number = _count(value)
            if i in ranges and number is not None:
                p.assume(number, *ranges[i])
        return values, dict(zip(written, nodes[split:]))

    def condition(*nodes: Node) -> Node:
        values, held = unpacked(nodes)
        found: Any = effects(lowering, held, lambda: [cond_fn(values)])[0][0]
        return found

    def body(*nodes: Node) -> list[Node]:
        values, held = unpacked(nodes)
        with p.collected() as checks:
            results, after = effects(lowering, held, lambda: body_fn(values))
        packed = Packing([results[i] for i in moving])
        if not packing.is_like(packed):
            raise NotLowerable("a value changes its type in the loop")
        flags = nodes[len(nodes) - len(messages) :]
        still = [p.and_(f, checks[m]) if m in checks else f for f, m in zip(flags, messages)]
        return [*packed.nodes, *[after[i] for i in written], *still]

    init = [*packing.nodes, *[p.read_variable(h) for h in written.values()]]
    init += [p.constant(True) for _ in messages]
    nodes = p.while_(condition, body, init, None if trips is None else int(trips))
    nodes = checked(p, nodes, messages)
    for handle, value in zip(written.values(), nodes[split:]):
        p.assign_variable(handle, value)
    return unpacked(nodes)[0]
