"""Transport: what carries values between the processes of a cluster.

Every process calls the same methods in the same order. Before values are exchanged, `agree` tells each process what the
others are about to do, so different calls are an error in all of them: none waits for ever, none gets another's numbers.
"""

import abc
import dataclasses
from collections.abc import Sequence

import numpy as np

from penstock._src.cluster.description import Cluster

REDUCTIONS = ("Add", "Mul", "Min", "Max")


@dataclasses.dataclass(frozen=True)
class Group:
    """Processes of a cluster that exchange values.

    ranks    in the cluster, in the group's order
    channel  exchanges of one channel never meet those of another, whichever comes first
    """

    ranks: tuple[int, ...]
    channel: int = 0

    def __len__(self) -> int:
        return len(self.ranks)


class Transport(abc.ABC):
    """Exchange of arrays between processes. Arrays are C-contiguous and have equal types and shapes in all processes of a group."""

    cluster: Cluster
    # Seconds that an exchange waits for the others, if it does not say itself; 0: for ever.
    timeout: float = 0

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
    def all_gather(self, values: np.ndarray, group: Group) -> np.ndarray:
        """Returns the values of all processes, along a new first axis."""

    @abc.abstractmethod
    def gather_rows(self, values: np.ndarray, rows: Sequence[int], group: Group) -> np.ndarray:
        """Returns the rows of all processes one after the other, of which each has as many as `rows` says."""

    @abc.abstractmethod
    def broadcast(self, values: np.ndarray, root: int, group: Group) -> np.ndarray:
        """Returns the values of the group's member `root`; of the others only type and shape are used."""

    @abc.abstractmethod
    def all_to_all(self, values: np.ndarray, group: Group) -> np.ndarray:
        """Returns row i of member j as row j of member i; there are as many rows as members."""

    @abc.abstractmethod
    def barrier(self) -> None:
        """Waits until all processes have called it."""

    @abc.abstractmethod
    def abort(self, status: int) -> None:
        """Ends all processes of the cluster, this one too."""
