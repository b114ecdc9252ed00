"""The compiler's entry: graphs to Executables.

graph -> blocks (blocks/) -> lower (lower/) -> the stages of pipeline.py -> a program of a device
"""

from collections.abc import Collection, Sequence
from typing import Any

from penstock._src.compiler.executable import Executable, PlacedExecutable
from penstock._src.compiler.token_flow import TokenFlow
from penstock._src.core.calls.placement import has_gpus
from penstock._src.graph.operation import Operation
from penstock._src.graph.passes import host_conditions
from penstock._src.graph.passes.string_numbers import with_numbers
from penstock._src.graph.passes.unused_results import operations_to_run


class _Needed:
    """The operations of a graph that must run, computed again only when the graph changes; otherwise the same sequence object is returned."""

    def __init__(
        self,
        graph: Any,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        control_outputs: Sequence[Operation],
        already_run: Collection[Operation] = (),
    ) -> None:
        self.graph, self.inputs, self.outputs = graph, inputs, outputs
        self.control_outputs, self.already_run = control_outputs, already_run
        self.state: tuple[int, ...] = ()
        self.found: tuple[Operation, ...] = ()

    def __call__(self) -> tuple[Operation, ...]:
        graph = self.graph
        state = len(graph._operations), graph._edits, len(self.control_outputs)
        # elsewhere what runs depends on the graphs of conditions and loops, too
        if state != self.state or not graph.keeps_program_order:
            ops = operations_to_run(
                graph, self.inputs, self.outputs, self.control_outputs, self.already_run
            )
            if graph.keeps_program_order:
                ops = with_numbers(ops, self.outputs)
            self.found, self.state = tuple(ops), state
        return self.found


def compile_graph(
    graph: Any,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    control_outputs: Sequence[Any] | None = None,
    name: str | None = None,
    why_host: str = "",
    states: dict[Any, Any] | None = None,
    already_run: Collection[Operation] = (),
) -> Executable | TokenFlow:
    """An Executable for part of a graph, or a runner of Switch and Merge nodes.

    Args:
      graph: a Graph or FuncGraph.
      inputs: tensors of the graph that are given at each call.
      outputs: tensors of the graph to compute.
      control_outputs: operations that run although no output needs them; by default those of a FuncGraph.
      name: for reports; by default the graph's.
      why_host: if given, every operation runs on the host, for this reason.
      states: what stateful kernels remember between calls; by default the graph's.
      already_run: operations that do not run again; those of their results that others read are inputs.

    Returns:
      An Executable: called with a host value for each input, it returns one for each output.
    """
    if control_outputs is None:
        control_outputs = getattr(graph, "control_outputs", ())

    needed = _Needed(graph, inputs, outputs, control_outputs, already_run)

    name = name or str(getattr(graph, "name", "graph"))
    states = graph.kernel_states if states is None else states
    if graph.redirects_values:
        ops = needed()
        if any(op.raw_op.flow.redirects for op in ops):
            return TokenFlow(name, ops, inputs, outputs, states, why_host)
    why_host = why_host or host_conditions.why(needed, outputs)
    if has_gpus():
        home = getattr(graph, "home", None)
        return PlacedExecutable(name, needed, inputs, outputs, states, why_host, home=home)
    return Executable(name, needed, inputs, outputs, states, why_host, graph.pack)
