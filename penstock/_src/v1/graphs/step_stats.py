"""Time of each operation of a graph in a run, for RunMetadata."""

from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.graph.graph import Graph
from penstock._src.graph.operation import Operation
from penstock._src.observe.profile_files import Event
from penstock._src.proto.stats import NodeExecStats


def node_stats(events: Iterable[Event], graph: Graph) -> Iterator[Any]:
    """The NodeExecStats of a run's events.

    A kernel computes several operations at once: each is listed with an equal share of the kernel's time, one after the other. Work that is not an
    operation of the graph, such as a copy, is listed under the kernel's name.
    """
    for event in events:
        own = [op for op in event.operations if op.graph is graph]
        took = (event.end - event.begin) // max(len(own), 1)
        for at, op in enumerate(own):
            yield _stats_of(op, event, event.begin + at * took, took)
        if not own:
            yield _timed(event.name, f"{event.name} = {event.name}()", event, event.begin, took)


def _stats_of(op: Operation, event: Event, begin: int, took: int) -> Any:
    inputs = ", ".join(tensor.name.removesuffix(":0") for tensor in op.inputs)
    kernel = "" if event.name == op.type else f" in {event.name}"
    stats = _timed(op.name, f"{op.name} = {op.type}({inputs}){kernel}", event, begin, took)
    for slot, tensor in enumerate(op.outputs):
        description = stats.output.add(slot=slot).tensor_description
        description.dtype = tensor.dtype.as_datatype_enum
        # Also of unknown shapes: TensorBoard shows no times at all if a single output lacks its own.
        description.shape.CopyFrom(tensor.shape.as_proto())
    return stats


def _timed(name: str, label: str, event: Event, begin: int, took: int) -> Any:
    return NodeExecStats(
        node_name=name,
        timeline_label=label,
        thread_id=event.thread & 0xFFFFFFFF,
        scheduled_micros=event.begin // 1000,
        scheduled_nanos=event.begin,
        all_start_micros=begin // 1000,
        op_end_rel_micros=took // 1000,
        all_end_rel_micros=took // 1000,
        all_start_nanos=begin,
        op_end_rel_nanos=took,
        all_end_rel_nanos=took,
    )
