"""Runs graphs with TensorFlow 1's Switch, Merge, Enter and Exit on the host.

Each operation runs when its inputs are ready, once in every iteration of its enclosing loops. The outputs of a Switch that are not chosen are
`DEAD`, and so is everything computed from them, up to a Merge with a live input. Operations before the first of these
nodes, and after the last, are compiled as in other graphs.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.executable import Executable
from penstock._src.compiler.host.running import reads_reference
from penstock._src.compiler.host.steps import host_step
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.needed_operations import goes_back
from penstock._src.graph.operation import Operation

# Computes an operation from its arguments; its results are given where they are known, as a Merge's are.
Computing = Callable[[Operation, list[Any], list[Any] | None], list[Any]]
DEAD, MISSING = object(), object()
WHY = "it is part of a loop or condition made of Switch and Merge"


class TokenFlow:
    """The result of `compile_graph` for a graph with Switch and Merge nodes. Call it with one host value for each input."""

    def __init__(
        self,
        name: str,
        ops: Sequence[Operation],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        states: dict[Any, Any],
        why_host: str = "",
    ) -> None:
        """`ops` are in topological order, except for the edges that lead to the next iteration of a loop."""
        self.name, self.ops = name, list(ops)
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.states, self.why_host = states, why_host
        before, between, self.last = _stages(self.ops)
        first = _made_and_read(before, [*between, *self.last], self.outputs)
        known = [*self.inputs, *first, *_made_and_read(between, self.last, self.outputs)]
        fetched = _made_and_read(self.last, [], self.outputs)
        self.before = Executable(f"{name}_before", lambda: before, self.inputs, first, states, why_host)  # fmt: skip
        self.tokens = _Tokens(between)
        self.after = Executable(f"{name}_after", lambda: self.last, known, fetched, states, why_host)  # fmt: skip

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Returns one host value for each output.

        Raises:
          InvalidArgumentError: an output is not computed, as a Switch did not choose it.
        """
        values_by_id = {t._id: value for t, value in zip(self.inputs, values, strict=True)}
        _compute(self.before, values_by_id)
        dead = _Run(self.tokens, values_by_id, _computing(self.states)).finish()
        waits = {id(c) for op in self.last for c in op._control_inputs}
        boundary = [values_by_id.get(t._id, DEAD) for t in self.after.inputs]
        if not waits & dead and not any(value is DEAD for value in boundary):
            _compute(self.after, values_by_id)
        else:
            _run_what_is_alive(self.last, values_by_id, dead, _computing(self.states))
        return [_fetched(i, t, values_by_id) for i, t in enumerate(self.outputs)]

    run = __call__

    def run_by(self, values: Sequence[Any], compute: Computing) -> None:
        """Runs every operation that is not dead by `compute(operation, arguments)`; for a Merge also with the arrived value."""
        values_by_id = {t._id: value for t, value in zip(self.inputs, values, strict=True)}
        for op in self.before.ops:
            results = compute(op, [values_by_id[t._id] for t in op._inputs], None)
            values_by_id.update(zip([t._id for t in op._outputs], results, strict=True))
        dead = _Run(self.tokens, values_by_id, compute).finish()
        _run_what_is_alive(self.last, values_by_id, dead, compute)


def _made_and_read(
    ops: Sequence[Operation], readers: Sequence[Operation], fetched: Sequence[Any]
) -> list[Any]:
    """The outputs of the operations that the readers read or that are fetched."""
    produced = {t._id for op in ops for t in op._outputs}
    read = [t for op in readers for t in op._inputs]
    return [*{t._id: t for t in (*read, *fetched) if t._id in produced}.values()]


def _stages(ops: Sequence[Operation]) -> tuple[list[Operation], ...]:
    """Returns the operations before all nodes that redirect values, those between such nodes, and those after them."""
    late: set[int] = set()
    for op in ops:
        # Late is what depends on a redirecting node, leading what one depends on; both are between.
        makers = [*(t.op for t in op._inputs), *op._control_inputs]
        if op.raw_op.flow.redirects or any(id(maker) in late for maker in makers):
            late.add(id(op))
    leading: set[int] = set()
    for op in reversed(ops):
        if op.raw_op.flow.redirects or id(op) in leading:
            leading.add(id(op))
            leading.update(id(t.op) for t in op._inputs)
            leading.update(map(id, op._control_inputs))
    return (
        [op for op in ops if id(op) not in late],
        [op for op in ops if id(op) in late and id(op) in leading],
        [op for op in ops if id(op) in late and id(op) not in leading],
    )


def _compute(executable: Executable, values_by_id: dict[int, Any]) -> None:
    """Runs compiled operations on values, and stores their results."""
    if not executable.outputs and not executable.ops:
        return
    results = executable([values_by_id[t._id] for t in executable.inputs])
    values_by_id.update(
        (t._id, value) for t, value in zip(executable.outputs, results, strict=True)
    )


