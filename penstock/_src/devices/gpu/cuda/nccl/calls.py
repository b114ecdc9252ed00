"""Calls of libnccl by ctypes; every return code is checked. Only `Nccl` knows the functions' names and types.

Numbers are those of nccl.h 2.32; the functions in use have had the same numbers since 2.10, nonblocking communicators since 2.14.
"""

import ctypes
import functools
import sys
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from penstock._src.core.errors import (
    DeadlineExceededError,
    InternalError,
    OpError,
    UnavailableError,
    UnimplementedError,
)
from penstock._src.devices.gpu.cuda.driver.calls import Functions

LIBRARY = "libnccl.so.2"
LEAST = (2, 10)  # bfloat16, means
RESULTS = (
    "ncclSuccess", "ncclUnhandledCudaError", "ncclSystemError", "ncclInternalError", "ncclInvalidArgument",
    "ncclInvalidUsage", "ncclRemoteError", "ncclInProgress", "ncclTimeout",
)  # fmt: skip
REMOTE, IN_PROGRESS, TIMEOUT = 6, 7, 8
TYPES = {
    "int8": 0, "uint8": 1, "int32": 2, "uint32": 3, "int64": 4, "uint64": 5, "float16": 6, "float32": 7, "float64": 8,
    "bfloat16": 9,
}  # fmt: skip
OPERATIONS = {"Add": 0, "Mul": 1, "Max": 2, "Min": 3}
MEAN = 4
UNIQUE_ID_BYTES = 128
CONFIG_MAGIC = 0xCAFEBEEF
CONFIG_VERSION = 21400  # the version of the fields of Config: later fields keep their defaults
NOT_BLOCKING = (2, 14)


class UniqueId(ctypes.Structure):
    """ncclUniqueId, which is passed by value."""

    _fields_ = [("internal", ctypes.c_char * UNIQUE_ID_BYTES)]


class Config(ctypes.Structure):
    """The first fields of ncclConfig_t."""

    _fields_ = [
        ("size", c_size_t),
        ("magic", ctypes.c_uint),
        ("version", ctypes.c_uint),
        ("blocking", c_int),
    ]


@functools.cache
def find_library() -> Functions | None:
    """libnccl of the wheel, or of the system; None if neither can be loaded."""
    wheel = ("nvidia", "nccl", "lib", LIBRARY)
    for name in [*(str(Path(place, *wheel)) for place in sys.path), LIBRARY]:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue  # it is not there
        library.ncclGetErrorString.restype = c_char_p
        library.ncclGetLastError.restype = c_char_p
        return library
    return None


def opened(library: Functions) -> "Nccl":
    """The functions of a library that is new enough.

    Raises:
      UnimplementedError: it is older.
    """
    nccl = Nccl(library)
    if nccl.version()[:2] < LEAST:
        version, least = (".".join(map(str, v)) for v in (nccl.version(), LEAST))
        raise UnimplementedError(
            None, None, f"NCCL {least} or newer is required. Received {version}."
        )
    return nccl


