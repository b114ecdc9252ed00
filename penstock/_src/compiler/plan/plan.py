"""Plan: a function as launches over buffers. A device adds addresses to load and run it."""

from dataclasses import field
from typing import Any

from penstock._src.compiler.plan.buffers import Buffer, Place
from penstock._src.compiler.plan.launch_table import Jump, Launch, Record, text
from penstock._src.compiler.plan.prepacked import PrepackedWeights
from penstock._src.core.errors import InternalError, InvalidArgumentError, OpError
from penstock._src.ir.extents.values import Values, current_or_none
from penstock._src.ir.function import Check, Function
from penstock._src.ir.node import Node
from penstock._src.native import Code
from penstock._src.native.runner import STREAMS
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName

# Imported by name: programs without exchanges do not load transports.
_CONNECT = ByName("penstock._src.cluster.transports.table", "connect")
_FAILED_RANK = ByName("penstock._src.cluster.transport", "failed_rank")


@dataclass(frozen=True)
class OutOfBounds:
    """The error of a run in which an element of `indices`, an argument of `node`, is out of range.

    written  indices of the variables that have their new values at this point; None if that is not known
    shape    the shape of `indices` in this program
    """

    indices: Node
    node: Node
    written: frozenset[int] | None
    shape: tuple[int, ...]

    def error(self, status: Any) -> OpError:
        """The error for the kernel's status words: the position of the element, its value and the limit."""
        position, rest = list[int](), int(status[1])
        for extent in reversed(self.shape):
            position.insert(0, rest % extent)
            rest //= extent
        where = ", ".join(map(str, position))
        error = InvalidArgumentError(
            None, None, f"indices[{where}] = {int(status[2])} is not in [0, {int(status[3])})"
        )
        error._origin = self.node.origin
        error._assigned = self.written
        return error


@dataclass(frozen=True)
class CheckFailed:
    """The error of a run in which a check's condition does not hold. `written` as in OutOfBounds."""

    check: Check
    written: frozenset[int] | None

    def error(self, _status: Any) -> OpError:
        error = self.check.error()
        error._assigned = self.written
        return error


@dataclass(frozen=True)
class ExchangeFailed:
    """The error of a run with a failed exchange with other processes. The run's session on the host has the reason (runtime/exchanging.py)."""

    def error(self, status: Any) -> OpError:
        transport, failed = _CONNECT(), int(status[1])  # 1 + the rank that has failed
        if transport is None or not failed:
            return InternalError(None, None, "An exchange with other processes has failed.")
        error: OpError = _FAILED_RANK(failed - 1, transport.cluster.size)
        return error


@dataclass(frozen=True)
class Plan:
    """A function, planned for a target and a number of threads; for a device without code of its own, the function alone.

    launches     the records of the launch table, in order
    buffers      every buffer of the program; those in the arena have their offsets
    arena_bytes  bytes of the temporaries
    prepacked    weights that are packed once and cached with their variables
    errors       the errors of a run, by code - 1
    conditions   checks that are evaluated after a run, with the buffers of their conditions
    algorithms   labels of contractions' code and of attentions
    threads      the number of threads for which memory is laid out: no launch may use more
    guarded      True if every buffer has its own memory between sentinels
    written      number of kernels whose code was not cached
    places       positions of the buffers in the arena for any sizes, if sizes are unknown
    extents      the numbers of unknown extents
    """

    function: Function
    launches: tuple[Record, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    arena_bytes: int = 0
    prepacked: tuple[PrepackedWeights, ...] = ()
    errors: tuple[OutOfBounds | CheckFailed | ExchangeFailed, ...] = ()
    conditions: tuple[tuple[Check, Buffer], ...] = ()
    algorithms: frozenset[str] = frozenset()
    threads: int = 1
    guarded: bool = False
    written: int = 0
    places: tuple[Place, ...] = ()
    extents: Values = field(default_factory=lambda: current_or_none() or Values({}))

    def __str__(self) -> str:
        return f"{self.function.name}: {self.arena_bytes} bytes\n{text(self.launches)}"

    @property
    def streams(self) -> int:
        """The largest number of streams that run side by side."""
        records = [x for x in self.launches if isinstance(x, Jump) and x.operation == STREAMS]
        return max((x.target for x in records), default=0)

    @property
    def codes(self) -> list[Code]:
        """The distinct codes of all kernels."""
        launched = [x.code for x in self.launches if isinstance(x, Launch)]
        launched += [weights.code.code for weights in self.prepacked]
        return list({id(code): code for code in launched}.values())
