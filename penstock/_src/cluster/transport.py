"""Transport: carries values between the processes of a cluster.

Every process calls the same methods in the same order. Before values are exchanged, `agree` tells each process what the
others are about to do, so different calls are an error in all of them: none waits for ever, none gets another's numbers.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.messages import Messages
from penstock._src.cluster.progress import PROGRESS, place
from penstock._src.core.errors import AbortedError, DeadlineExceededError, UnavailableError
from penstock._src.core.typesets import NARROW
from penstock._src.util.dataclass import dataclass

REDUCTIONS = ("Add", "Mul", "Min", "Max")
# Words of the record by which native code exchanges within a group: how many members it has, which of them this process is,
# the address of their ranks, whether it has a communicator yet, its handle, the handle of MPI's group.
MEMBERS, PLACE, RANKS, MADE, COMMUNICATOR, MPI_GROUP, GROUP_WORDS = range(7)
# The types in which narrow floats are reduced.
WIDER = {dtype.name: np.float32 for dtype in NARROW}
# Returns addresses of functions (MPI_User_function) that add values of types that MPI lacks; native code's, by
# the types' names. A layer above this one puts them here.
NARROW_SUMS: dict[str, Callable[[], int]] = {}


@dataclass(frozen=True)
class Group:
    """Processes of a cluster that exchange values.

    ranks    in the cluster, in the group's order
    channel  exchanges of one channel never meet those of another, whichever comes first
    """

    ranks: tuple[int, ...]
    channel: int = 0

    def __len__(self) -> int:
        return len(self.ranks)


@dataclass(frozen=True)
class NativeCalls:
    """Addresses and constants by which native code calls MPI itself (native/process/exchanges.py).

    functions      addresses, by the names of MPI's functions
    telling        the handle of the communicator on which processes tell what they are about to do, by messages of `tag`
    group          gives the address of the GROUP_WORDS of some ranks
    types          handles by the names of dtypes
    reductions     handles by REDUCTIONS
    narrow_sum     gives the handle of the sum of a type of NARROW_SUMS, which it makes at the first call
    request_bytes, status_bytes    sizes of MPI's records
    """

    functions: Mapping[str, int]
    telling: int
    group: Callable[[tuple[int, ...]], int]
    tag: int
    types: Mapping[str, int]
    reductions: Mapping[str, int]
    narrow_sum: Callable[[str], int]
    request_bytes: int
    status_bytes: int


@dataclass(frozen=True)
class GpuExchanges:
    """Exchanges between GPUs by their programs (devices/gpu/cuda/nccl/): names of the types that they sum."""

    types: frozenset[str]


class Transport(abc.ABC):
    """Exchange of arrays between processes. Arrays are C-contiguous and have equal types and shapes in all processes of a group."""

    cluster: Cluster
    # Seconds that an exchange waits for the others, if it does not say itself; 0: for ever.
    timeout: float = 0
    # If a strategy has chosen that; all processes have, or none.
    gpus: GpuExchanges | None = None

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._kept: list[Any] = []  # memory of abandoned exchanges
        self._why_unusable = ""
        # A message about a process that has stopped answering; empty while all processes answer.
        self.loss = ""
        # Called by another thread if a process stops answering: ends the wait that native code may be in.
        self.interrupt: Callable[[], None] = lambda: None

    @property
    def native(self) -> NativeCalls | None:
        """Means of native code to exchange values; None if it cannot."""
        return None

    @property
    def everyone(self) -> Group:
        """All processes."""
        return Group(tuple(range(self.cluster.size)))

    @abc.abstractmethod
    def exchange_words(self, words: np.ndarray, group: Group, timeout: float = 0) -> np.ndarray:
        """Returns the vectors of int64 that the processes of a group give, a row each.

        All exchanges begin with one, so what a process waits for that never comes is noticed here.

        Args:
          words: of this process.
          group: the processes.
          timeout: seconds to wait for the others; 0 for the transport's. Equal in all processes.

        Raises:
          DeadlineExceededError: some have not come by then; it names their ranks.
        """

    @abc.abstractmethod
    def all_reduce(self, values: np.ndarray, reduction: str, group: Group) -> np.ndarray:
        """Returns the sum (or product, least, greatest) over the processes; equal to the bit in all of them."""

    @abc.abstractmethod
    def exchange_packs(
        self,
        kind: str,
        packs: Sequence[np.ndarray],
        reduction: str,
        group: Group,
        widen: bool = True,
    ) -> list[np.ndarray]:
        """Returns the results of exchanges of several arrays, in the form that native code expects.

        Args:
          kind: "all_reduce"; "reduce_scatter", where each member keeps an equal part of the rows; "all_gather", the rows of all members
            concatenated; "all_to_all", where member i gets row i of every member.
          packs: the arrays.
          reduction: one of REDUCTIONS, for the first two.
          group: the processes.
          widen: narrow floats travel in float32, in which they are added up; if not, those of NARROW_SUMS travel as they are, and a
            sum is rounded in every process that adds to it.

        Raises:
          AbortedError: another process has failed in this exchange.
        """

    @abc.abstractmethod
    def absent(self, seconds: float, group: Group) -> list[int]:
        """Returns the ranks of a group that do not answer in some seconds. Those that answer call it at about the same time."""

    def usable(self) -> None:
        """Raises UnavailableError if an exchange was abandoned."""
        self.check()
        if self._why_unusable:
            raise UnavailableError(
                None,
                None,
                f"The processes of the cluster can no longer exchange values: {self._why_unusable}",
            )

    def check(self, *kept: Any) -> None:
        """Raises UnavailableError if a process has stopped answering; what waits for others calls it from time to time.

        Args:
          kept: what the library may still read or write.
        """
        if self.loss:
            self._kept.append(kept)
            raise UnavailableError(None, None, self.loss + here())

    def lose(self, loss: str) -> None:
        """Records that a process has stopped answering, and ends the operations that wait for it."""
        self.loss = loss
        self.interrupt()

    def abandon(self, why: str, *kept: Any) -> None:
        """Notes that an exchange was left that others may still be in: further ones raise UnavailableError.

        Args:
          why: what happened.
          kept: what the library may still read or write.
        """
        self._kept.append(kept)
        self._why_unusable = why

    @abc.abstractmethod
    def all_gather(self, values: np.ndarray, group: Group) -> np.ndarray:
        """Returns the values of all processes, along a new first axis."""

    @abc.abstractmethod
    def gather_rows(self, values: np.ndarray, rows: Sequence[int], group: Group) -> np.ndarray:
        """Return the rows of all processes, one after the other. `rows` gives the number of each process's rows."""

    @abc.abstractmethod
    def broadcast(self, values: np.ndarray, root: int, group: Group) -> np.ndarray:
        """Returns the values of the group's member `root`; of the others only type and shape are used."""

    @abc.abstractmethod
    def all_to_all(self, values: np.ndarray, group: Group) -> np.ndarray:
        """Returns row i of member j as row j of member i; there are as many rows as members."""

    @abc.abstractmethod
    def messages(self) -> Messages:
        """Returns a channel for messages between two processes. All processes call it at the same time."""

    @abc.abstractmethod
    def barrier(self) -> None:
        """Waits until all processes have called it."""

    @abc.abstractmethod
    def abort(self, status: int, why: str = "") -> None:
        """Ends all processes of the cluster, this one too.

        Args:
          status: this process's exit status.
          why: the reason reported to the others, where it can be.
        """


