"""Reads of sharded weights; see `distribute/workers/parts/weights.py`."""

from typing import Any

from penstock._src.core.calls.binding import complete
from penstock._src.core.calls.facts import Effects, Slices
from penstock._src.core.registry import find, make_function
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.collective.parts import _GatherParts, _Parts


class _ReadWhole(_Parts):
    """The whole weight, gathered from each process's shard.

    `resource` stands for the weight: the gradient of what is read is the weight's. In programs there is no such operation, but gathers
    where the weight is used (graph/passes/gathered_weights.py).
    """

    signature = "resource: resource, part: T -> value: T"
    output_shape: TensorShape
    size: int
    slices = Slices(accepted=True)
    effects = Effects(reads_only=True, leaves_loops=True)

    def shape(self, resource, part):
        return self.output_shape

    def gradient(self, _resource, _part, _value, dy):
        return dy, None

    def eager(self, resource, part):
        return self.gather().eager([part])[0]

    def written_as(self):
        return complete(find("ReadVariableOp"), {"dtype": self.T}, True), 1

    def gather(self) -> Any:
        """The op that gathers the part."""
        attrs = {"shapes": (self.output_shape,), "size": self.size, "pack_bytes": self.pack_bytes}
        return _GatherParts.instance(attrs | {"T": (self.T,), "Tout": (self.T,)})


read_whole = make_function(_ReadWhole)
