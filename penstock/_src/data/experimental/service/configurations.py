"""DispatcherConfig and WorkerConfig."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence

from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.util.export import export

_PROTOCOL = "grpc"

_DispatcherFields = namedtuple(
    "_DispatcherFields",
    "port protocol work_dir fault_tolerant_mode worker_addresses job_gc_check_interval_ms "
    "job_gc_timeout_ms worker_timeout_ms worker_max_concurrent_snapshots",
)
_WorkerFields = namedtuple(
    "_WorkerFields",
    "dispatcher_address worker_address port protocol heartbeat_interval_ms dispatcher_timeout_ms "
    "data_transfer_protocol data_transfer_address",
)


@export("data.experimental.service.DispatcherConfig", v1=[])
class DispatcherConfig(_DispatcherFields):
    """The configuration of a dispatcher.

    Args:
      port: 0 for any.
      protocol: "grpc".
      work_dir: a folder for what a fault tolerant dispatcher keeps.
      fault_tolerant_mode: whether a dispatcher with the same `work_dir` and port goes on where this one has ended.
      worker_addresses: of the workers, for ShardingPolicies by worker.
      worker_timeout_ms: after which time without a sign of life a worker is lost; a minute by default.
      job_gc_check_interval_ms, job_gc_timeout_ms, worker_max_concurrent_snapshots: accepted.
    """

    def __new__(
        cls,
        port: int = 0,
        protocol: str | None = None,
        work_dir: str | None = None,
        fault_tolerant_mode: bool = False,
        worker_addresses: Sequence[str] | None = None,
        job_gc_check_interval_ms: int | None = None,
        job_gc_timeout_ms: int | None = None,
        worker_timeout_ms: int | None = None,
        worker_max_concurrent_snapshots: int = 0,
    ) -> DispatcherConfig:
        """Returns the configuration, with defaults for None."""
        if fault_tolerant_mode and not work_dir:
            raise ValueError("Cannot enable fault tolerant mode without configuring a work dir.")
        _check_port(port)
        if isinstance(worker_addresses, str):
            raise TypeError(
                f"`worker_addresses` must be a list of addresses. Received {worker_addresses!r}"
            )
        return super().__new__(
            cls,
            port,
            protocol or _PROTOCOL,
            work_dir,
            fault_tolerant_mode,
            worker_addresses,
            job_gc_check_interval_ms or 0,
            job_gc_timeout_ms or 0,
            worker_timeout_ms,
            worker_max_concurrent_snapshots,
        )


@export("data.experimental.service.WorkerConfig")
class WorkerConfig(_WorkerFields):
    """The configuration of a worker.

    Args:
      dispatcher_address: of the dispatcher, without a protocol.
      worker_address: by which it is known; "%port%" in it stands for its port.
      port: 0 for any.
      protocol: "grpc".
      heartbeat_interval_ms: between two signs of life for the dispatcher; 2,000 by default.
      dispatcher_timeout_ms: how long to wait for a fault tolerant dispatcher; an hour by default.
      data_transfer_protocol, data_transfer_address: accepted.
    """

    def __new__(
        cls,
        dispatcher_address: str,
        worker_address: str | None = None,
        port: int = 0,
        protocol: str | None = None,
        heartbeat_interval_ms: int | None = None,
        dispatcher_timeout_ms: int | None = None,
        data_transfer_protocol: str | None = None,
        data_transfer_address: str | None = None,
    ) -> WorkerConfig:
        """Returns the configuration, with defaults for None."""
        _check_port(port)
        if dispatcher_address == "":
            raise ValueError("`dispatcher_address` must not be empty")
        return super().__new__(
            cls,
            dispatcher_address,
            worker_address or "localhost:%port%",
            port,
            protocol or _PROTOCOL,
            heartbeat_interval_ms or 0,
            dispatcher_timeout_ms or 0,
            data_transfer_protocol,
            data_transfer_address or "localhost:%dts_port%",
        )


def check_protocol(protocol: str) -> None:
    """Raises NotFoundError for a protocol that there is not."""
    if protocol != _PROTOCOL:
        raise NotFoundError(
            f"No credentials factory has been registered for protocol {protocol}. The available types are: "
            f"[ {_PROTOCOL} ]"
        )


def _check_port(port: int) -> None:
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"`port` must be an integer. Received {port!r}")
    if not 0 <= port < 1 << 16:
        raise InvalidArgumentError(f"`port` must be between 0 and 65535. Received {port}")
