"""The transports that there are, and the one of this process."""

import importlib
import os
import sys
import threading
from types import TracebackType

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.environments import mpi, slurm
from penstock._src.cluster.environments.table import described
from penstock._src.cluster.transport import Transport
from penstock._src.util.flags import flags
from penstock._src.util.process import forks

# Name: the module of this folder whose `connect(cluster)` gives a Transport.
TRANSPORTS = {"mpi": "mpi", "grpc": "grpc"}

MOST_TOLD = 500  # maximum number of characters of an error that are sent to other processes

_started: list[Transport] = []
_starting = forks.freed_in_child(threading.Lock())


def connect() -> Transport | None:
    """Returns this process's transport, which is started on the first call; None if it works alone.

    Raises:
      ValueError: PENSTOCK_TRANSPORT names none.
      ModuleNotFoundError: the transport's library is not installed.
      UnavailableError: the library finds other processes than the environment describes.
    """
    if not _started:
        with _starting:
            if not _started:
                cluster = described()
                if cluster.size == 1:
                    return None
                where = f"penstock._src.cluster.transports.{TRANSPORTS[_chosen(cluster)]}"
                transport = importlib.import_module(where).connect(cluster)
                _end_all_on_error(transport)
                _started.append(transport)
    return _started[0]


def replace(transport: Transport | None) -> None:
    """Makes another transport that of this process, or lets it have none: an elastic job changes."""
    with _starting:
        _started[:] = [] if transport is None else [transport]


def _chosen(cluster: Cluster) -> str:
    """MPI, unless processes that know each other's addresses were started one by one."""
    if flags.transport in TRANSPORTS:
        return flags.transport
    if flags.transport:
        raise ValueError(
            f"PENSTOCK_TRANSPORT: expected one of {', '.join(TRANSPORTS)}. Received '{flags.transport}'."
        )
    is_started_by_mpi = mpi.described(os.environ) or slurm.described(os.environ)
    return "mpi" if is_started_by_mpi or not cluster.hosts else "grpc"


def _end_all_on_error(transport: Transport) -> None:
    """Let an uncaught exception end all processes: the others would wait for this one."""
    before = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        before(kind, error, traceback)
        rank, why = transport.cluster.rank, f"{kind.__name__}: {error}"
        print(f"Penstock: rank {rank} failed: {why}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        transport.abort(1, why.partition("\n")[0][:MOST_TOLD])

    sys.excepthook = hook
