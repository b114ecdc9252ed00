"""gRPC transport: for processes started one by one, each at the address that TF_CONFIG gives it.

Each process has a mailbox, into which the others put messages: `Put` holds the number of a message and its bytes. Large sums go
around in a ring (reduce-scatter, then all-gather: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
workstations", 2009); small arrays go from everyone to everyone.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.cluster import heartbeat
from penstock._src.cluster.description import Cluster
from penstock._src.cluster.heartbeat import Heartbeat
from penstock._src.cluster.messages import Messages
from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.rpc.channel import RETRY_SECONDS, Channel
from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.cluster.transport import (
    REDUCTIONS,
    Group,
    Transport,
    exchanged_shape,
    here,
    late_ranks,
    widened,
)
from penstock._src.cluster.transports.mailbox import HEADER, Key, Mailbox
from penstock._src.core.errors import DeadlineExceededError, OpError, UnavailableError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.util.flags import flags
from penstock._src.util.process.daemon_threads import DaemonThreads

LOG = logging.getLogger("tensorflow")
SERVICE = "penstock.cluster.Exchange"
SMALL = 1 << 16  # bytes up to which an array goes whole to everyone
PIECE = 1 << 26  # bytes of a message at most
LOOK_EVERY = 1.0  # seconds of waiting after which one asks whether the other is still there
ANSWERING = 5.0  # seconds that it has to answer at the start
LOOKING = 1.0  # seconds between later checks; a process that does not answer may be busy, and its heartbeat shows that
PAUSE = 0.05  # between two trials to bring a message
LEAVING = 1.0  # seconds that a process which ends takes to tell the others
TOLD_EVERY = 10.0  # seconds between lines about who is awaited at the start
MERGES: dict[str, Callable[..., Any]] = dict(
    zip(REDUCTIONS, (np.add, np.multiply, np.minimum, np.maximum), strict=True)
)


def connect(cluster: Cluster) -> Transport:
    """Return the transport of a cluster with known addresses, once all processes are there.

    Raises:
      UnavailableError: the environment does not tell the addresses.
      UnknownError: this process cannot listen at its own.
      ImportError: grpcio is not installed.
    """
    if len(cluster.hosts) != cluster.size:
        raise UnavailableError(
            None, None, f"{cluster.source} does not give the addresses of the processes."
        )
    transport = GrpcTransport(cluster)
    transport.connect()
    return transport


class GrpcTransport(Transport):
    """Exchange by messages between the addresses of the processes."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._mailbox = Mailbox()
        self._sent: Counter[tuple[int, int, int]] = Counter()
        self._received: Counter[tuple[int, int, int]] = Counter()
        self.interrupt = self._mailbox.wake
        self._heart: Heartbeat | None = None
        methods = {
            "Put": self._mailbox.put,
            "Here": self._here,
            "Failed": self._mailbox.fail,
            "Beat": self._beat,
        }
        self._server = self._serve(methods)
        self._channels = {
            rank: Channel(host, SERVICE, f"rank {rank}")
            for rank, host in enumerate(cluster.hosts)
            if rank != cluster.rank
        }
        # A call to one that does not answer must not keep the process alive.
        self._senders = DaemonThreads(max(cluster.size - 1, 1), "penstock-exchange")
        self._posts = DaemonThreads(max(cluster.size - 1, 1), "penstock-beat")
        self._posted: dict[int, concurrent.futures.Future[bytes]] = {}
        if flags.heartbeat > 0:
            self._heart = Heartbeat(cluster, self._post, tuple, self.lose, flags.heartbeat)
            self._heart.start()  # those who are here already expect it

    def connect(self) -> None:
        """Waits for the others.

        Raises:
          UnavailableError: another process is at the address of one, or one is lost.
        """
        self._await_all()
        if self._heart is not None:
            self._heart.listen()
            atexit.register(self._leave, self._heart)

    def _serve(self, methods: Mapping[str, Callable[[bytes], bytes]]) -> Any:
        """Starts to answer at the address of this process; returns what `stop` ends."""
        return RpcServer(self.cluster.hosts[self.cluster.rank], SERVICE, methods)

    # -- who is there
    def _here(self, request: bytes) -> bytes:
        return f"{self.cluster.rank} of {self.cluster.size}".encode()

    def _await_all(self) -> None:
        """Waits until every process answers, as TensorFlow's workers do."""
        last_report = time.monotonic()
        missing = list(self._channels)
        while missing:
            self.check()
            missing = [rank for rank in missing if not self._answers(rank, ANSWERING)]
            if missing and time.monotonic() > last_report + TOLD_EVERY:
                last_report = time.monotonic()
                where = ", ".join(f"{rank} ({self.cluster.hosts[rank]})" for rank in missing)
                LOG.warning("Waiting for the other processes of the cluster: rank %s", where)

    def _answers(self, rank: int, seconds: float) -> bool:
        """True if a process answers.

        Raises:
          UnavailableError: another one is at its address.
        """
        try:
            answer = self._channels[rank].call("Here", b"", seconds, 0).decode()
        except OpError:
            time.sleep(0.1)
            return False
        if answer != f"{rank} of {self.cluster.size}":
            raise UnavailableError(
                None,
                None,
                f"{self.cluster.source} says that rank {rank} of {self.cluster.size} is at {self.cluster.hosts[rank]}; "
                f"the process there has rank {answer}.",
            )
        return True

    def absent(self, seconds: float, group: Group) -> list[int]:
        tried = {
            rank: self._senders.submit(self._answers, rank, seconds)
            for rank in group.ranks
            if rank != self.cluster.rank
        }
        return [rank for rank, answer in tried.items() if not answer.result()]

    # -- heartbeat
    def _beat(self, request: bytes) -> bytes:
        if self._heart is not None:
            self._heart.take(np.frombuffer(request, np.int64).tolist())
        return b""

    def _post(self, rank: int, words: Sequence[int]) -> None:
        before = self._posted.get(rank)
        if before is None or before.done() or words[heartbeat.KIND] == heartbeat.LOST:
            request = np.array(words, np.int64).tobytes()
            self._posted[rank] = self._posts.submit(
                self._channels[rank].call, "Beat", request, LOOKING, 0
            )

    def _leave(self, heart: Heartbeat) -> None:
        heart.leave()
        concurrent.futures.wait(self._posted.values(), LEAVING)

    # -- messages
    def _send(self, rank: int, values: np.ndarray, group: Group) -> concurrent.futures.Future[None]:
        """Begins to send a contiguous array; in pieces, if it is large."""
        place = (rank, *_number(group))
        data = memoryview(_bytes(values))
        first = self._sent[place]
        pieces = [data[at : at + PIECE] for at in range(0, max(len(data), 1), PIECE)]
        self._sent[place] += len(pieces)

        def work() -> None:
            for number, piece in enumerate(pieces, first):
                header = HEADER.pack(self.cluster.rank, *_number(group), number)
                self._put(rank, header + bytes(piece))

        return self._senders.submit(work)

    def _put(self, rank: int, message: bytes) -> None:
        """Brings a message to a process, unless that has come to its end, where it needs none."""
        until = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                self._channels[rank].call("Put", message, retry_seconds=0)
                return
            except UnavailableError:
                if self._heart is not None and self._heart.has_left(rank):
                    return
                if time.monotonic() > until:
                    raise self._lost(rank) from None
            time.sleep(PAUSE)

    def _receive(self, rank: int, result: np.ndarray, group: Group, until: float = 0) -> bool:
        """Receives another process's data into an array; False if it has not arrived by `until`, a time, 0 for none."""
        place = (rank, *_number(group))
        data = _bytes(result)
        for at in range(0, max(len(data), 1), PIECE):
            message = self._next_message((*place, self._received[place]), until)
            if message is None:
                return False
            self._received[place] += 1
            data[at : at + PIECE] = np.frombuffer(message, np.uint8)
        return True

    def _next_message(self, key: Key, until: float) -> bytes | None:
        while True:
            left = until - time.monotonic() if until else LOOK_EVERY
            message = self._mailbox.take(key, min(max(left, 0), LOOK_EVERY))
            if message is not None:
                return message
            self.check()
            if until and left <= LOOK_EVERY:
                return None
            if not self._is_alive(key[0]):
                raise self._lost(key[0])

    def _is_alive(self, rank: int) -> bool:
        """True if a process exists, even if it is busy or stopped."""
        try:
            self._channels[rank].call("Here", b"", LOOKING, 0)
        except UnavailableError:
            return False
        except OpError:
            return True
        return True

    def _lost(self, rank: int) -> UnavailableError:
        error = UnavailableError(
            None,
            None,
            f"Rank {rank} of {self.cluster.size} at {self.cluster.hosts[rank]} is lost: it has ended, or its host is unreachable.{here()}",
        )
        self.abandon(error.message)
        return error

    def _late(self, ranks: Sequence[int], timeout: float) -> DeadlineExceededError:
        error = late_ranks(ranks, self.cluster.size, timeout)
        self.abandon(error.message)
        return error

    def _exchange(self, values: np.ndarray, group: Group, timeout: float = 0) -> np.ndarray:
        """The arrays of all members, a row each."""
        return self._all_to_all([values] * len(group), group, timeout)

    def _all_to_all(
        self, rows: Sequence[np.ndarray], group: Group, timeout: float = 0
    ) -> np.ndarray:
        """Sends a row to each member; the rows of all members for this one."""
        self.usable()
        own = group.ranks.index(self.cluster.rank)
        result = np.empty((len(group), *rows[0].shape), rows[0].dtype)
        result[own] = rows[own]
        others = [(member, rank) for member, rank in enumerate(group.ranks) if member != own]
        going = [self._send(rank, rows[member], group) for member, rank in others]
        timeout = timeout or self.timeout
        until = time.monotonic() + timeout if timeout else 0
        late = [
            rank
            for member, rank in others
            if not self._receive(rank, result[member : member + 1], group, until)
        ]
        if late:
            raise self._late(late, timeout)
        self._arrived(going)
        return result

    def _arrived(self, going: Collection[concurrent.futures.Future[None]]) -> None:
        """Waits until messages have arrived."""
        for one in going:
            while True:
                self.check()
                try:
                    one.result(LOOK_EVERY)
                    break
                except concurrent.futures.TimeoutError:
                    continue

    # -- exchanges
    def exchange_words(self, words: np.ndarray, group: Group, timeout: float = 0) -> np.ndarray:
        PROGRESS.begin_exchange()
        with PROGRESS.waiting():
            return self._exchange(np.asarray(words, np.int64), group, timeout)

    def all_reduce(
        self, values: np.ndarray, reduction: str, group: Group, widen: bool = True
    ) -> np.ndarray:
        own = widened(values, widen)
        merge = MERGES[reduction]
        if own.nbytes <= SMALL or len(group) == 1:
            total = merge.reduce(self._exchange(own, group), axis=0, dtype=own.dtype)
        else:
            total = own.reshape(-1).copy()
            self._around(total, merge, group, 2 * (len(group) - 1))
        return np.asarray(total, values.dtype).reshape(values.shape)

    def _reduce_scatter(
        self, values: np.ndarray, reduction: str, group: Group, widen: bool
    ) -> np.ndarray:
        """This process's part of the rows of a sum."""
        size, place = len(group), group.ranks.index(self.cluster.rank)
        own = widened(values, widen).reshape(size, -1)
        if own.nbytes <= SMALL or size == 1:
            total = MERGES[reduction].reduce(self._all_to_all(list(own), group), 0, own.dtype)
        else:
            # After a round, a process holds the total of the part after its own.
            turned = np.roll(own, 1, axis=0)
            self._around(turned.reshape(-1), MERGES[reduction], group, size - 1)
            total = turned[(place + 1) % size]
        shape = exchanged_shape("reduce_scatter", values.shape, size)
        return np.asarray(total, values.dtype).reshape(shape)

    def _around(
        self, total: np.ndarray, merge: Callable[..., Any], group: Group, steps: int
    ) -> None:
        """Adds up in a ring, in place: in the first round each part of an array accumulates its sum, in the next round the sums are distributed."""
        size, own = len(group), group.ranks.index(self.cluster.rank)
        following, before = group.ranks[(own + 1) % size], group.ranks[own - 1]
        parts = np.array_split(total, size)  # views
        until = time.monotonic() + self.timeout if self.timeout else 0
        for step in range(steps):
            outgoing, taken = parts[(own - step) % size], parts[(own - step - 1) % size]
            going = self._send(following, outgoing.copy(), group)
            arrived = np.empty_like(taken)
            if not self._receive(before, arrived, group, until):
                raise self._late([before], self.timeout)
            taken[:] = merge(taken, arrived) if step < size - 1 else arrived
            self._arrived([going])

    def exchange_packs(
        self,
        kind: str,
        packs: Sequence[np.ndarray],
        reduction: str,
        group: Group,
        widen: bool = True,
    ) -> list[np.ndarray]:
        if kind == "all_reduce":
            return [self.all_reduce(values, reduction, group, widen) for values in packs]
        if kind == "reduce_scatter":
            return [self._reduce_scatter(values, reduction, group, widen) for values in packs]
        if kind == "all_to_all":
            return [self.all_to_all(values, group) for values in packs]
        return [
            self.all_gather(values, group).reshape(exchanged_shape(kind, values.shape, len(group)))
            for values in packs
        ]

    def all_gather(self, values: np.ndarray, group: Group) -> np.ndarray:
        return self._exchange(np.asarray(values, order="C"), group)

    def gather_rows(self, values: np.ndarray, rows: Sequence[int], group: Group) -> np.ndarray:
        most = np.zeros((max(rows), *values.shape[1:]), values.dtype)
        most[: len(values)] = values
        padded_rows = self._exchange(most, group)
        return np.concatenate([row[:count] for row, count in zip(padded_rows, rows, strict=True)])

    def broadcast(self, values: np.ndarray, root: int, group: Group) -> np.ndarray:
        self.usable()
        result = np.array(values, order="C")
        source = group.ranks[root]
        if source != self.cluster.rank:
            until = time.monotonic() + self.timeout if self.timeout else 0
            if not self._receive(source, result, group, until):
                raise self._late([source], self.timeout)
            return result
        going = [self._send(rank, result, group) for rank in group.ranks if rank != source]
        self._arrived(going)
        return result

    def all_to_all(self, values: np.ndarray, group: Group) -> np.ndarray:
        return self._all_to_all(list(np.ascontiguousarray(values)), group)

    def messages(self) -> Messages:
        return GrpcMessages(self)

    def barrier(self) -> None:
        self._exchange(np.zeros(1, np.int64), self.everyone)

    def abort(self, status: int, why: str = "") -> None:
        """Notify the others, so that their exchanges fail, and end this process."""
        text = (
            f"Rank {self.cluster.rank} of {self.cluster.size} has failed{why and ': '}{why or '.'}"
        )
        posts = [
            self._posts.submit(channel.call, "Failed", text.encode(), LEAVING, 0)
            for channel in self._channels.values()
        ]
        concurrent.futures.wait(posts, LEAVING)
        os._exit(status)


