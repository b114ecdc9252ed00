"""A `while` node in a form that can be rewritten: its state over fresh parameters, its condition and results over outer nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any

from penstock._src.core.dtypes import DType
from penstock._src.ir.build.control import substitute
from penstock._src.ir.build.leaves import new_scope
from penstock._src.ir.function import Function, users
from penstock._src.ir.node import Node, Shape
from penstock._src.util.dataclass import dataclass


@dataclass(eq=False)
class CarriedState:
    """A carried value: before the loop, at the start of a step, after the step.

    final     the value after the loop, where it is known without being carried
    unread    every element is written before it is read: the value before the loop does not matter
    """

    init: Node
    parameter: Node
    result: Node
    final: Node | None = None
    unread: bool = False


@dataclass(eq=False)
class OpenLoop:
    """A loop that is being rewritten.

    node        the `while` node that it was
    scope       of the parameters of condition and body
    condition   True if another step runs, over the states' parameters
    states      begin with those of the node, in its order
    trips       number of steps, if known
    counter     the parameter that counts the steps
    """

    p: Any
    node: Node
    scope: Any
    condition: Node
    states: list[CarriedState]
    trips: Any = None
    counter: Node | None = None
    _placeholders: list[tuple[Node, CarriedState]] = field(default_factory=list)

    @classmethod
    def of(cls, p: Any, node: Node) -> "OpenLoop":
        """The loop of a node, its condition and body written over parameters of its own."""
        carried = node.attrs["carried"]
        init, outer = node.args[:carried], node.args[carried:]
        scope = new_scope(p.depth + 1)
        parameters = [_parameter(p, x.shape, x.dtype, i, scope) for i, x in enumerate(init)]

        def opened(function: Function) -> list[Node]:
            # Captured values keep their nodes: only carried ones become parameters.
            known = dict(zip([q.id for q in function.parameters], [*parameters, *outer]))
            with p.deeper():
                return substitute(p, function.results, known)

        (condition,) = opened(node.attrs["cond"])
        results = opened(node.attrs["body"])
        states = [CarriedState(*parts) for parts in zip(init, parameters, results)]
        return cls(p, node, scope, condition, states)

    # -- looking
    def is_invariant(self, node: Node) -> bool:
        """True if a node does not depend on values that the loop changes."""
        return node.depth <= self.p.depth

    def nodes(self) -> list[Node]:
        """The nodes of the condition and the results, and the outer nodes that they read."""
        return self._within([self.condition, *[s.result for s in self.states]])

    def _within(self, roots: Sequence[Node]) -> list[Node]:
        """The nodes on which roots depend, without loop invariants, in topological order."""
        nodes_by_id: dict[int, Node] = {}
        pending = list(roots)
        while pending:
            node = pending.pop()
            if node.id not in nodes_by_id:
                nodes_by_id[node.id] = node
                if not self.is_invariant(node):
                    pending.extend(node.args)
        # A node is made after its arguments, so that ids are a topological order.
        return [nodes_by_id[i] for i in sorted(nodes_by_id)]

    def users(self) -> dict[int, list[Node]]:
        """For each node's id, the nodes that use it; the result of a state has None as an additional user."""
        nodes = self.nodes()
        by_id: dict[int, list[Any]] = dict(users(nodes))
        for state in self.states:
            by_id[state.result.id].append(None)
        return by_id

    # -- changing
    def add_state(self, init: Node, result_of: Any = None) -> CarriedState:
        """One more carried value. `result_of(parameter)` is its value after a step (by default it stays)."""
        parameter = _parameter(self.p, init.shape, init.dtype, len(self.states), self.scope)
        with self.p.deeper():
            result = parameter if result_of is None else result_of(parameter)
        state = CarriedState(init, parameter, result)
        self.states.append(state)
        return state

    def replace(self, known: dict[int, Node]) -> None:
        """Replaces nodes by others, by id."""
        if not known:
            return
        with self.p.deeper():
            changed = substitute(self.p, [self.condition, *[s.result for s in self.states]], known)
        self.condition = changed[0]
        for state, result in zip(self.states, changed[1:]):
            state.result = result

    def placeholder(self, state: CarriedState) -> Node:
        """A node for the final value of a carried state, until the loop is created."""
        for node, other in self._placeholders:
            if other is state:
                return node
        scope = new_scope(self.p.depth)
        node = self.p.make(
            "parameter", (), index=0, name="after", shape=state.init.shape, dtype=state.init.dtype, scope=scope
        )  # fmt: skip
        self._placeholders.append((node, state))
        return node

    # -- the new loop
    def live(self, used: Iterable[int]) -> list[CarriedState]:
        """The states that must be carried for the values after the loop with the indices `used`."""
        wanted = [self.states[i] for i in used]
        pending = [self.condition, *[s.result for s in wanted if s.final is None]]
        needed = {id(s) for s in wanted if s.final is None}
        for state in self._carried_in([s.final for s in wanted if s.final is not None]):
            if id(state) not in needed:
                needed.add(id(state))
                pending.append(state.result)
        while pending:
            inner = {n.id for n in self._within(pending)}
            pending = []
            for state in self.states:
                if id(state) not in needed and state.parameter.id in inner:
                    needed.add(id(state))
                    pending.append(state.result)
        return [s for s in self.states if id(s) in needed]

    def _carried_in(self, finals: Sequence[Node]) -> list[CarriedState]:
        """The carried states whose placeholders are used after the loop."""
        placeholders = {node.id: state for node, state in self._placeholders}
        # Ids grow as nodes are made: an older one cannot depend on a placeholder.
        first = min(placeholders, default=0)
        pending, seen, carried = list(finals) if placeholders else [], set(), []
        while pending:
            node = pending.pop()
            if node.id in seen or node.id < first:
                continue
            seen.add(node.id)
            if node.id in placeholders:
                carried.append(placeholders[node.id])
            pending.extend(node.args)
        return carried

    def emit(self, used: Sequence[int]) -> dict[int, Node]:
        """Creates the rewritten loop; returns the values after it with the indices `used`."""
        p, live = self.p, self.live(used)
        after: dict[int, Node] = {}  # new states, by id() of the old ones
        if live:
            parameters = [s.parameter.id for s in live]

            def step(*values: Node) -> list[Node]:
                known = dict(zip(parameters, values))
                return substitute(p, [s.result for s in live], known)

            def condition(*values: Node) -> Node:
                return substitute(p, [self.condition], dict(zip(parameters, values)))[0]

            trips = self.node.attrs.get("max_trips") if self.trips is None else self.trips
            unread = [i for i, s in enumerate(live) if s.unread]
            finals = p.while_(condition, step, [s.init for s in live], trips, unread)
            after = {id(s): value for s, value in zip(live, finals)}
        known = {node.id: after[id(s)] for node, s in self._placeholders if id(s) in after}
        results = {}
        for i in used:
            state = self.states[i]
            if state.final is None:
                results[i] = after[id(state)]
            else:
                (results[i],) = substitute(p, [state.final], known)
        return results


def _parameter(p: Any, shape: Shape, dtype: DType, index: int, scope: Any) -> Node:
    return p.make(
        "parameter", (), index=index, name=f"p{index}", shape=shape, dtype=dtype, scope=scope
    )  # fmt: skip
