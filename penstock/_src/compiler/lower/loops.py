"""Loops into `while` nodes: condition and body are traced repeatedly until no trace finds another variable that changes.

The set of variables that a loop changes is remembered for the rest of the program. The body of an enclosing loop may be traced
again, and if the inner body were then traced several times each time, work would grow exponentially with nesting.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import field, replace
from typing import Any

from penstock._src.compiler.lower.context import InnerCheck, LoweringContext
from penstock._src.compiler.lower.list_memory import Memory, memory_for
from penstock._src.compiler.lower.lowering import Lowering
from penstock._src.compiler.lower.packing import Packing, same_value
from penstock._src.compiler.lower.trip_count import growth, trip_count, value_range
from penstock._src.compiler.lower.values import ListValue, Lowered
from penstock._src.core import dtypes
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.known_values import wrapped
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

MOST_TRACES = 8  # most traces of a loop's body

# The effects of a body: its results, and the values of variables after it (by their handles' ids).
Effects = tuple[list[Lowered], dict[int, Node]]
Range = tuple[int, int]


@dataclass(frozen=True)
class Loop:
    """A loop over lowered values, as its operation states it."""

    key: Any  # recognizes the loop when it is lowered again
    condition: Callable[[list[Lowered]], Node]
    body: Callable[[list[Lowered]], list[Lowered]]
    fixed: set[int]  # arguments known not to change
    # Counters (numbers, and lengths of lists) after a step, where they are found without lowering the whole body.
    counts: Callable[[list[Lowered]], dict[int, Node]]


@dataclass
class LoopFindings:
    """The changes that a loop is known to make: arguments that no step changes, variables that are written (by their handles'
    ids), the least and largest values of counters, and the memory that lists need."""

    fixed: set[int]
    written: dict[int, Node] = field(default_factory=dict)
    ranges: dict[int, Range] = field(default_factory=dict)
    memory: dict[int, Memory] = field(default_factory=dict)


def checked(p: LoweringContext, nodes: list[Node], checks: Collection[InnerCheck]) -> list[Node]:
    """The results of a branch or loop without the last ones: those are its checks, which are checked here."""
    results = nodes[: len(nodes) - len(checks)]
    for check, condition in zip(checks, nodes[len(results) :]):
        p.check(condition, check.message, origin=check.origin)
    return results


def variables_of(args: Sequence[Lowered]) -> list[Node]:
    """The handles of variables among arguments, each once."""
    handles = {a.id: a for a in args if isinstance(a, Node) and a.dtype == dtypes.resource}
    return list(handles.values())


def effects(
    lowering: Lowering, values: dict[int, Node], run: Callable[[], list[Lowered]]
) -> Effects:
    """Runs with these values of variables; returns the results and all variables' values afterwards.

    Changes of variables by the run are undone: the caller makes them part of a node.
    """
    p = lowering.p
    before, written = p.variables, p.written
    p.variables, p.written = {**before, **values}, dict(written)
    try:
        results = run()
        return results, p.variables
    finally:
        p.variables, p.written = before, written


def lower_loop(lowering: Lowering, loop: Loop, initial: list[Lowered]) -> list[Lowered]:
    """The values after stepping `initial` by the body while the condition holds, and the loop's effects on variables."""
    p = lowering.p
    handles = variables_of(initial)
    findings = p.loop_findings.setdefault(
        _key(loop, initial, handles), LoopFindings(set(loop.fixed))
    )
    findings.memory = {i: memory for i, memory in findings.memory.items() if memory.is_lasting}
    # Found when the loop was lowered before, perhaps with other values: tested below, and dropped where wrong.
    inherited = findings.fixed - loop.fixed
    is_refined = False
    for _ in range(MOST_TRACES):
        args = list(initial)
        for i, memory in findings.memory.items():
            args[i] = memory.given_to(p, initial[i], initial)
        arguments = _Arguments(p, args, handles, findings)
        trace = _traced(lowering, loop, arguments, findings)
        wrong = {i for i in inherited if not same_value(trace.results[i], args[i])}
        still = {i for i in arguments.moving if same_value(trace.results[i], arguments.inside[i])}
        if wrong or still:
            inherited -= wrong
            findings.fixed = (findings.fixed - wrong) | still
            continue
        new_writes = {h.id: h for h in handles if trace.after[h.id] is not arguments.before[h.id]}
        trips, exact = trace.trips()
        findings.ranges = arguments.ranges(trips, trace.counters())
        arguments.assume(findings.ranges)
        grown = _grown(p, initial, args, trace, trips)
        is_settled = findings.ranges == trace.assumed
        # Assumed ranges that contain those found are sound. One more trace with the tighter ones may need fewer
        # checks.
        if set(new_writes) <= set(findings.written) and not grown:
            if is_settled or (is_refined and _within(findings.ranges, trace.assumed)):
                break
            is_refined = True
        findings.written.update(new_writes)
        findings.memory.update(grown)
    else:
        raise NotLowerable("the set of values that the loop changes does not converge")
    final = _emitted(lowering, args, findings.written, trace, trips)
    return _with_known_counters(p, args, trace, trips, final) if exact else final


