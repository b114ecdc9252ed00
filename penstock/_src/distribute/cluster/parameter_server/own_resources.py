"""Resources of the coordinator's own process in scheduled functions: variables and tables created outside the strategy."""

from __future__ import annotations

import socket
import threading
import weakref
from typing import Any

from penstock._src.core.registry import find
from penstock._src.core.values.resources import Resource
from penstock._src.distribute.cluster.parameter_server.per_worker import PerWorkerResource
from penstock._src.distribute.cluster.tasks.handles import Handle, Maker, handle
from penstock._src.distribute.cluster.tasks.service import TaskService
from penstock._src.distribute.cluster.tasks.task import Task, Tasks, task_name
from penstock._src.ops.lookup.table_resources import StaticTable

NAME = task_name("chief", 0)
_OF_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class OwnResources:
    """Replacements for resources of the coordinator's process, for tasks that run its functions.

    A table that is filled once is copied to each worker that needs it. Other resources stay here: from the first on, the coordinator is a task
    itself, and ops of workers on these are calls to it.

    Args:
      tasks: of the cluster.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._service: TaskService | None = None
        self._copies: weakref.WeakKeyDictionary[Resource, PerWorkerResource] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    def stand_in(self, resource: Resource, task: Task) -> Resource:
        """Returns the replacement that a task gets for a resource argument of a function.

        Raises:
          FailedPreconditionError: it is a table that has not been filled.
        """
        if isinstance(resource, StaticTable):
            resource = self._copies_of(resource)
        if isinstance(resource, PerWorkerResource):
            return resource.of(task)
        if isinstance(resource, Handle):
            return resource
        service = self._running()
        return handle(service.tasks, service.reference(resource, service.tasks.caller, NAME))

    def _copies_of(self, table: StaticTable) -> PerWorkerResource:
        with self._lock:
            if table not in self._copies:
                self._copies[table] = _copied(table)
            return self._copies[table]

    def _running(self) -> TaskService:
        with self._lock:
            if self._service is None:
                service = TaskService(NAME, dict(self._tasks.addresses))
                service.start(f"{_own_host(self._tasks)}:0")
                weakref.finalize(self, service.stop)
                self._service = service
            return self._service


def _own_host(tasks: Tasks) -> str:
    """Return the name by which tasks reach this process: the cluster's name of the coordinator's host, or the host's own."""
    known = tasks.addresses.get(NAME)
    if known is not None:
        return known.rpartition(":")[0]
    hosts = {address.rpartition(":")[0] for address in tasks.addresses.values()}
    return "localhost" if hosts.issubset(_OF_THIS_MACHINE) else socket.getfqdn()


def _copied(table: StaticTable) -> PerWorkerResource:
    """Returns copies of a table, which each worker gets on first use."""
    types: dict[str, Any] = {"key_dtype": table.key_dtype, "value_dtype": table.value_dtype}
    make = find("AnonymousHashTable").instance(types)
    fill = find("LookupTableImportV2").instance({"Tin": table.key_dtype, "Tout": table.value_dtype})
    read = find("LookupTableExportV2").instance(
        {"Tkeys": table.key_dtype, "Tvalues": table.value_dtype}
    )
    keys, values = read.eager(table)

    def copy(task: Task) -> Any:
        table = Maker(task).run(make, ())
        table.run(fill, [table, keys, values])
        return table

    return PerWorkerResource(f"table {table.name}", copy)
