"""Placement: the device of each operation. A program runs on one device, so operations of other devices wait for the next program."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.section import Section
from penstock._src.core.calls.placement import POLICY, name_of, number_for, number_named
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.graph.operation import Operation


class Placing:
    """Takes the device of a program's first operation for the program, and leaves operations of other devices out."""

    def __init__(self, section: Section, values: Sequence[Any]) -> None:
        self.default = section.device
        self.here: int | None = None
        self._of_handles = _devices_of_variables(section, values)

    @property
    def device(self) -> int | None:
        """The device of the program; None if no devices are used."""
        return self.default if self.here is None else self.here

    def is_elsewhere(self, op: Operation) -> bool:
        """True if an operation runs on another device than the program. Constants are placed where they are used."""
        if self.default is None or op.type == "Const":
            return False
        number = self._number(op)
        if self.here is None:
            self.here = number
        return number != self.here

    def _number(self, op: Operation) -> int:
        assert self.default is not None
        if number_named(op.device) is not None:
            return number_for(op.device, self.default, op.type)
        of_variables = [self._of_handles[t._id] for t in op._inputs if t._id in self._of_handles]
        return of_variables[0] if of_variables else self.default


def _devices_of_variables(section: Section, values: Sequence[Any]) -> Mapping[int, int]:
    """The GPUs for which variables were created, by the ids of their handles' tensors: operations on a variable run there."""
    devices = {}
    for tensor, value in zip(section.inputs, values):
        if section.device is not None and isinstance(value, VariableHandle) and value.device:
            number = number_named(value.device)
            if number is not None and number >= 0:
                devices[tensor._id] = number_for(value.device, section.device, "VarHandleOp")
    return devices


def refuse_without_kernel(section: Section, op: Operation) -> None:
    """Raises if an operation that only the host runs must not run there.

    Raises:
      InvalidArgumentError: it names a GPU, and soft placement is off.
    """
    if section.device is None or POLICY.soft is not False:
        return
    number = number_named(op.device)
    if number is not None and number >= 0:
        raise InvalidArgumentError(
            None,
            None,
            f"Cannot assign a device for operation {op.name}: Could not satisfy explicit device specification "
            f"'{name_of(number)}' because no supported kernel for GPU devices is available. [[{{{{node {op.name}}}}}]]",
        )
