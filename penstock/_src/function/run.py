"""Runs a graph function through the compiler's Executable."""

from typing import Any

from penstock._src.compiler.compile import compile_graph
from penstock._src.graph.library import GraphFunction
from penstock._src.util.slots import above


def make_runner(function: GraphFunction) -> Any:
    """Returns the runner of `function`: list of host values -> list of host values."""
    executable = compile_graph(
        function.graph,
        function.inputs,
        function.outputs,
        function.graph.control_outputs,
        function.name,
        why_host=function.why_host,
    )
    return above("debugged")(function, executable) if function.graph.is_debugged else executable
