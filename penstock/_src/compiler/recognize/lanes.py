"""Lanes: the parts of a function that were placed on different logical devices, such as replicas. They may run side by side.

Every kernel is within one lane: epilogues and merged groups never mix nodes of several. Nodes without a device, such as the sum of
the replicas' gradients, belong to no lane.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from penstock._src.compiler.kernels.memory import in_memory_already
from penstock._src.ir.node import Node
from penstock._src.util.flags import flags

NO_LANE = -1


def lanes_of(nodes: Sequence[Node]) -> Mapping[int, int]:
    """The lane of each node, by its id: the device number of its operation; empty if operations name fewer
    than two devices.

    Nodes without operation, such as those created by passes, are in the lane of their arguments. Nodes without any information are left
    out.
    """
    lanes: dict[int, int] = {}
    if "lanes" in flags.disable:
        return lanes
    for node in nodes:
        # What is in memory has no kernel, and so no lane.
        if in_memory_already(node) and node.kind != "item":
            continue
        asked = getattr(node.origin, "device", None)
        number = common_lane(lanes, node.args) if asked is None else _number(asked)
        if number is not None:
            lanes[node.id] = number
    return lanes if len(set(lanes.values()) - {NO_LANE}) > 1 else {}


def common_lane(lanes: Mapping[int, int], nodes: Iterable[Node]) -> int | None:
    """The common lane of nodes; None if none of them has one."""
    numbers = {lanes[n.id] for n in nodes if n.id in lanes}
    if not numbers:
        return None
    # Nodes of two lanes meet in no lane, in kernels between the sections.
    return numbers.pop() if len(numbers) == 1 else NO_LANE


@functools.lru_cache(maxsize=256)
def _number(device: str) -> int:
    """The number in the name of a device."""
    suffix = re.search(r":(\d+)$", device)
    return int(suffix[1]) if suffix else NO_LANE
