"""Metadata of sessions' runs: devices, and the time of each operation and kernel."""

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock._src.graph.rewriting import extract_sub_graph
from penstock._src.graph.serialize.lowered import lowered_graph_def
from penstock._src.observe.profiler import OPERATIONS, Recording
from penstock._src.proto.graph import GraphDef
from penstock._src.util.device_spec import DeviceSpec
from penstock._src.util.run_observers import observed_runs
from penstock._src.util.signatures import read_only
from penstock._src.v1.graphs.step_stats import node_stats

DEVICE = "/job:localhost/replica:0/task:0/device:CPU:"


class DeviceAttributes:
    """A device of a session.

    Args:
      name: the whole name.
      device_type: such as "CPU".
      memory_limit_bytes: how much memory it has.
      incarnation: a number that it has from its start on.
    """

    def __init__(
        self, name: str, device_type: str, memory_limit_bytes: int, incarnation: int
    ) -> None:
        self._name = DeviceSpec.from_string(name).to_string()
        self._device_type = device_type
        self._memory_limit_bytes, self._incarnation = memory_limit_bytes, incarnation

    name = read_only("_name", "The whole name.")
    device_type = read_only("_device_type", 'The type, such as "CPU".')
    memory_limit_bytes = read_only("_memory_limit_bytes", "Memory of the device in bytes.")
    incarnation = read_only("_incarnation", "Random number chosen when the device starts.")

    def __repr__(self) -> str:
        return (
            f"_DeviceAttributes({self._name}, {self._device_type}, {self._memory_limit_bytes}, "
            f"{self._incarnation})"
        )


def devices_of(config: Any) -> list[DeviceAttributes]:
    """The devices of a session: the number of CPUs in its config, or one."""
    count = config.device_count.get("CPU", 1) if config is not None else 1
    return [DeviceAttributes(f"{DEVICE}{i}", "CPU", 256 << 20, 0) for i in range(count)]


def cpu_of(task: str) -> DeviceAttributes:
    """The CPU of a task of a cluster."""
    return DeviceAttributes(f"{task}/device:CPU:0", "CPU", 256 << 20, 0)


def _partitions(session: Any, wanted: list[str]) -> list[Any]:
    """The graph that a run needs, conditions and loops lowered, as a GraphDef for each device of the session that nodes ask for."""
    config = session._config
    executor = config.experimental.executor_type if config is not None else ""
    lowers = executor != "SINGLE_THREADED_EXECUTOR"
    graph = session.graph
    whole = extract_sub_graph(lowered_graph_def(graph) if lowers else graph.as_graph_def(), wanted)
    count = len(devices_of(config))
    if count == 1:
        return [whole]
    placed = {op.name: op.device for op in graph._operations}
    parts: dict[int, Any] = {}
    for node in whole.node:
        groups = node.attr["_class"].list.s if "_class" in node.attr else ()
        names = [group.removeprefix(b"loc:@").decode() for group in groups]
        device = next((placed[name] for name in names if placed.get(name)), node.device)
        asked = DeviceSpec.from_string(device).device_index or 0
        parts.setdefault(asked if asked < count else 0, GraphDef()).node.add().CopyFrom(node)
    for part in parts.values():
        part.library.CopyFrom(whole.library)
        part.versions.CopyFrom(whole.versions)
    return [parts[number] for number in sorted(parts)]


@contextlib.contextmanager
def described_run(options: Any, metadata: Any, session: Any, wanted: list[str]) -> Iterator[None]:
    """A context that records its run in a RunMetadata, with the details that RunOptions request.

    Args:
      options: RunOptions, or None.
      metadata: the RunMetadata.
      session: the session.
      wanted: the names of the operations that are fetched or run.
    """
    metadata.Clear()
    if options is not None and options.output_partition_graphs:
        metadata.partition_graphs.extend(_partitions(session, wanted))
    if options is None or not options.trace_level:
        yield
        return
    recording = Recording("", OPERATIONS)
    with observed_runs(recording):
        yield
    devices = [metadata.step_stats.dev_stats.add(device=one.name) for one in session.list_devices()]
    devices[0].node_stats.extend(node_stats(recording.finished(), session.graph))
