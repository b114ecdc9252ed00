"""Graphs of the emulated libcuda: captured work of streams, and conditional nodes.

It enforces the rules of the driver's documentation: one stream of a process records one graph, added nodes precede later
ones, a condition belongs to the graph that has its node, and a body of a loop sets its condition.
"""

import ctypes
from collections.abc import Callable
from dataclasses import field
from typing import Any

from penstock._src.devices.gpu.cuda.driver.calls import (
    CONDITIONAL,
    IF,
    SET_DEPENDENCIES,
    SWITCH,
    WHILE,
    ConditionalNode,
)
from penstock._src.devices.gpu.emulator.emulator import Emulator, KernelFault
from penstock._src.devices.gpu.emulator.state import UNSET
from penstock._src.devices.gpu.emulator.streams import INVALID, Mark, StreamFunctions, number_of
from penstock._src.util.dataclass import dataclass

UNJOINED = 904  # a recorded stream was not joined by the stream that began the recording
CAPTURING = 1  # the status of a stream that is recorded


@dataclass(eq=False)
class EmulatedGraph:
    """A graph: its actions in order.

    handle       the callers' handle of it
    conditions   first numbers of those that belong to it, by their handles
    used         conditions that have a node
    added        a node that nothing comes after yet, though it was added last
    joined       streams recorded together with the first one; True if it has yet to wait for them
    """

    handle: int
    actions: list[Callable[[], None]] = field(default_factory=list)
    conditions: dict[int, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    bodies: "list[EmulatedGraph]" = field(default_factory=list)
    added: int | None = None
    joined: dict[int, bool] = field(default_factory=dict)

    def all_conditions(self) -> dict[int, int]:
        """Those of its nodes, and of nodes within them."""
        conditions = dict(self.conditions)
        for body in self.bodies:
            conditions |= body.all_conditions()
        return conditions

    def is_whole(self) -> bool:
        """True if every condition has its node, and every node its position."""
        is_used = self.used == self.conditions.keys() and self.added is None
        return is_used and all(body.is_whole() for body in self.bodies)


class GraphFunctions(StreamFunctions):
    """libcuda's functions of graphs."""

    emulator: Emulator

    def __init__(self, lazy: bool = False) -> None:
        super().__init__(lazy)
        self._recorded: dict[int, EmulatedGraph] = {}  # by stream

    def _do(self, stream: Any, action: Callable[[], None]) -> int:
        """Puts work into a stream, or records it."""
        graph = self._recorded.get(number_of(stream))
        if graph is None:
            self._enqueue(stream, action)
        elif graph.added is not None:
            return INVALID  # it would not come after the node that was added
        else:
            graph.actions.append(action)
            if number_of(stream) in graph.joined:
                graph.joined[number_of(stream)] = True
        return 0

    def is_recorded(self, stream: Any) -> bool:
        return number_of(stream) in self._recorded

    def _new_graph(self) -> EmulatedGraph:
        graph = EmulatedGraph(0)
        graph.handle = self._handle(graph)
        return graph

    def cuStreamBeginCapture_v2(self, stream: Any, _mode: Any) -> int:
        if self.is_recorded(stream):
            return INVALID
        self._recorded[number_of(stream)] = self._new_graph()
        return 0

    def cuStreamBeginCaptureToGraph(
        self, stream: Any, graph: Any, _last: Any, _edges: Any, count: Any, _mode: Any
    ) -> int:
        body = self._objects.get(number_of(graph))
        if self.is_recorded(stream) or not isinstance(body, EmulatedGraph):
            return INVALID
        # Recorded without dependencies, work would run beside nodes that are there already.
        if body.actions or number_of(count):
            return INVALID  # it would not come after the nodes that exist
        self._recorded[number_of(stream)] = body
        return 0

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        recorded = self._recorded.get(number_of(stream))
        if recorded is None or number_of(stream) in recorded.joined:
            return INVALID
        is_whole = not any(recorded.joined.values())
        for ended in (number_of(stream), *recorded.joined):
            del self._recorded[ended]
        recorded.joined.clear()
        if is_whole:
            graph._obj.value = recorded.handle
        return 0 if is_whole else UNJOINED

    def cuEventRecord(self, event: Any, stream: Any) -> int:
        graph = self._recorded.get(number_of(stream))
        if graph is None or self._mark(event) is None:
            return super().cuEventRecord(event, stream)
        self._objects[number_of(event)] = Mark(number_of(stream), graph)
        return 0

    def cuStreamWaitEvent(self, stream: Any, event: Any, flags: Any) -> int:
        mark, number = self._mark(event), number_of(stream)
        if mark is None or mark.graph is None:
            return super().cuStreamWaitEvent(stream, event, flags)
        graph = mark.graph
        if self._recorded.get(mark.stream) is not graph:
            return INVALID  # the graph has ended
        if self._recorded.setdefault(number, graph) is not graph:
            return INVALID
        if mark.stream in graph.joined:
            graph.joined[mark.stream] = False
        else:
            graph.joined[number] = True
        return 0

    def cuStreamGetCaptureInfo_v2(
        self, stream: Any, state: Any, _number: Any, graph: Any, _last: Any, count: Any
    ) -> int:
        recorded = self._recorded.get(number_of(stream))
        if recorded is None:
            return INVALID
        state._obj.value, graph._obj.value = CAPTURING, recorded.handle
        count._obj.value = len(recorded.actions)  # all of them precede later nodes
        return 0

    def cuStreamUpdateCaptureDependencies(
        self, stream: Any, nodes: Any, count: Any, flags: Any
    ) -> int:
        graph = self._recorded.get(number_of(stream))
        if graph is None or count.value != 1 or flags.value != SET_DEPENDENCIES:
            return INVALID
        if nodes._obj.value != graph.added:
            return INVALID
        graph.added = None
        return 0

    def cuGraphConditionalHandleCreate(
        self, handle: Any, graph: Any, context: Any, default: Any, flags: Any
    ) -> int:
        handle_number = self._objects.get(number_of(graph))
        if (
            not isinstance(handle_number, EmulatedGraph)
            or not number_of(context)
            or flags.value != 1
        ):
            return INVALID
        handle._obj.value = owner = self.emulator.add_condition()
        handle_number.conditions[owner] = default.value
        return 0

    def cuGraphAddNode(self, node: Any, graph: Any, _last: Any, count: Any, params: Any) -> int:
        emulated, asked = self._objects.get(number_of(graph)), params._obj
        if not isinstance(emulated, EmulatedGraph) or count.value != len(emulated.actions):
            return INVALID
        if asked.type != CONDITIONAL or not _is_right(asked):
            return INVALID
        if asked.handle not in emulated.conditions or asked.handle in emulated.used:
            return INVALID
        bodies = [self._new_graph() for _ in range(asked.size)]
        emulated.bodies += bodies
        emulated.used.add(asked.handle)
        handles = (ctypes.c_void_p * asked.size)(*[body.handle for body in bodies])
        asked.bodies = handles
        action = {IF: self._if, WHILE: self._while, SWITCH: self._switch}[asked.kind]
        condition = int(asked.handle)
        emulated.actions.append(lambda: action(condition, bodies))
        emulated.added = node._obj.value = self._handle(handles)
        return 0

    def _if(self, condition: int, bodies: list[EmulatedGraph]) -> None:
        if self.emulator.condition(condition):
            self._do_all(bodies[0])

    def _while(self, condition: int, bodies: list[EmulatedGraph]) -> None:
        while self.emulator.condition(condition):
            # A real GPU would keep the old number and loop for ever: here that is found out.
            self.emulator.condition(condition, UNSET)
            self._do_all(bodies[0])
            if self.emulator.condition(condition) == UNSET:
                raise KernelFault(None, None, "a loop's body does not set its condition.")

    def _switch(self, condition: int, bodies: list[EmulatedGraph]) -> None:
        chosen = self.emulator.condition(condition)
        if 0 <= chosen < len(bodies):
            self._do_all(bodies[chosen])

    def _do_all(self, graph: EmulatedGraph) -> None:
        for action in graph.actions:
            action()

    def cuGraphInstantiateWithFlags(self, ready: Any, graph: Any, _flags: Any) -> int:
        graph_object = self._objects[number_of(graph)]
        if not graph_object.is_whole():
            return INVALID
        ready._obj.value = self._handle((graph_object, graph_object.all_conditions()))
        return 0

    def cuGraphDestroy(self, graph: Any) -> None:
        self._forget(self._objects[number_of(graph)])

    def _forget(self, graph: EmulatedGraph) -> None:
        """Forgets a graph and its bodies."""
        # Bodies belong to the graph, as in the driver: their handles end with it.
        del self._objects[graph.handle]
        for body in graph.bodies:
            self._forget(body)

    def cuGraphExecDestroy(self, ready: Any) -> None:
        del self._objects[number_of(ready)]

    def cuGraphLaunch(self, ready: Any, stream: Any) -> int:
        graph, conditions = self._objects[number_of(ready)]

        def begin() -> None:
            # The driver sets conditions at each launch, not only when they are created.
            for handle, default in conditions.items():
                self.emulator.condition(handle, default)

        codes = [self._do(stream, action) for action in (begin, *graph.actions)]
        return max(codes)


def _is_right(node: ConditionalNode) -> bool:
    """True if a node has a valid number of bodies for its kind, and zeros in reserved fields."""
    most = {IF: 1, WHILE: 1, SWITCH: 1 << 30}.get(node.kind, 0)
    return 1 <= node.size <= most and not any(node.reserved0) and not any(node.reserved1)
