"""A `while` node taken apart: its state over fresh parameters, its condition and results over nodes of outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.ir.build.control import substitute
from penstock._src.ir.build.leaves import new_scope
from penstock._src.ir.function import Function, users
from penstock._src.ir.node import Node, Shape


@dataclass(eq=False)
class State:
    """A carried value: before the loop, at the start of a step, after the step.

    final     the value after the loop, where it is known without being carried
    unread    every element is written before it is read: the value before the loop does not matter
    """

    init: Node
    parameter: Node
    result: Node
    final: Node | None = None
    unread: bool = False


class Loop:
    """A loop that is being rewritten. `states` begin with those of the node, in its order."""

    def __init__(self, p: Any, node: Node) -> None:
        self.p, self.node = p, node
        carried = node.attrs["carried"]
        self.outer = list(node.args[carried:])
        self.scope = new_scope(p.depth + 1)
        init = node.args[:carried]
        parameters = [self._parameter(x.shape, x.dtype, i) for i, x in enumerate(init)]
        (self.condition,) = self._opened(node.attrs["cond"], parameters)
        results = self._opened(node.attrs["body"], parameters)
        self.states = [State(*parts) for parts in zip(init, parameters, results)]
        self.count = carried
        self.trips: Any = None  # how many steps it makes, where that is known
        self.counter: Node | None = None  # the parameter that counts the steps
        self._stand_ins: list[tuple[Node, State]] = []

    def _parameter(self, shape: Shape, dtype: DType, index: int) -> Node:
        return self.p.make(
            "parameter", (), index=index, name=f"p{index}", shape=shape, dtype=dtype, scope=self.scope
        )  # fmt: skip

    def _opened(self, function: Function, parameters: Sequence[Node]) -> list[Node]:
        known = dict(zip([q.id for q in function.parameters], [*parameters, *self.outer]))
        with self.p.deeper():
            return substitute(self.p, function.results, known)

    # -- looking
    def is_invariant(self, node: Node) -> bool:
        """Whether a node depends on nothing that the loop changes."""
        return node.depth <= self.p.depth

    def nodes(self) -> list[Node]:
        """The nodes of condition and results, and those of outside that they take."""
        return self._within([self.condition, *[s.result for s in self.states]])

    def _within(self, roots: Sequence[Node]) -> list[Node]:
        """What roots depend on, up to what the loop does not change; arguments first."""
        found: dict[int, Node] = {}
        pending = list(roots)
        while pending:
            node = pending.pop()
            if node.id not in found:
                found[node.id] = node
                if not self.is_invariant(node):
                    pending.extend(node.args)
        return [found[i] for i in sorted(found)]

    def users(self) -> dict[int, list[Node]]:
        """For each node's id, the nodes that take it; a state's result has None as a further one."""
        nodes = self.nodes()
        found: dict[int, list[Any]] = dict(users(nodes))
        for state in self.states:
            found[state.result.id].append(None)
        return found

    # -- changing
    def add_state(self, init: Node, result_of: Any = None) -> State:
        """One more carried value. `result_of(parameter)` is its value after a step (by default it stays)."""
        parameter = self._parameter(init.shape, init.dtype, len(self.states))
        with self.p.deeper():
            result = parameter if result_of is None else result_of(parameter)
        state = State(init, parameter, result)
        self.states.append(state)
        return state

    def replace(self, known: dict[int, Node]) -> None:
        """Puts other nodes in the place of some, by id."""
        if not known:
            return
        with self.p.deeper():
            changed = substitute(self.p, [self.condition, *[s.result for s in self.states]], known)
        self.condition = changed[0]
        for state, result in zip(self.states, changed[1:]):
            state.result = result

    def stand_in(self, state: State) -> Node:
        """A node for what a carried value is after the loop, until the loop is made."""
        for node, other in self._stand_ins:
            if other is state:
                return node
        scope = new_scope(self.p.depth)
        node = self.p.make(
            "parameter", (), index=0, name="after", shape=state.init.shape, dtype=state.init.dtype, scope=scope
        )  # fmt: skip
        self._stand_ins.append((node, state))
        return node

    # -- the new loop
    def live(self, used: Iterable[int]) -> list[State]:
        """The states that must be carried for the values after the loop whose numbers are `used`."""
        wanted = [self.states[i] for i in used]
        pending = [self.condition, *[s.result for s in wanted if s.final is None]]
        needed = {id(s) for s in wanted if s.final is None}
        for state in self._stood_for([s.final for s in wanted if s.final is not None]):
            if id(state) not in needed:
                needed.add(id(state))
                pending.append(state.result)
        while pending:
            found = {n.id for n in self._within(pending)}
            pending = []
            for state in self.states:
                if id(state) not in needed and state.parameter.id in found:
                    needed.add(id(state))
                    pending.append(state.result)
        return [s for s in self.states if id(s) in needed]

    def _stood_for(self, finals: Sequence[Node]) -> list[State]:
        """The carried values for which something stands in values after the loop."""
        stand_ins = {node.id: state for node, state in self._stand_ins}
        first = min(stand_ins, default=0)
        pending, seen, found = list(finals) if stand_ins else [], set(), []
        while pending:
            node = pending.pop()
            if node.id in seen or node.id < first:
                continue
            seen.add(node.id)
            if node.id in stand_ins:
                found.append(stand_ins[node.id])
            pending.extend(node.args)
        return found

    def emit(self, used: Sequence[int]) -> dict[int, Node]:
        """Makes the loop again; the values after it whose numbers are `used`."""
        p, live = self.p, self.live(used)
        after: dict[int, Node] = {}  # of states, by id()
        if live:
            parameters = [s.parameter.id for s in live]

            def step(*values: Node) -> list[Node]:
                known = dict(zip(parameters, values))
                return substitute(p, [s.result for s in live], known)

            def condition(*values: Node) -> Node:
                return substitute(p, [self.condition], dict(zip(parameters, values)))[0]

            trips = self.node.attrs.get("max_trips") if self.trips is None else int(self.trips)
            unread = [i for i, s in enumerate(live) if s.unread]
            found = p.while_(condition, step, [s.init for s in live], trips, unread)
            after = {id(s): value for s, value in zip(live, found)}
        known = {node.id: after[id(s)] for node, s in self._stand_ins if id(s) in after}
        results = {}
        for i in used:
            state = self.states[i]
            if state.final is None:
                results[i] = after[id(state)]
            else:
                (results[i],) = substitute(p, [state.final], known)
        return results
