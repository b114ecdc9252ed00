"""A thread for each worker, which takes closures from the queue and runs them on the worker."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from penstock._src.core.errors import UnavailableError
from penstock._src.distribute.cluster.parameter_server.closures import Closure, Closures
from penstock._src.distribute.cluster.parameter_server.own_resources import OwnResources
from penstock._src.distribute.cluster.tasks.functions import run_function
from penstock._src.distribute.cluster.tasks.task import Task, TaskLostError

LOG = logging.getLogger("tensorflow")
# Seconds between two looks whether a lost worker is there again, and between two signs of life.
LOOK_AGAIN = 0.5
SIGN_OF_LIFE = 20.0


def run_on(task: Task, closure: Closure, own: OwnResources) -> list[Any]:
    """Returns the flat outputs of a closure that a task runs.

    Args:
      task: the task.
      closure: the closure.
      own: maps resources of this process, and resources that each worker has its own copy of, to those of the task.
    """
    function = closure.concrete._function
    return run_function(
        task, function, closure.values, lambda resource: own.stand_in(resource, task)
    )


class Worker:
    """Runs closures in a worker until the queue is closed.

    Args:
      task: the worker.
      closures: the queue.
      own: what functions use of this process.
    """

    def __init__(self, task: Task, closures: Closures, own: OwnResources) -> None:
        self.task, self._closures, self._own = task, closures, own
        name = f"penstock-coordinator-{task.name}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            closure = self._closures.take()
            if closure is None:
                return
            try:
                outputs = run_on(self.task, closure, self._own)
            except TaskLostError as error:
                if error.task != self.task.name:
                    self._closures.failed(closure, of_lost_server(error))
                    continue
                LOG.warning(
                    "Worker %s is lost; another one runs its function: %s", self.task.name, error
                )
                self._closures.put_back(closure)
                self._wait_until_it_is_back()
            except BaseException as error:
                LOG.error("%s failed in a function: %s", self.task.name, error)
                self._closures.failed(closure, error)
            else:
                self._closures.finished(closure, lambda c=closure, o=outputs: c.finish(o))  # type: ignore[misc]

    def _wait_until_it_is_back(self) -> None:
        while not self._closures.is_closed:
            try:
                self.task.connect(0.0)
            except TaskLostError:
                time.sleep(LOOK_AGAIN)
            else:
                LOG.warning("Worker %s is back.", self.task.name)
                return


def of_lost_server(error: TaskLostError) -> UnavailableError:
    """Returns the error for the user where a task is lost that holds variables."""
    return UnavailableError(
        None, None,
        f"{error.task} is lost, with its variables and tables: {error.message} Restart it, and restart the coordinator from its last "
        "checkpoint.",
    )  # fmt: skip


class SignsOfLife:
    """Thread that reports to tasks periodically that this process is alive, so that they keep its resources.

    Args:
      tasks: to tell.
    """

    def __init__(self, tasks: list[Task]) -> None:
        self._tasks, self._ended = tasks, threading.Event()
        threading.Thread(target=self._tell, name="penstock-signs-of-life", daemon=True).start()

    def _tell(self) -> None:
        while not self._ended.wait(SIGN_OF_LIFE):
            for task in self._tasks:
                task.is_alive()

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