class Nccl:
    """The functions of libnccl in use, with Python types; each raises the error of its return code.

    Communicators and streams are addresses.
    """

    def __init__(self, library: Functions) -> None:
        self.library = library

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function; of a communicator that does not block it may still be under way (`is_settled`).

        Raises:
          UnavailableError: another process has ended, or cannot be reached.
          DeadlineExceededError: it took too long.
          InternalError: any other code.
        """
        code = int(getattr(self.library, name)(*arguments))
        if code not in (0, IN_PROGRESS):
            raise self.error(name, code)

    def error(self, name: str, code: int) -> OpError:
        """The error that a code means."""
        words = [self.library.ncclGetErrorString(c_int(code))]
        words.append(self.library.ncclGetLastError(c_void_p()))
        said = ": ".join(word.decode(errors="replace") for word in words if word)
        known = RESULTS[code] if code < len(RESULTS) else "error"
        kinds = {REMOTE: UnavailableError, TIMEOUT: DeadlineExceededError}
        return kinds.get(code, InternalError)(None, None, f"{name}: {known} ({code}): {said}")

    def version(self) -> tuple[int, int, int]:
        """The library's version."""
        number = c_int()
        self.call("ncclGetVersion", byref(number))
        return number.value // 10000, number.value % 10000 // 100, number.value % 100

    # -- communicators
    def unique_id(self) -> bytes:
        """The id that the processes of a new group share."""
        ids = UniqueId()
        self.call("ncclGetUniqueId", byref(ids))
        return bytes(ids)

    def join(self, size: int, unique_id: bytes, rank: int) -> int:
        """The communicator of a rank of a group; returns when all of them have called."""
        comm = c_void_p()
        known = UniqueId.from_buffer_copy(unique_id)
        self.call("ncclCommInitRank", byref(comm), c_int(size), known, c_int(rank))
        return comm.value or 0

    def begin_join(self, size: int, unique_id: bytes, rank: int) -> int:
        """The communicator of a rank of a group, with nonblocking calls: they are complete once it `is_settled`."""
        comm = c_void_p()
        known = UniqueId.from_buffer_copy(unique_id)
        config = Config(ctypes.sizeof(Config), CONFIG_MAGIC, CONFIG_VERSION, 0)
        self.call(
            "ncclCommInitRankConfig", byref(comm), c_int(size), known, c_int(rank), byref(config)
        )
        return comm.value or 0

    def is_settled(self, comm: int) -> bool:
        """True if all calls of a communicator have been put into its streams.

        Raises:
          OpError: something has gone wrong in it.
        """
        state = self._state(comm)
        if state not in (0, IN_PROGRESS):
            raise self.error("ncclCommGetAsyncError", state)
        return state == 0

    def _state(self, comm: int) -> int:
        state = c_int()
        self.call("ncclCommGetAsyncError", c_void_p(comm), byref(state))
        return state.value

    def join_all(self, devices: Sequence[int]) -> list[int]:
        """The communicators of a group of this process's devices, by their numbers for the driver."""
        comms = (c_void_p * len(devices))()
        self.call("ncclCommInitAll", comms, c_int(len(devices)), (c_int * len(devices))(*devices))
        return [comm or 0 for comm in comms]

    def failure(self, comm: int) -> OpError | None:
        """The failure of a communicator since its creation; None if there was none."""
        state = self._state(comm)
        return None if state in (0, IN_PROGRESS) else self.error("ncclCommGetAsyncError", state)

    def abort(self, comm: int) -> None:
        """Ends a communicator, and the work waiting in it."""
        self.call("ncclCommAbort", c_void_p(comm))

    # -- collectives, in streams
    def begin_group(self) -> None:
        """Starts a group of calls for several communicators, which begin together."""
        self.call("ncclGroupStart")

    def end_group(self) -> None:
        """Begins it."""
        self.call("ncclGroupEnd")

    def all_reduce(
        self, source: int, target: int, count: int, dtype: int, op: int, comm: int, stream: int
    ) -> None:
        """Combines the elements of all ranks, for all of them."""
        self.call(
            "ncclAllReduce", c_void_p(source), c_void_p(target), c_size_t(count), c_int(dtype), c_int(op), c_void_p(comm),
            c_void_p(stream),
        )  # fmt: skip

    def reduce_scatter(
        self, source: int, target: int, count: int, dtype: int, op: int, comm: int, stream: int
    ) -> None:
        """Combines the elements of all ranks: `count` of them for each, in order."""
        self.call(
            "ncclReduceScatter", c_void_p(source), c_void_p(target), c_size_t(count), c_int(dtype), c_int(op),
            c_void_p(comm), c_void_p(stream),
        )  # fmt: skip

    def all_gather(
        self, source: int, target: int, count: int, dtype: int, comm: int, stream: int
    ) -> None:
        """Puts the elements of all ranks, `count` each, one after the other."""
        self.call(
            "ncclAllGather", c_void_p(source), c_void_p(target), c_size_t(count), c_int(dtype), c_void_p(comm),
            c_void_p(stream),
        )  # fmt: skip

    def broadcast(
        self, source: int, target: int, count: int, dtype: int, root: int, comm: int, stream: int
    ) -> None:
        """Sends the elements of rank `root` to all ranks."""
        self.call(
            "ncclBroadcast", c_void_p(source), c_void_p(target), c_size_t(count), c_int(dtype), c_int(root), c_void_p(comm),
            c_void_p(stream),
        )  # fmt: skip
