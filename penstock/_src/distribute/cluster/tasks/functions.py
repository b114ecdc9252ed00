"""Functions that run in another task: sent as graphs, once to each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.core.values.resources import Resource
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.handles import Handle, handle_from, sent
from penstock._src.distribute.cluster.tasks.task import Task
from penstock._src.distribute.cluster.tasks.values import decode, encode_all
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.exporter import function_library


def run_function(
    task: Task,
    function: GraphFunction,
    values: Sequence[Any],
    stand_in: Callable[[Resource], Resource] = lambda resource: resource,
) -> list[Any]:
    """Returns the outputs of a function that runs in a task.

    Args:
      task: where it runs.
      function: a graph function.
      values: its inputs.
      stand_in: what the task gets in place of a resource.

    Raises:
      TaskLostError: the task, or one that holds a resource, does not answer.
      OpError: as the function raises it there.
    """
    register(task, function)
    request = messages.FunctionRequest(name=function.name)
    encode_all(request.inputs, values, lambda resource: _reference(stand_in(resource), function))
    reply = task.call("RunFunction", request)
    return [decode(value, lambda ref: handle_from(task, ref)) for value in reply.outputs]


def register(task: Task, function: GraphFunction) -> None:
    """Sends a function to a task that does not have it."""
    incarnation = task.incarnation
    if function.name in task.functions:
        return
    request = messages.RegisterRequest(library=function_library(function))
    task.call("Register", request)
    if task.incarnation == incarnation:
        task.functions.add(function.name)


def _reference(resource: Resource, function: GraphFunction) -> Any:
    if not isinstance(resource, Handle):
        raise UnimplementedError(
            f"The function '{function.name}' uses {resource!r} of this process, which other tasks cannot reach. Make variables "
            "within the scope of the ParameterServerStrategy, and tables within functions or from arguments."
        )
    return sent(resource)