def widened(values: np.ndarray, widen: bool = True) -> np.ndarray:
    """Values in the type in which they are reduced, contiguous."""
    if not widen:
        return np.asarray(values, order="C")
    return np.asarray(values, WIDER.get(values.dtype.name), order="C")


def exchanged_shape(kind: str, shape: Sequence[int], size: int) -> tuple[int, ...]:
    """The shape of the result of an exchange of an array (`Transport.exchange_packs`) among `size` processes."""
    if kind in ("all_reduce", "all_to_all"):
        return tuple(shape)
    return (shape[0] * size if kind == "all_gather" else shape[0] // size, *shape[1:])


def as_word(number: int) -> int:
    """A handle or an address as a signed word of 64 bits."""
    return number - (1 << 64) if number >> 63 else number


def late_ranks(late: Sequence[int], size: int, timeout: float) -> DeadlineExceededError:
    """The error of an exchange to which some have not come in time."""
    who = f"Rank {', '.join(map(str, late))} of {size} has" if late else f"Some of {size} have"
    return DeadlineExceededError(
        None, None, f"{who} not joined an exchange within {timeout:g} s.{here()}"
    )


def failed_rank(rank: int, size: int) -> AbortedError:
    """The error of an exchange in which a process has failed."""
    return AbortedError(
        None,
        None,
        f"Rank {rank} of {size} has failed before it had given its part of a sum.{here()}",
    )


def here() -> str:
    """A sentence about this process's progress, if it is known."""
    reached = place(PROGRESS.steps, PROGRESS.exchanges)
    return f" This process is in {reached}." if reached else ""
