"""The Plan of a function: what a device needs to load and run it. Addresses are the only thing left open."""

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
from penstock._src.native.runner import LANES
from penstock._src.util.dataclass import dataclass
from penstock._src.util.lazy import ByName

# By name: programs that exchange nothing load no transports.
_CONNECT = ByName("penstock._src.cluster.transports.table", "connect")
_FAILED_RANK = ByName("penstock._src.cluster.transport", "failed_rank")


@dataclass(frozen=True)
class OutOfBounds:
    """What ends a run in which `indices`, an argument of `node`, are outside of what they index. `shape` is theirs in this program.

    `written` are the numbers of the variables that have their new values then; None if that is not known.
    """

    indices: Node
    node: Node
    written: frozenset[int] | None
    shape: tuple[int, ...]

    def error(self, status: Any) -> OpError:
        """The error, for the status words that the kernel left."""
        place, rest = list[int](), int(status[1])
        for extent in reversed(self.shape):
            place.insert(0, rest % extent)
            rest //= extent
        where = ", ".join(map(str, place))
        error = InvalidArgumentError(
            None, None, f"indices[{where}] = {int(status[2])} is not in [0, {int(status[3])})"
        )
        error.origin = self.node.origin  # type: ignore[attr-defined]
        error.written = self.written  # type: ignore[attr-defined]
        return error


@dataclass(frozen=True)
class CheckFailed:
    """What ends a run in which a check's condition does not hold. `written` is as of OutOfBounds."""

    check: Check
    written: frozenset[int] | None

    def error(self, _status: Any) -> OpError:
        error = self.check.error()
        error.written = self.written  # type: ignore[attr-defined]
        return error


@dataclass(frozen=True)
class ExchangeFailed:
    """What ends a run whose exchange with other processes has failed. On the host the run's session tells why (runtime/exchanging.py)."""

    def error(self, status: Any) -> OpError:
        transport, told = _CONNECT(), int(status[1])  # 1 + the rank that has failed
        if transport is None or not told:
            return InternalError(None, None, "An exchange with other processes has failed.")
        error: OpError = _FAILED_RANK(told - 1, transport.cluster.size)
        return error


@dataclass(frozen=True)
class Plan:
    """A function, planned for a target and a number of threads; for a device without code of its own, the function alone.

    launches     the records of the launch table, in order
    buffers      every buffer of the program; those in the arena have their offsets
    arena_bytes  how much memory the temporaries take
    prepacked    what is packed of variables once and kept with them
    errors       what a run's status says, by code - 1
    conditions   checks that are looked at after a run, and where their conditions lie
    algorithms   labels of contractions' code and of attentions
    threads      for how many threads memory is laid out: no launch may use more
    guarded      whether every buffer has memory of its own between sentinels
    written      how many kernels' code was not known before
    places       where the buffers of the arena lie, if their sizes are unknown
    extents      what unknown extents are
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
    def lanes(self) -> int:
        """How many lanes run side by side at most."""
        found = [x for x in self.launches if isinstance(x, Jump) and x.operation == LANES]
        return max((x.target for x in found), default=0)

    @property
    def codes(self) -> list[Code]:
        """The code of every kernel, each once."""
        launched = [x.code for x in self.launches if isinstance(x, Launch)]
        launched += [weights.code.code for weights in self.prepacked]
        return list({id(code): code for code in launched}.values())
