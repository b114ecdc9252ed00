"""Sections: the part of a graph that a Block executes, as a record for `specialize`."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.graph.operation import Operation
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks


@dataclass(frozen=True)
class Section:
    """Operations with their input and output tensors."""

    name: str
    ops: Sequence[Operation]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    states: dict[Any, Any]  # the state of stateful kernels (core/values/kernel_state.py)
    why_host: str = ""  # the reason why all operations run on the host, if they do
    # Operations that run on the host, with the reason.
    host: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constants: frozenset[int] = frozenset()  # ids of inputs that are constants of the graph
    # Positions of inputs whose values (not only shapes) the program depends on; None if there were too many values.
    values: tuple[int, ...] | None = ()
    # Ids of inputs that only operations on the host read: the program does not depend on their shapes.
    for_host: frozenset[int] = frozenset()
    # The device number of operations without a device; None without GPUs in PENSTOCK_DEVICE: no devices are used.
    device: int | None = None
    pack: Any = None  # the Pack with object code of kernels (native/cache/packs), or None

    def identity(self) -> Any:
        """A key that is equal for sections of one graph that execute alike for equal inputs."""
        tensors = [tuple([t._id for t in side]) for side in (self.inputs, self.outputs)]
        ops = tuple([op.name for op in self.ops])
        return ops, *tensors, self.why_host, frozenset(self.host), self.constants, self.values


@dataclass(frozen=True)
class WaitingSection:
    """A section that waits for earlier steps, with the reasons of its operations and the slots that it reads and writes."""

    section: Section
    reasons: Mapping[str, str]
    reads: list[int]
    writes: list[int]

    @forks.cached_property
    def identity(self) -> Any:
        """The section's."""
        return self.section.identity()