def _run_what_is_alive(
    ops: Sequence[Operation], values_by_id: dict[int, Any], dead: set[int], compute: Computing
) -> None:
    """Runs operations one by one. Skips those that read or wait for dead values."""
    for op in ops:
        values = [values_by_id.get(t._id, DEAD) for t in op._inputs]
        is_dead = any(v is DEAD for v in values) or any(id(c) in dead for c in op._control_inputs)
        # A ControlTrigger waits for both branches; one of them is always dead.
        if is_dead and not op.raw_op.effects.runs_always:
            dead.add(id(op))
        else:
            results = compute(op, values, None)
            values_by_id.update(zip([t._id for t in op._outputs], results, strict=True))


def _ran(op: Operation, values: list[Any], states: dict[Any, Any]) -> list[Any]:
    count = len(values)
    slots = [*values, *[None] * len(op._outputs)]
    host_step(op, range(count), range(count, len(slots)), WHY, states)(slots)
    return slots[count:]


def _computing(states: dict[Any, Any]) -> Computing:
    """Returns a function that runs operations by their kernels."""

    def compute(op: Operation, values: list[Any], results: list[Any] | None) -> list[Any]:
        return _ran(op, values, states) if results is None else results

    return compute


def _fetched(position: int, tensor: Any, values_by_id: dict[int, Any]) -> Any:
    value = values_by_id.get(tensor._id, DEAD)
    if value is DEAD:
        raise InvalidArgumentError(
            f"Retval[{position}] does not have value: {tensor.name} is in a branch or loop that was not taken."
        )
    return value


class _Tokens:
    """The operations that run by tokens, and the readers of their outputs."""

    def __init__(self, ops: Sequence[Operation]) -> None:
        self.ops = ops
        own = {id(op) for op in ops}
        self.readers: dict[int, list[tuple[Operation, int]]] = {}
        self.waiting: dict[int, list[Operation]] = {}
        self.controls: dict[int, int] = {}
        for op in ops:
            for index, tensor in enumerate(op._inputs):
                self.readers.setdefault(tensor._id, []).append((op, index))
            before = [c for c in op._control_inputs if id(c) in own]
            self.controls[id(op)] = len(before)
            for other in before:
                self.waiting.setdefault(id(other), []).append(op)
        self.outside = {t._id for op in ops for t in op._inputs if id(t.op) not in own}
        self.sources = [op for op in ops if not op._inputs and not self.controls[id(op)]]


class _Frame:
    """One run of a loop, or the operations outside of loops."""

    def __init__(self, parent: "_Frame | None" = None, iteration: int = 0) -> None:
        self.parent, self.iteration = parent, iteration  # iteration of the parent in which it runs
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.loops: dict[tuple[str, int], _Frame] = {}
        self.pending: dict[tuple[int, int], _Pending] = {}
        self.iterations = 1
        self.constants: list[tuple[Operation, Any]] = []  # Enter nodes of loop-invariant values
        self.left: set[int] = set()  # the Exit nodes that something left by
        self.dead_exits: dict[int, Operation] = {}


class _Pending:
    """The inputs that have arrived for one operation in one iteration."""

    __slots__ = ("values", "controls", "is_dead", "is_done")

    def __init__(self, op: Operation, controls: int) -> None:
        self.values = [MISSING] * len(op._inputs)
        self.controls = controls
        self.is_dead = self.is_done = False


