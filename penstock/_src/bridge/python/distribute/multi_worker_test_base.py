"""Clusters on this machine for tests: `tensorflow.python.distribute.multi_worker_test_base`."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from penstock._src.api.test.case import TestCase
from penstock._src.distribute.cluster.server import Server
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.process.ports import free_ports
from penstock._src.v1.graphs.session import Session

Addresses = dict[str, list[str]]


def create_cluster_spec(
    has_chief: bool = False, num_workers: int = 1, num_ps: int = 0, has_eval: bool = False
) -> Addresses:
    """Returns addresses on this machine for each task of each job."""
    sizes = {
        "chief": int(has_chief),
        "worker": num_workers,
        "ps": num_ps,
        "evaluator": int(has_eval),
    }
    ports = iter(free_ports(sum(sizes.values())))
    return {
        job: [f"localhost:{next(ports)}" for _ in range(size)]
        for job, size in sizes.items()
        if size
    }


def create_in_process_cluster(
    num_workers: int,
    num_ps: int,
    has_chief: bool = False,
    has_eval: bool = False,
    rpc_layer: str = "grpc",
) -> Addresses:
    """Returns the addresses of a cluster whose servers run in this process."""
    addresses = create_cluster_spec(has_chief, num_workers, num_ps, has_eval)
    cluster = ClusterSpec(addresses)
    for job, tasks in addresses.items():
        for index in range(len(tasks)):
            _servers.append(Server(cluster, job_name=job, protocol=rpc_layer, task_index=index))
    return addresses


_servers: list[Any] = []  # as long as the process runs


class MultiWorkerTestBase(TestCase):
    """Tests with a cluster of two workers and one parameter server in this process."""

    _cluster_spec: Addresses
    _default_target: str

    @classmethod
    def setUpClass(cls, num_workers: int = 2, num_ps: int = 1) -> None:
        """Starts the cluster."""
        super().setUpClass()
        cls._cluster_spec = create_in_process_cluster(num_workers, num_ps)
        cls._default_target = "grpc://" + cls._cluster_spec["worker"][0]

    @contextlib.contextmanager
    def session(  # type: ignore[override]
        self, graph: Any = None, config: Any = None, target: str | None = None
    ) -> Iterator[Any]:
        """A session of a worker, the first by default."""
        with Session(target or self._default_target, graph=graph, config=config) as session:
            yield session


class SingleWorkerTestBaseGraph(MultiWorkerTestBase):
    """Tests with a cluster of one worker."""

    @classmethod
    def setUpClass(cls, num_workers: int = 1, num_ps: int = 0) -> None:
        """Starts the cluster."""
        super().setUpClass(num_workers, num_ps)
