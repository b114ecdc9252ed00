"""The interface of a device to the compiler, and the search for one. Devices are folders of devices/, a layer above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from penstock._src.core.calls.placement import CPU
from penstock._src.ir.extents.guards import Conditions
from penstock._src.ir.extents.values import Values
from penstock._src.native.cache.packs import Pack
from penstock._src.util.flags import flags
from penstock._src.util.slots import above

if TYPE_CHECKING:
    from penstock._src.compiler.codegen.generator import Generator
    from penstock._src.compiler.plan.plan import Plan


class Runnable(Protocol):
    """A program that runs a function."""

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The results for arrays, and handles for parameters of dtype resource; the variables of handles are updated."""


class Stopped(Exception):
    """Raised if a recorded program stops: it has no results, so the same section is lowered and run instead, or its error is raised (blocks/recorded/planned.py).

    Args:
      why: for debuggers.
      end: the number of the error with which a run that assigns variables has stopped, and its status words; None if the section may run again.
    """

    def __init__(self, why: str, end: tuple[int, Any] | None = None) -> None:
        super().__init__(why)
        self.end = end


class NumbersTooLarge(ArithmeticError):
    """A number of a plan for many extents does not fit into 64 bits for those of a call."""


class OpenRunnable(Protocol):
    """A loaded plan with unknown extents, for all calls that meet its conditions.

    conditions  those that its function does not have
    """

    conditions: Conditions

    def sized(self, extents: Values) -> Runnable | None:
        """The program for the extents of a call; None if these do not meet its conditions and its function's.

        Raises:
          NumbersTooLarge: the native computation of its numbers overflows.
        """


class Device(Protocol):
    """A device that runs programs.

    name       in PENSTOCK_DEVICE and in reports
    generator  writes kernels for its target; None: it runs functions directly, without a plan
    computes   True if its results are the function's: PENSTOCK_CHECK compares only those with the interpreter's
    threads    number of tasks that may run at once, for which plans lay out memory
    overlaps_streams  True if its programs run streams side by side (recognize/streams.py)
    load_open  loads a plan with unknown extents, if the device supports it
    """

    name: str
    computes: bool

    @property
    def generator(self) -> Generator | None: ...

    @property
    def threads(self) -> int: ...

    @property
    def overlaps_streams(self) -> bool: ...

    @property
    def load_open(self) -> Callable[[Plan], OpenRunnable] | None: ...

    def load(self, plan: Plan) -> Runnable:
        """The program of a plan; without a generator it has a function only."""


def find_device(name: str) -> Device:
    """The device with a name in the table of devices/.

    Raises:
      InvalidArgumentError: there is no such device.
    """
    return above("find_device")(name)


def current_device(number: int | None = None, pack: Pack | None = None) -> Device:
    """The device of PENSTOCK_DEVICE; with GPUs, the GPU or CPU with a number (core/calls/placement.py); the CPU with a pack's code, if it has a pack."""
    if number == CPU:
        return find_device("CPU")
    device = find_device(flags.device)
    if pack is not None and device.name == "CPU":
        return device.with_pack(pack)  # type: ignore[attr-defined, no-any-return]
    return device if number is None else device.numbered(number)  # type: ignore[attr-defined, no-any-return]