def _key(loop: Loop, initial: Sequence[Lowered], handles: Sequence[Node]) -> Any:
    """Equal for loops whose findings are likely to be equal."""
    shapes = tuple([dims.shape_key(node.shape) for node in Packing(initial).nodes])
    return loop.key, shapes, tuple([h.id for h in handles])


def _within(ranges: dict[int, Range], assumed: dict[int, Range]) -> bool:
    """True if the assumed ranges contain the ranges found."""
    return all(
        i in ranges and low <= ranges[i][0] and ranges[i][1] <= high
        for i, (low, high) in assumed.items()
    )


class _Arguments:
    """The arguments of a loop's body, with new parameters for values that change.

    moving      positions of the arguments that change from step to step
    packing     these as nodes, before the loop
    parameters  in the order of the arguments, then those of the variables that the loop writes
    inside      the arguments inside the loop
    before      values of variables before a step, by the ids of their handles
    """

    def __init__(
        self,
        p: LoweringContext,
        initial: list[Lowered],
        handles: list[Node],
        findings: LoopFindings,
    ) -> None:
        self.p, self.initial = p, initial
        self.moving = [i for i in range(len(initial)) if i not in findings.fixed]
        self.packing = Packing([initial[i] for i in self.moving])
        variables = [p.read_variable(h) for h in findings.written.values()]
        self.parameters = p.parameters_like([*self.packing.nodes, *variables])
        split = len(self.packing.nodes)
        self.inside = list(initial)
        for i, value in zip(self.moving, self.packing.unpack(self.parameters[:split])):
            if isinstance(value, ListValue):
                value = replace(value, awaits=True)
            self.inside[i] = value
        self.before = {h.id: p.read_variable(h) for h in handles}
        self.before.update(zip(findings.written, self.parameters[split:]))

    def trips(self, condition: Any, after: dict[int, Node]) -> tuple[Any, bool]:
        """The largest number of steps, as an extent, or None if it is unknown; and True if it is exact.

        `after` are counters after one step.
        """
        pairs = [
            (self.initial[i], self.inside[i], after[i])
            for i in self.moving
            if isinstance(self.inside[i], Node) and i in after
        ]
        return trip_count(self.p, condition, pairs)  # type: ignore[arg-type]

    def assume(self, ranges: dict[int, Range]) -> None:
        """Assumes the ranges of arguments."""
        for i, ends in ranges.items():
            number = _count(self.inside[i])
            if number is not None:
                self.p.assume(number, *ends)

    def ranges(self, trips: Any, after: dict[int, Node]) -> dict[int, Range]:
        """The ranges of counters inside the loop. Where the number of steps is unknown, only counters that stay have one."""
        known = {}
        for i in self.moving:
            before, inside = _count(self.initial[i]), _count(self.inside[i])
            ends = value_range(self.p, before, inside, after.get(i), trips)
            if ends is not None:
                known[i] = ends
        return known


@dataclass(frozen=True)
class _Trace:
    """A loop's condition and body, traced.

    assumed   the assumed ranges of arguments
    checks    of a step
    results   of a step; `after` are the values of variables after it
    """

    arguments: _Arguments
    condition: Any
    assumed: dict[int, Range]
    checks: dict[Any, Node]
    results: list[Lowered]
    after: dict[int, Node]

    def counters(self) -> dict[int, Node]:
        """The counters after one step."""
        counts = {i: _count(self.results[i]) for i in self.arguments.moving}
        return {i: node for i, node in counts.items() if node is not None}

    def trips(self) -> tuple[Any, bool]:
        """The largest number of steps, or None; and True if it is exact."""
        return self.arguments.trips(self.condition, self.counters())


def _traced(
    lowering: Lowering, loop: Loop, arguments: _Arguments, findings: LoopFindings
) -> _Trace:
    """Traces a loop on its arguments."""
    p, before = lowering.p, arguments.before
    with p.deeper(), _tried(p):
        with p.collected() as checks:
            values, _ = effects(lowering, before, lambda: [loop.condition(arguments.inside)])
        if checks:
            raise NotLowerable("a check inside of a loop's condition")
        condition: Any = values[0]
        # Ranges of an earlier trace come last: they were derived from the whole body.
        assumed = {**_foreseen(loop, arguments, condition), **findings.ranges}
        arguments.assume(assumed)
        with p.collected() as checks:
            results, after = effects(lowering, before, lambda: loop.body(arguments.inside))
    return _Trace(arguments, condition, assumed, checks, results, after)


