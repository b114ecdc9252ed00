"""A session's connection to the cluster of its target."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from penstock._src.cluster.rpc.channel import Channel
from penstock._src.core.calls import deadlines
from penstock._src.distribute.cluster.steps.placement import passes_filters
from penstock._src.distribute.cluster.tasks import messages
from penstock._src.distribute.cluster.tasks.service import SERVICES, TaskService
from penstock._src.distribute.cluster.tasks.task import Task, TaskLostError, Tasks, addresses_of
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.v1.process import log as logger

SCHEME = "grpc://"
# Seconds of one attempt to reach a task, and between log messages about waiting.
_ASK_SECONDS = 1.0
_TELL_SECONDS = 10.0


class Connection:
    """The tasks that a session may use.

    Args:
      target: "grpc://" with the address of a task's server.
      config: a ConfigProto, whose `device_filters` choose among the other tasks, or None.

    Raises:
      UnavailableError: no server answers at the address.
    """

    def __init__(self, target: str, config: Any = None) -> None:
        address = target.removeprefix(SCHEME)
        own = SERVICES.get(address)
        # The name of the target's task.
        self.name, addresses = (own.name, dict(own.tasks.addresses)) if own else _described(address)
        if config is not None and config.cluster_def.job:
            addresses = addresses_of(ClusterSpec(config.cluster_def))
        addresses[self.name] = address
        filters = [] if config is None else list(config.device_filters)
        self.names = [n for n in addresses if n == self.name or passes_filters(n, filters)]
        self.tasks = Tasks(addresses)

    def service(self, name: str) -> TaskService | None:
        """Returns a task that is of this process; None if it is of another."""
        local = SERVICES.get(self.tasks.addresses[name])
        return local if local is not None and local.name == name else None

    def wait(self) -> None:
        """Waits until all tasks answer."""
        for name in self.names:
            if self.service(name) is None:
                _wait_for(self.tasks[name])

    def reset(self, containers: Iterable[str]) -> None:
        """Frees the resources of containers in all tasks, and ends the sessions of these."""
        for name in self.names:
            service = self.service(name)
            if service is not None:
                service.sessions.clear(list(containers))
            else:
                self.tasks[name].call("Reset", messages.ResetRequest(containers=containers))


def _described(address: str) -> tuple[str, dict[str, str]]:
    """The name of the task at an address, and the addresses of its cluster."""
    channel = Channel(address, messages.SERVICE, "the session's target")
    try:
        description = messages.Description.FromString(channel.call("Describe", b""))
    finally:
        channel.close()
    return description.task, dict(description.addresses)


def _wait_for(task: Task) -> None:
    last_report = time.monotonic()
    while True:
        deadlines.check()
        try:
            return task.connect(_ASK_SECONDS)
        except TaskLostError:
            if time.monotonic() - last_report > _TELL_SECONDS:
                last_report = time.monotonic()
                logger.info("CreateSession still waiting for response from worker: %s", task.name)
