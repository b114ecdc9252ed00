"""Streams: the parts of a function that were placed on different logical devices, such as replicas. They may run side by side.

A stream is a sequence of kernels that run in order, as on GPUs; it has no order with the kernels of other streams of its section.

Every kernel is within one stream: epilogues and merged groups never mix nodes of several. Nodes without a device, such as the sum of
the replicas' gradients, belong to no stream.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from penstock._src.compiler.kernels.memory import in_memory_already
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

NO_STREAM = -1


def streams_of(nodes: Sequence[Node]) -> Mapping[int, int]:
    """The stream of each node, by its id: the device number of its operation; empty if operations name fewer
    than two devices.

    Nodes without operation, such as those created by passes, are in the stream of their arguments. Nodes without any information are left
    out.
    """
    streams: dict[int, int] = {}
    if "streams" in flags.disable:
        return streams
    for node in nodes:
        # Values in memory have no kernel, and so no stream.
        if in_memory_already(node) and node.kind != "item":
            continue
        asked = getattr(node.origin, "device", None)
        number = common_stream(streams, node.args) if asked is None else _number(asked)
        if number is not None:
            streams[node.id] = number
    return streams if len(set(streams.values()) - {NO_STREAM}) > 1 else {}


def common_stream(streams: Mapping[int, int], nodes: Iterable[Node]) -> int | None:
    """The common stream of nodes; None if none of them has one."""
    numbers = {streams[n.id] for n in nodes if n.id in streams}
    if not numbers:
        return None
    # Nodes of two streams meet in no stream, in kernels between the sections.
    return numbers.pop() if len(numbers) == 1 else NO_STREAM


@functools.lru_cache(maxsize=256)
def _number(device: str) -> int:
    """The number in the name of a device."""
    suffix = re.search(r":(\d+)$", device)
    return int(suffix[1]) if suffix else NO_STREAM
