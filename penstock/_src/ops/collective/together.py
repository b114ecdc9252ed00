"""Joint computations of a group of devices in one process."""

import functools

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import make_function
from penstock._src.util.slots import above

_MERGED = {"Add": np.add, "Mul": np.multiply, "Min": np.minimum, "Max": np.maximum}


class _Together(Op):
    """The results of all members of a group, of the tensors that they give, both in the order of the members.

    No graph has it: `graph/passes/collectives.py` puts it in place of the members when a graph runs.
    """

    signature = "inputs: *Tin -> data: *Tout"
    Tin: list[DType]
    Tout: list[DType]
    kind: str
    merge_op: str = ""
    final_op: str = ""
    sizes: list[int]
    group_key: int
    stateful = True

    def eager(self, inputs):
        size = self.sizes[0]
        for other in self.sizes:
            if other != size:
                raise InternalError(
                    f"{self.kind}: a device is joining group {self.group_key} with size {other}, "
                    f"but that group has size {size}."
                )
        return [self._result(inputs, number) for number in range(size)]

    def on_devices(self, inputs):
        return above("combined")(self.kind, self.merge_op, self.final_op, inputs)

    def _result(self, inputs, number):
        if self.kind == "Bcast":
            return inputs[0]
        shapes = [value.shape for value in inputs]
        if self.kind == "Gather" and not all(shapes):
            raise InvalidArgumentError("CollectiveGather: input should have rank > 0")
        if len(set(shapes)) > 1:
            raise InvalidArgumentError(
                f"Collective{self.kind}: Shape mismatch: the tensors of a group have the shapes {shapes}."
            )
        if self.kind == "Gather":
            return np.concatenate(inputs)
        if self.kind == "AllToAll":
            return np.stack([value[number] for value in inputs])
        total = functools.reduce(_MERGED[self.merge_op], inputs)
        if self.final_op == "Div":
            integral = np.issubdtype(total.dtype, np.integer)
            total = total // len(inputs) if integral else total / total.dtype.type(len(inputs))
        if self.kind == "ReduceScatter":
            return np.split(total, len(inputs))[number]
        return total


together = make_function(_Together)
