"""DispatchServer and WorkerServer, and their configurations."""

import itertools
import threading
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from penstock._src.core.errors import AlreadyExistsError, UnavailableError
from penstock._src.util.export import export

# Ports for servers with port 0; they only identify servers within this process.
_PORTS = itertools.count(50000)
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
      work_dir, fault_tolerant_mode: accepted; a dispatcher's state ends with the process.
      worker_addresses: of the workers, for ShardingPolicies by worker.
      job_gc_check_interval_ms, job_gc_timeout_ms, worker_timeout_ms,
        worker_max_concurrent_snapshots: accepted.
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
    ) -> "DispatcherConfig":
        """Returns the configuration, with defaults in place of None."""
        if fault_tolerant_mode and not work_dir:
            raise ValueError("Cannot enable fault tolerant mode without configuring a work dir.")
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
      heartbeat_interval_ms, dispatcher_timeout_ms, data_transfer_protocol,
        data_transfer_address: accepted.
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
    ) -> "WorkerConfig":
        """Returns the configuration, with defaults in place of None."""
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


class _Server:
    """Base of the servers, which run until they are stopped."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def join(self) -> None:
        """Waits until the server is stopped."""
        self._ended.wait()


_RUNNING: dict[str, "DispatchServer"] = {}


@export("data.experimental.service.DispatchServer", v1=[])
class DispatchServer(_Server):
    """Manages the workers, datasets and jobs of a service.

    Args:
      config: a DispatcherConfig.
      start: whether to start it at once.
    """

    def __init__(self, config: DispatcherConfig | None = None, start: bool = True) -> None:
        super().__init__()
        self._config = config or DispatcherConfig()
        self._address = f"localhost:{self._config.port or next(_PORTS)}"
        self._changed = threading.Condition()
        self._workers: list[str] = []
        self._numbers = itertools.count(1000)
        self.datasets: dict[str, Any] = {}
        self.jobs: dict[Any, Any] = {}
        self.lock = threading.Lock()
        if start:
            self.start()

    def start(self) -> None:
        """Makes the server reachable for workers and datasets."""
        _RUNNING[self._address] = self

    def stop(self) -> None:
        """Ends it."""
        _RUNNING.pop(self._address, None)
        self._ended.set()

    _stop = stop

    @property
    def target(self) -> str:
        """The protocol and address for datasets."""
        return f"{self._config.protocol}://{self._address}"

    @property
    def known_workers(self) -> list[str]:
        """The addresses of workers in the configuration."""
        return list(self._config.worker_addresses or ())

    def add_worker(self, address: str) -> None:
        """Adds a worker.

        Args:
          address: of the worker.
        """
        with self._changed:
            self._workers.append(address)
            self._changed.notify_all()

    def remove_worker(self, address: str) -> None:
        """Removes a worker.

        Args:
          address: of the worker.
        """
        with self._changed:
            self._workers.remove(address)

    def workers(self) -> list[str]:
        """Returns the addresses of the workers; waits for the first one.

        Returns:
          A list of str.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._workers)
            return list(self._workers)

    def register(self, dataset: Any, dataset_id: str | None) -> str:
        """Registers a dataset and returns its id.

        Args:
          dataset: a Dataset.
          dataset_id: a name; None for a number.

        Returns:
          A str.
        """
        with self.lock:
            name = dataset_id or str(next(self._numbers))
            self.datasets.setdefault(name, dataset)
            return name


def dispatcher_at(service: str) -> DispatchServer:
    """Returns the dispatcher of "<protocol>://<address>", or an address alone.

    Raises:
      UnavailableError: there is none in this process.
    """
    address = service.rpartition("://")[2]
    if address not in _RUNNING:
        raise UnavailableError(
            f"There is no tf.data service at {service} in this process; services of other "
            "processes are not reached."
        )
    return _RUNNING[address]


@export("data.experimental.service.WorkerServer", v1=[])
class WorkerServer(_Server):
    """Produces elements for the jobs of a dispatcher.

    Args:
      config: a WorkerConfig.
      start: whether to start it at once.

    Raises:
      ValueError: the dispatcher's address is missing.
      UnavailableError: there is no such dispatcher in this process.
    """

    def __init__(self, config: WorkerConfig, start: bool = True) -> None:
        super().__init__()
        if config.dispatcher_address is None:
            raise ValueError(
                "Must specify a `dispatcher_address` in the `config` passed to `WorkerServer`."
            )
        port = config.port or next(_PORTS)
        self._address = config.worker_address.replace("%port%", str(port))
        self._config = config
        self._dispatcher: DispatchServer | None = None
        if start:
            self.start()

    def start(self) -> None:
        """Registers with the dispatcher.

        Raises:
          AlreadyExistsError: it is running already.
        """
        if self._dispatcher is not None:
            raise AlreadyExistsError(f"The worker at {self._address} is running already.")
        self._dispatcher = dispatcher_at(self._config.dispatcher_address)
        self._dispatcher.add_worker(self._address)

    def stop(self) -> None:
        """Ends it."""
        if self._dispatcher is not None:
            self._dispatcher.remove_worker(self._address)
            self._dispatcher = None
        self._ended.set()

    _stop = stop
