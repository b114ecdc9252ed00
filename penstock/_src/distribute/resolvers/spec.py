"""tf.train.ClusterSpec: the jobs of a cluster and the addresses of their tasks."""

from typing import Any

from penstock._src.proto.config import ClusterDef
from penstock._src.util.export import export


@export("train.ClusterSpec")
class ClusterSpec:
    """The jobs of a cluster and the addresses of their tasks.

    Args:
      cluster: {job: [address, ...]} or {job: {index: address}}, a ClusterSpec, or a ClusterDef.

    >>> cluster = tf.train.ClusterSpec({"worker": ["a:1", "b:1"], "ps": ["c:1"]})
    >>> cluster.jobs, cluster.num_tasks("worker")
    (['worker', 'ps'], 2)
    """

    def __init__(self, cluster: Any) -> None:
        if isinstance(cluster, ClusterSpec):
            jobs: Any = cluster._jobs
        elif isinstance(cluster, ClusterDef):
            jobs = {job.name: dict(job.tasks) for job in cluster.job}
        elif isinstance(cluster, dict):
            jobs = {name: _tasks(name, tasks) for name, tasks in cluster.items()}
        else:
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network "
                "addresses, or a `ClusterDef` protocol buffer"
            )
        self._jobs: dict[str, dict[int, str]] = {
            _text(name): {int(i): _text(address) for i, address in tasks.items()}
            for name, tasks in jobs.items()
        }

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def _job(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._jobs[job_name]

    def num_tasks(self, job_name: str) -> int:
        """Returns the number of tasks of a job.

        Args:
          job_name: the name of the job.

        Returns:
          An integer.

        Raises:
          ValueError: there is no such job.
        """
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """Returns the numbers of the tasks of a job.

        Args:
          job_name: the name of the job.

        Returns:
          A sorted list of integers.

        Raises:
          ValueError: there is no such job.
        """
        return sorted(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Returns the address of a task.

        Args:
          job_name: the name of the job.
          task_index: the number of the task.

        Returns:
          A string such as "host:port".

        Raises:
          ValueError: there is no such task.
        """
        tasks = self._job(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """Returns the addresses of the tasks of a job.

        Args:
          job_name: the name of the job.

        Returns:
          A list of strings.

        Raises:
          ValueError: there is no such job.
        """
        tasks = self._job(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]

    def as_dict(self) -> dict[str, Any]:
        """Returns the jobs and their addresses.

        Returns:
          A dictionary of lists, or of dictionaries where numbers are missing.
        """
        return {
            name: (
                [tasks[i] for i in range(len(tasks))]
                if set(tasks) == set(range(len(tasks)))
                else {i: tasks[i] for i in sorted(tasks)}
            )
            for name, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> Any:
        """Returns the message of this cluster.

        Returns:
          A `tf.train.ClusterDef`.
        """
        proto = ClusterDef()
        for name in sorted(self._jobs):
            job = proto.job.add()
            job.name = name
            for i, address in self._jobs[name].items():
                job.tasks[i] = address
        return proto

    def __bool__(self) -> bool:
        return bool(self._jobs)

    __nonzero__ = __bool__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(sorted((n, tuple(sorted(t.items()))) for n, t in self._jobs.items())))

    def __repr__(self) -> str:
        jobs = {name: self.as_dict()[name] for name in sorted(self._jobs)}
        return f"ClusterSpec({jobs!r})"


def _tasks(name: Any, tasks: Any) -> dict[int, Any]:
    if isinstance(tasks, (list, tuple)):
        return dict(enumerate(tasks))
    if isinstance(tasks, dict):
        return tasks
    raise TypeError(
        f"The tasks for job {name!r} must be a list or a dictionary from integers to strings."
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"Job names and addresses must be bytes or unicode. Received {value!r}")
    return value
