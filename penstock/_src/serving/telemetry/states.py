"""Momentary values: queues, versions, memory, kernels. They are read when metrics are requested."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from penstock._src.native.kernels import kernels
from penstock._src.runtime.arena import HOST_ARENAS
from penstock._src.serving.models.manager import ModelManager
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.telemetry import table
from penstock._src.serving.telemetry.store import Store
from penstock._src.serving.trust.admission import Admission

_OPEN_FILES, _MEMORY = "/proc/self/fd", "/proc/self/statm"


class States:
    """Reads the state of a process into its store.

    Args:
      store: the numbers.
      manager: of the models.
      admission: counts requests.
    """

    def __init__(self, store: Store, manager: ModelManager, admission: Admission) -> None:
        self._store, self._manager, self._admission = store, manager, admission

    def refresh(self) -> None:
        """Reads everything."""
        store = self._store
        store.reset_gauges()
        store.value(table.PROCESSES).set(1)
        store.value(table.REQUESTS).set(self._admission.requests)
        store.value(table.HELD_BYTES).set(self._admission.held_bytes)
        self._read_versions()
        for versions in self._manager.table.loaded().values():
            self._read_queues(versions.values())
        self._read_engine()
        self._read_process()

    def _read_versions(self) -> None:
        for name, statuses in self._manager.statuses().items():
            for status in statuses:
                labels = name, str(status.number), status.state.name
                self._store.value(table.VERSIONS, *labels).set(1)

    def _read_queues(self, versions: Iterable[ModelVersion]) -> None:
        store = self._store
        for version in versions:
            for name, queue in version.queues.items():
                labels = version.name, str(version.number), name
                store.value(table.QUEUED_REQUESTS, *labels).set(len(queue))
                if queue.joins:
                    limits = queue.parameters
                    of_batch = version.name, name
                    store.value(table.MAX_BATCH_SIZE, *of_batch).set(limits.max_batch_size)
                    store.value(table.BATCH_TIMEOUT, *of_batch).set(limits.batch_timeout * 1e6)
                    most = limits.max_enqueued_batches
                    store.value(table.MAX_ENQUEUED_BATCHES, *of_batch).set(most)
            if version.generates:
                engine, of = version.generator.engine, (version.name, str(version.number))
                store.value(table.GENERATING, *of, "running").set(engine.running)
                store.value(table.GENERATING, *of, "waiting").set(engine.waiting)

    def _read_engine(self) -> None:
        store, counts = self._store, kernels().statistics
        size = sum(block.array.nbytes for block in HOST_ARENAS.blocks())
        store.value(table.ARENA_BYTES).set(size)
        for origin in ("compiled", "from_packs", "from_disk", "reused"):
            store.value(table.KERNELS, origin).set_total(getattr(counts, origin))
        store.value(table.COMPILE_SECONDS).set_total(counts.compile_seconds)

    def _read_process(self) -> None:
        store, times = self._store, os.times()
        store.value(table.CPU_SECONDS).set_total(times.user + times.system)
        if sys.platform == "linux":
            with open(_MEMORY, encoding="ascii") as file:
                pages = int(file.read().split()[1])
            store.value(table.RESIDENT_BYTES).set(pages * os.sysconf("SC_PAGE_SIZE"))
            store.value(table.OPEN_FILES).set(len(os.listdir(_OPEN_FILES)))
