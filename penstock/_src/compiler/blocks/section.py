"""A part of a graph that is executed as a whole, as a record: what a Block is made of and `specialize` takes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.graph.operation import Operation
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Section:
    """Operations, the tensors that they are given, and those that they give."""

    name: str
    ops: Sequence[Operation]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    states: dict[Any, Any]  # what stateful kernels remember (core/values/kernel_state.py)
    why_host: str = ""  # why all operations run on the host, if they do
    host: Mapping[str, str] = dataclasses.field(default_factory=dict)  # operation -> why it does
    constants: frozenset[int] = frozenset()  # ids of inputs that are constants of the graph
    # Positions of inputs for whose values it is specialized, rather than for their shapes; None if there were too many values.
    values: tuple[int, ...] | None = ()
    # Ids of inputs that only operations on the host read: the program is the same whatever they are.
    for_host: frozenset[int] = frozenset()
    # The number of the device for operations that name none; None: PENSTOCK_DEVICE names no GPUs, and nothing is placed.
    device: int | None = None

    def identity(self) -> Any:
        """What two sections of one graph have in common if they are executed alike for equal inputs."""
        tensors = [tuple([t._id for t in side]) for side in (self.inputs, self.outputs)]
        ops = tuple([op.name for op in self.ops])
        return ops, *tensors, self.why_host, frozenset(self.host), self.constants, self.values