def _foreseen(loop: Loop, arguments: _Arguments, condition: Any) -> dict[int, Range]:
    """The ranges of counters that are found before the body is traced."""
    counts = loop.counts(arguments.inside)
    trips, _ = arguments.trips(condition, counts)
    return arguments.ranges(trips, counts)


@contextlib.contextmanager
def _tried(p: LoweringContext) -> Iterator[None]:
    """Writing beyond the end of a list is noted, rather than refused, at this depth."""
    before, p.trial = p.trial, p.depth
    try:
        yield
    finally:
        p.trial = before


@contextlib.contextmanager
def within_branch(p: LoweringContext) -> Iterator[None]:
    """Lowers a branch within a loop: what its lists need is noted as in the loop's body."""
    # Only the body of the loop that is being traced notes: an inner loop has a trial of its own.
    before, is_tried = p.trial, p.trial == p.depth
    with p.deeper():
        p.trial = p.depth if is_tried else before
        try:
            yield
        finally:
            p.trial = before


def _count(value: Lowered) -> Node | None:
    """The number by which a value may be a counter: the length of a list, or the number itself."""
    number = value.length if isinstance(value, ListValue) else value
    return number if isinstance(number, Node) else None


def _grown(
    p: LoweringContext,
    initial: Sequence[Lowered],
    args: Sequence[Lowered],
    trace: _Trace,
    trips: Any,
) -> dict[int, Memory]:
    """The memory of lists that need more than they have."""
    lengths = {}
    for i in trace.arguments.moving:
        arg = args[i]
        if isinstance(arg, ListValue):
            memory = memory_for(p, arg, trace.arguments.inside[i], trace.results[i], trips, initial)
            if memory is not None:
                lengths[i] = memory
    return lengths


def _with_known_counters(
    p: LoweringContext, args: list[Lowered], trace: _Trace, trips: Any, final: list[Lowered]
) -> list[Lowered]:
    """The final values, with counters as known numbers: each step raises them by a known number."""

    def known_end(before: Node, inside: Node, after: Node, value: Node) -> Node:
        first, step = p.known.symbolic(before), growth(p, inside, after)
        # The condition is exact, so that the loop ends after this many steps for each counter.
        if first is None or first.size != 1 or step is None or not value.dtype.is_integer:
            return value
        last = wrapped(first.reshape(-1)[0] + trips * step, value.dtype)
        return p.broadcast_to(p.scalar(last, value.dtype), value.shape)

    result = list(final)
    for i in trace.arguments.moving:
        before: Any
        inside: Any
        after: Any
        before, inside, after, value = (
            args[i],
            trace.arguments.inside[i],
            trace.results[i],
            final[i],
        )
        if isinstance(value, ListValue):
            length = known_end(before.length, inside.length, after.length, value.length)
            result[i] = replace(value, length=length)
        elif isinstance(value, Node) and value.dtype != dtypes.resource:
            result[i] = known_end(before, inside, after, value)
    return result


def _emitted(
    lowering: Lowering, args: list[Lowered], written: dict[int, Node], trace: _Trace, trips: Any
) -> list[Lowered]:
    """The values after the loop that was traced."""
    p = lowering.p
    packed = Packing([trace.results[i] for i in trace.arguments.moving])
    if not trace.arguments.packing.is_like(packed):
        raise NotLowerable("a value changes its type in the loop")
    checks = trace.checks
    # Variables that a step writes are carried like arguments: their handles stay outside.
    init = [*trace.arguments.packing.nodes, *[p.read_variable(h) for h in written.values()]]
    # A check of a step becomes a carried flag, true as long as it has held: it is read once, after the loop.
    holding = [p.constant(True) for _ in checks]
    flags = p.parameters_like(holding, trace.arguments.parameters)
    with p.deeper():
        still = [p.and_(flag, check) for flag, check in zip(flags, checks.values())]
    nodes = p.while_of(
        [*trace.arguments.parameters, *flags],
        trace.condition,
        [*packed.nodes, *[trace.after[i] for i in written], *still],
        [*init, *holding],
        trips,
    )
    nodes = checked(p, nodes, checks)
    split = len(packed.nodes)
    for handle, value in zip(written.values(), nodes[split:]):
        p.assign_variable(handle, value)
    final = list(args)
    for i, value in zip(trace.arguments.moving, trace.arguments.packing.unpack(nodes[:split])):
        final[i] = value
    return final
