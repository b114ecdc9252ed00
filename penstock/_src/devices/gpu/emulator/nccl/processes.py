"""Groups of ranks in several processes of one machine. A thread of the process that created the group's id gathers the ranks' inputs, over sockets.

As between GPUs that share memory, the end of a rank is not detected, unless that process ends.
"""

import itertools
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import astuple
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

import numpy as np

from penstock._src.devices.gpu.cuda.nccl.calls import REMOTE
from penstock._src.devices.gpu.emulator.emulator import KernelFault
from penstock._src.devices.gpu.emulator.nccl.worlds import ELEMENTS, PATIENCE, Asked, World

PAUSE = 1e-3  # seconds between looks
HOST = "127.0.0.1"


class Hub:
    """The meeting point at which ranks of a group exchange arrays. It ends with its process."""

    def __init__(self) -> None:
        self._key = os.urandom(24)
        self._listener = Listener((HOST, 0), authkey=self._key)
        self._world: World | None = None
        self._joined = itertools.count(1)
        self._all_joined = threading.Event()
        threading.Thread(target=self._accept, name="emulated NCCL", daemon=True).start()

    @property
    def unique_id(self) -> bytes:
        """The id that ranks need to join."""
        return f"{self._listener.address[1]} {self._key.hex()}".encode()

    def _accept(self) -> None:
        while True:
            link = self._listener.accept()
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: Any) -> None:
        """Receives the inputs of one rank."""
        size, rank = link.recv()
        if self._world is None:
            self._world = World(size)
        world = self._world
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._answer, args=(link, rank, results), daemon=True).start()
        if next(self._joined) == size:
            self._all_joined.set()
        while True:
            try:
                number, asked, values = link.recv()
            except (EOFError, OSError):
                return  # the rank has ended, or left; the others go on waiting
            asked = Asked(*asked)
            try:
                meeting = world.give(
                    number, rank, asked, np.frombuffer(values, ELEMENTS[asked.dtype])
                )
            except KernelFault as fault:
                results.put((number, str(fault)))
            else:
                results.put((number, meeting))

    def _answer(self, link: Any, rank: int, results: "queue.SimpleQueue[Any]") -> None:
        """Gives one rank its results in order, as long as it is there."""
        self._all_joined.wait()
        world, said = self._world, None
        assert world is not None
        while True:
            try:
                link.send(said)
            except OSError:
                return
            number, result = results.get()
            if not isinstance(result, str):
                with world.changed:
                    world.changed.wait_for(lambda meeting=result: meeting.results is not None)
                result = result.result(rank).tobytes()
            said = number, result


class Awaited:
    """A collective whose result a rank waits for."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype, self.found = dtype, None

    found: bytes | None

    def result(self, _rank: int) -> np.ndarray | None:
        """The result for this rank; None until it has arrived."""
        return None if self.found is None else np.frombuffer(self.found, self._dtype)


class RemoteWorld:
    """A rank's part in a group of processes; acts as a World."""

    def __init__(self, unique_id: bytes, size: int, rank: int) -> None:
        port, key = unique_id.decode().split()
        self.size, self.failure, self.has_joined = size, 0, False
        self._link: Connection | None = None
        self._awaited: dict[int, Awaited] = {}
        self._lock = threading.Lock()
        try:
            self._link = Client((HOST, int(port)), authkey=bytes.fromhex(key))
            self._link.send((size, rank))
        except (EOFError, OSError):
            self.failure = REMOTE

    def give(self, number: int, rank: int, asked: Asked, array: np.ndarray) -> Awaited:
        """This rank comes to its collective of a number."""
        awaited = self._awaited[number] = Awaited(ELEMENTS[asked.dtype])
        self._send((number, astuple(asked), array.tobytes()))
        return awaited

    def _send(self, said: Any) -> None:
        """Tells the others, unless the group has failed; it fails if the hub's process has ended."""
        if self._link is not None and not self.failure:
            try:
                self._link.send(said)
            except OSError:
                self.failure = REMOTE

    def look(self) -> None:
        """Reads the messages of the others.

        Raises:
          KernelFault: another rank calls something else.
        """
        with self._lock:
            try:
                while self._link is not None and not self.failure and self._link.poll():
                    self._take(self._link.recv())
            except (EOFError, OSError):
                self.failure = REMOTE

    def _take(self, said: Any) -> None:
        if said is None:
            self.has_joined = True
            return
        number, result = said
        if isinstance(result, str):
            raise KernelFault(None, None, result)
        self._awaited.pop(number).found = result

    def wait(self, is_over: Callable[[], bool]) -> None:
        """Waits for other ranks, unless the group has failed."""
        end = time.monotonic() + PATIENCE
        while not is_over() and not self.failure:
            if time.monotonic() > end:
                raise KernelFault(None, None, "a rank waits for others that never come.")
            time.sleep(PAUSE)
            self.look()

    def leave(self, code: int) -> None:
        """This rank ends its part."""
        with self._lock:
            self.failure = self.failure or code
            if self._link is not None:
                self._link.close()
