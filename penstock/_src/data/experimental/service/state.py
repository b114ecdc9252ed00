"""A dispatcher's state of datasets and jobs, kept over a restart."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.data.experimental.service.jobs import ShardingPolicy
from penstock._src.data.experimental.service.journal import Journal
from penstock._src.data.experimental.service.messages import DispatcherChange, JobMade
from penstock._src.data.experimental.service.servers import pipeline_of
from penstock._src.data.experimental.service.snapshots.managing import Snapshots
from penstock._src.data.experimental.service.splits import Given, Splits
from penstock._src.ops.data.pipeline import Element

_FIRST_NUMBER = 1000  # numbers of unnamed objects start here


class Job:
    """An iteration over a dataset by workers.

    Args:
      request: the JobRequest.
      dataset: the RegisterRequest.
    """

    def __init__(self, request: Any, dataset: Any) -> None:
        self.request, self.dataset = request, dataset
        self.policy = ShardingPolicy(request.policy)
        self.given = Given()
        self.lock = threading.Lock()
        self._splits: Splits | None = None

    @property
    def splits(self) -> Splits:
        """The splits that workers share."""
        if self._splits is None:
            dataset = pipeline_of(self.dataset.graph, self.dataset.local)
            self._splits = Splits(dataset, self.given)
        return self._splits


class State:
    """The datasets and jobs of a dispatcher. With a journal, those of the dispatcher that had it before are known.

    Args:
      journal: to which each change is added before it takes effect; or None.
    """

    def __init__(self, journal: Journal | None) -> None:
        self.datasets: dict[str, Any] = {}
        self.jobs: dict[str, Job] = {}
        self.snapshots = Snapshots()
        self._numbers = itertools.count(_FIRST_NUMBER)
        self._lock = threading.Lock()
        self._journal = journal
        if journal is not None:
            for change in journal.changes():
                self._apply(change)
            self._numbers = itertools.count(self._first_free_number())
            journal.begin(self._changes())
            self.snapshots.begin(journal)

    @property
    def is_kept(self) -> bool:
        """True if the state outlives the process."""
        return self._journal is not None

    def job(self, name: str) -> Job:
        """The job of a name.

        Raises:
          NotFoundError: there is none.
        """
        if name not in self.jobs:
            raise NotFoundError(f"tf.data service: there is no job {name!r}.")
        return self.jobs[name]

    def register(self, request: Any) -> str:
        """Adds a dataset unless there is one of its name; returns the name.

        Raises:
          InvalidArgumentError: that one has elements of another structure.
        """
        with self._lock:
            name = request.dataset_id or str(next(self._numbers))
            request.dataset_id = name
            if name not in self.datasets:
                self._change(DispatcherChange(dataset=request))
            else:
                _check_same(self.datasets[name], request)
        return name

    def make_job(self, request: Any) -> str:
        """Adds a job unless there is one of its name and iteration; returns its key.

        Raises:
          NotFoundError: there is no such dataset.
          InvalidArgumentError: a job of its name is another.
        """
        if request.dataset_id not in self.datasets:
            raise NotFoundError(
                f"Dataset id {request.dataset_id} not found. It must be registered with "
                "`register_dataset` before calling `from_dataset_id`."
            )
        with self._lock:
            for other in self.jobs.values():
                if request.name and other.request.name == request.name:
                    _check_same_job(other.request, request)
            named = f"{request.name}/{request.iteration}"
            name = named if request.name else f"#{next(self._numbers)}"
            if name not in self.jobs:
                self._change(DispatcherChange(job=JobMade(job=name, request=request)))
        return name

    def end_job(self, name: str) -> None:
        """Forgets a job."""
        with self._lock:
            if name in self.jobs:
                self._change(DispatcherChange(ended_job=name))

    def split(self, request: Any) -> Element | None:
        """Return the element for a SplitRequest."""
        if request.owner.path:
            return self._unless_large(self.snapshots.split(request))
        job = self.job(request.job)
        with job.lock:
            element, record = job.splits.next(request)
            if record is not None and self._journal is not None:
                self._journal.append(DispatcherChange(split=record))
                job.given.add(record)
        return self._unless_large(element)

    def _unless_large(self, element: Element | None) -> Element | None:
        """Return an answer, after rewriting the journal if it is due."""
        if self._journal is not None and self._journal.is_large:
            self._begin_anew()
        return element

    def _begin_anew(self) -> None:
        """Writes the journal without finished jobs."""
        assert self._journal is not None
        with contextlib.ExitStack() as locks:
            for lock in (self._lock, *(job.lock for job in self.jobs.values())):
                locks.enter_context(lock)
            locks.enter_context(self.snapshots.paused())
            if self._journal.is_large:
                self._journal.begin(self._changes())

    def _change(self, change: Any) -> None:
        if self._journal is not None:
            self._journal.append(change)
        self._apply(change)

    def _apply(self, change: Any) -> None:
        kind = change.WhichOneof("change")
        if kind == "dataset":
            self.datasets[change.dataset.dataset_id] = change.dataset
        elif kind == "job":
            creation = change.job
            self.jobs[creation.job] = Job(
                creation.request, self.datasets[creation.request.dataset_id]
            )
        elif kind == "ended_job":
            self.jobs.pop(change.ended_job, None)
        elif kind == "split":
            if change.split.request.job in self.jobs:
                self.jobs[change.split.request.job].given.add(change.split)
        else:
            self.snapshots.apply(kind, getattr(change, kind))

    def _changes(self) -> list[Any]:
        """Those that lead to this state."""
        entries = [DispatcherChange(dataset=each) for each in self.datasets.values()]
        for name, job in self.jobs.items():
            entries.append(DispatcherChange(job=JobMade(job=name, request=job.request)))
            entries += [DispatcherChange(split=each) for each in job.given.messages()]
        return [*entries, *self.snapshots.kept()]

    def _first_free_number(self) -> int:
        names = [*self.datasets, *(name.removeprefix("#") for name in self.jobs)]
        return max([_FIRST_NUMBER - 1, *(int(name) for name in names if name.isdecimal())]) + 1


def _check_same(known: Any, dataset: Any) -> None:
    for part, what in (("spec", "element_spec"), ("compression", "compression")):
        if getattr(known, part) != getattr(dataset, part):
            raise InvalidArgumentError(
                "Failed to register dataset: Datasets with the same ID should have the same structure, got diff for "
                f"dataset ID {dataset.dataset_id}: its {what} is another."
            )


def _check_same_job(known: Any, job: Any) -> None:
    parts: dict[str, Callable[[Any], Any]] = {
        "processing mode": lambda settings: ShardingPolicy(settings.policy).name,
        "number of consumers": lambda settings: settings.consumers,
        "target workers": lambda settings: settings.target,
        "cross-trainer cache": lambda settings: "enabled" if settings.is_cached else "disabled",
    }
    for name, part in parts.items():
        if part(known) != part(job):
            raise InvalidArgumentError(
                f"Failed to get or create job for dataset with id {job.dataset_id}: Tried to create job with name {job.name}, but "
                f"found an existing job with different parameters: Existing {name}: <{part(known)}>; got <{part(job)}>."
            )