class GrpcMessages(Messages):
    """Messages of a channel of their own; the first says how long the next one is."""

    CHANNEL = -1

    def __init__(self, transport: GrpcTransport) -> None:
        self._transport = transport
        self._going: list[concurrent.futures.Future[None]] = []

    def send(self, rank: int, message: np.ndarray) -> None:
        self._transport.usable()
        for one in self._going:
            if one.done():
                one.result()
        self._going = [one for one in self._going if not one.done()]
        group = Group((self._transport.cluster.rank, rank), self.CHANNEL)
        length = np.array([message.size], np.int64)
        self._going += [self._transport._send(rank, part, group) for part in (length, message)]

    def receive(self, rank: int) -> np.ndarray:
        self._transport.usable()
        PROGRESS.begin_exchange()
        timeout = self._transport.timeout
        until = time.monotonic() + timeout if timeout else 0
        group, length = Group((rank, self._transport.cluster.rank), self.CHANNEL), np.empty(1, int)
        with PROGRESS.waiting():
            if self._transport._receive(rank, length, group, until):
                message = empty_aligned((int(length[0]),), np.dtype(np.uint8))
                if self._transport._receive(rank, message, group, until):
                    return message
        raise self._transport._late([rank], timeout)


def _number(group: Group) -> tuple[int, int]:
    """Return the key of a group's messages: the channel, and a number that all members compute alike."""
    number = 0
    for rank in group.ranks:
        number = (number * 1_000_003 + rank + 1) % (1 << 61)
    return group.channel, number


def _bytes(values: np.ndarray) -> np.ndarray:
    """The memory of a contiguous array."""
    return values.reshape(-1).view(np.uint8)