class _Run:
    """One run: `held` maps the ids of tensors to values; values known outside of all loops are added to it."""

    def __init__(self, tokens: _Tokens, values_by_id: dict[int, Any], compute: Computing) -> None:
        self.tokens, self.held, self.compute = tokens, values_by_id, compute
        self.root = _Frame()
        self.frames = [self.root]
        self.ready: deque[tuple[Operation, _Frame, int, list[Any], bool]] = deque()
        self.dead: set[int] = set()

    def finish(self) -> set[int]:
        """Runs everything; returns the ids of the operations outside of loops that are dead."""
        for key in self.tokens.outside:
            if key in self.held:
                self._deliver(key, self.held[key], self.root, 0)
        for op in self.tokens.sources:
            self.ready.append((op, self.root, 0, [], False))
        while self.ready or self._leave_loops():
            op, frame, iteration, values, is_dead = self.ready.popleft()
            self._run(op, frame, iteration, values, is_dead)
        return self.dead

    def _leave_loops(self) -> bool:
        """Once nothing else is left to run: nothing comes any more by the exits that were dead in all iterations."""
        for frame in sorted(self.frames, key=lambda frame: -frame.depth):
            exits = [op for key, op in frame.dead_exits.items() if key not in frame.left]
            frame.dead_exits = {}
            if exits and frame.parent is not None:
                for op in exits:
                    self._send(op, [DEAD], frame.parent, frame.iteration, True)
                if self.ready:
                    return True
        return False

    def _run(
        self, op: Operation, frame: _Frame, iteration: int, values: list[Any], is_dead: bool
    ) -> None:
        kind = op.raw_op.flow.redirects
        if kind == "enter":
            self._enter(op, frame, iteration, values[0])
        elif kind == "exit":
            if is_dead:
                frame.dead_exits[id(op)] = op
            elif frame.parent is not None:
                frame.left.add(id(op))
                self._send(op, values, frame.parent, frame.iteration, False)
        elif kind == "next":
            if not is_dead:
                self._proceed(frame, iteration + 1)
                self._send(op, values, frame, iteration + 1, False)
        else:
            results = [DEAD] * len(op._outputs) if is_dead else self._results(op, kind, values)
            self._send(op, results, frame, iteration, is_dead)

    def _results(self, op: Operation, kind: str, values: list[Any]) -> list[Any]:
        if kind == "merge":
            index = next(i for i, v in enumerate(values) if v is not DEAD and v is not MISSING)
            return self.compute(op, values, [values[index], dtypes.int32.np.type(index)])
        if kind == "switch":
            chosen = bool(values[1])
            return [values[0] if chosen == side else DEAD for side in (False, True)]
        return self.compute(op, values, None)

    def _enter(self, op: Operation, frame: _Frame, iteration: int, value: Any) -> None:
        key = op.raw_op.attrs["frame_name"], iteration
        inner = frame.loops.get(key)
        if inner is None:
            inner = frame.loops[key] = _Frame(frame, iteration)
            self.frames.append(inner)
        iterations = [0]
        if op.raw_op.attrs["is_constant"]:
            inner.constants.append((op, value))
            # Iterations that began before the constant came wait for it.
            iterations = [*range(inner.iterations)]
        for each in iterations:
            self._send(op, [value], inner, each, value is DEAD)

    def _proceed(self, frame: _Frame, iteration: int) -> None:
        """Begins an iteration, if it is a new one."""
        if iteration < frame.iterations:
            return
        frame.iterations = iteration + 1
        for op, value in frame.constants:
            self._send(op, [value], frame, iteration, value is DEAD)

    def _send(
        self, op: Operation, results: list[Any], frame: _Frame, iteration: int, is_dead: bool
    ) -> None:
        """Passes the results of an operation to its consumers, and notifies operations that wait for it."""
        if frame is self.root and is_dead:
            self.dead.add(id(op))
        for tensor, value in zip(op._outputs, results, strict=True):
            if frame is self.root:
                self.held[tensor._id] = value
            self._deliver(tensor._id, value, frame, iteration)
        for waiting in self.tokens.waiting.get(id(op), ()):
            pending = self._pending(waiting, frame, iteration)
            pending.controls -= 1
            pending.is_dead |= is_dead
            self._check(waiting, pending, frame, iteration)

    def _deliver(self, key: int, value: Any, frame: _Frame, iteration: int) -> None:
        for op, index in self.tokens.readers.get(key, ()):
            pending = self._pending(op, frame, iteration)
            pending.values[index] = value
            self._check(op, pending, frame, iteration)

    def _pending(self, op: Operation, frame: _Frame, iteration: int) -> _Pending:
        key = id(op), iteration
        pending = frame.pending.get(key)
        if pending is None:
            pending = frame.pending[key] = _Pending(op, self.tokens.controls[id(op)])
        return pending

    def _check(self, op: Operation, pending: _Pending, frame: _Frame, iteration: int) -> None:
        """Makes an operation ready once its inputs are: for a Merge one live input, or all dead."""
        if pending.controls or pending.is_done:
            return
        values = pending.values
        if op.raw_op.flow.redirects == "merge":
            is_alive = any(v is not DEAD and v is not MISSING for v in values)
            is_dead = not is_alive
            if is_dead and any(values[i] is MISSING for i in _expected(op, iteration)):
                return
        else:
            if any(v is MISSING for v in values):
                return
            is_dead = pending.is_dead or any(v is DEAD for v in values)
            # A ControlTrigger runs after all that it waits for, also where that is dead.
            is_dead = is_dead and not op.raw_op.effects.runs_always
        pending.is_done = True
        if not is_dead and not op.raw_op.traits.has_refs and op.raw_op.flow.redirects:
            values = _read(op, values)
        self.ready.append((op, frame, iteration, values, is_dead))


def _expected(op: Operation, iteration: int) -> list[int]:
    """Returns the inputs of a Merge that may come in an iteration: at the start of a loop, others than later."""
    back = [goes_back(t.op) for t in op._inputs]
    later = any(back) and iteration > 0
    return [i for i, goes in enumerate(back) if goes == later]


def _read(op: Operation, values: list[Any]) -> list[Any]:
    """Returns the values of TensorFlow 1 variables in place of references to them."""
    if not reads_reference(op):
        return values
    return [
        v.read() if isinstance(v, VariableHandle) and t.dtype is not dtypes.resource else v
        for v, t in zip(values, op._inputs, strict=True)
    ]
