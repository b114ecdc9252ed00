"""Consumer: takes the elements of a job from its workers, one after the other."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Generator, Iterator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnavailableError
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import HERE, LOG, call, patient
from penstock._src.data.experimental.service.clients.arguments import LOCAL
from penstock._src.data.experimental.service.elements import from_message
from penstock._src.data.experimental.service.jobs import STATIC, ShardingPolicy
from penstock._src.ops.data.pipeline import Element

# Seconds between two looks for new workers.
_LOOK_SECONDS = 1.0
_PAUSE = 0.1
_PATIENCE = 3600.0  # seconds to wait for a dispatcher that keeps its state


class Consumer:
    """An iteration over the elements that the workers of a service produce.

    A worker that is lost is left out: the others produce the rest of a dynamically sharded dataset; elements that the lost worker had taken but not
    delivered are skipped. With a fixed part for each worker, the part would be missing: that is an error.

    Args:
      service: the address of the dispatcher.
      request: a JobRequest.
      place: among consumers that take elements in rounds, or None.
      trainer: of a shared cache, or None.
    """

    def __init__(self, service: str, request: Any, place: int | None, trainer: str | None) -> None:
        self._service, self._policy = service, ShardingPolicy(request.policy)
        self._place, self._is_own = place, not request.name
        self._is_local = request.target == LOCAL
        self._name = trainer or (uuid.uuid4().hex if place is None else str(place))
        reply = self._ask("Job", request, messages.JobReply)
        self._job, self._patience = reply.job, _PATIENCE if reply.is_kept else 0.0
        self._numbers: dict[str, int] = {}  # worker: questions so far
        self._ended: set[str] = set()
        self._lost: set[str] = set()
        self._incarnations: dict[str, int] = {}
        self._shards = 0  # number of fixed shards, all of which have to end
        self._looked = 0.0

    def _ask(self, method: str, request: Any, reply: Any) -> Any:
        return call(messages.DISPATCHER, self._service, method, request, reply)

    def _look(self) -> None:
        """Query the dispatcher for workers."""
        request = messages.TasksRequest(job=self._job, lost=sorted(self._lost))
        self._lost.clear()
        reply = patient(
            lambda: self._ask("Tasks", request, messages.TasksReply),
            self._patience, threading.Event(), self._service,
        )  # fmt: skip
        self._looked, self._shards = time.monotonic(), reply.shards
        for worker in reply.workers:
            if worker in HERE or not self._is_local:
                self._numbers.setdefault(worker, 0)
        if self._is_local and not self._numbers:
            raise InvalidArgumentError(
                "Local reads require local tf.data workers, but no local worker is found. You need to run local tf.data "
                "service workers in your training workers."
            )

    def _working(self) -> list[str]:
        return [worker for worker in self._numbers if worker not in self._ended]

    def elements(self) -> Generator[Element]:
        """The elements, each worker's in turn."""
        try:
            self._look()
            while not self._numbers:
                LOG.warning("tf.data service: %s has no workers yet.", self._service)
                self._look()
            if self._place is not None:
                yield from self._in_rounds()
            else:
                yield from self._in_turn()
        finally:
            if self._is_own:
                self._end()

    def _in_turn(self) -> Iterator[Element]:
        while True:
            for worker in self._working():
                element = self._element(worker)
                if element is not None:
                    yield element
            if not self._working() or time.monotonic() - self._looked > _LOOK_SECONDS:
                self._look()
                if self._working():
                    continue
                if self._numbers and len(self._ended) >= self._shards:
                    return
                time.sleep(_PAUSE)

    def _in_rounds(self) -> Iterator[Element]:
        workers = sorted(self._numbers)
        while True:
            for worker in workers:
                element = self._element(worker)
                if element is None:
                    if worker not in self._numbers:
                        raise UnavailableError(f"tf.data service: the worker at {worker} is lost.")
                    return
                yield element

    def _element(self, worker: str) -> Element | None:
        """The next element of a worker; None if it has none, or is lost."""
        number = self._numbers[worker]
        request = messages.ElementRequest(job=self._job, consumer=self._name, number=number)
        try:
            reply = call(messages.WORKER, worker, "Element", request, messages.Element)
        except UnavailableError as error:
            self._lose(worker, error.message)
            return None
        known = self._incarnations.setdefault(worker, reply.incarnation)
        if known != reply.incarnation:
            self._lose(worker, "it was started again.")
            self._incarnations[worker] = reply.incarnation  # a new start of the worker is as good
        self._numbers[worker] = number + 1
        element = from_message(reply)
        if element is None:
            self._ended.add(worker)
        return element

    def _lose(self, worker: str, why: str) -> None:
        """Continue without a worker.

        Raises:
          UnavailableError: no other worker has its part.
        """
        if self._policy in STATIC:
            raise UnavailableError(
                f"tf.data service: the worker at {worker} is lost, and with it its part of the data: {why}"
            )
        LOG.warning("tf.data service: the worker at %s is lost: %s", worker, why)
        del self._numbers[worker]
        self._incarnations.pop(worker, None)
        self._lost.add(worker)

    def _end(self) -> None:
        """Makes the service forget a job without other consumers."""
        try:
            request = messages.ElementRequest(job=self._job, consumer=self._name, is_over=True)
            for worker in self._numbers:
                call(messages.WORKER, worker, "Element", request, messages.Element, 0.0)
            over = messages.TasksRequest(job=self._job, is_over=True)
            call(messages.DISPATCHER, self._service, "Tasks", over, messages.TasksReply, 0.0)
        except UnavailableError:
            LOG.info("tf.data service: ended before the iteration.")
