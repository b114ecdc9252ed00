"""SlurmClusterResolver: clusters of the job scheduler Slurm."""

import os
import re
import subprocess
from typing import Any

from penstock._src.distribute.resolvers.base import ClusterResolver
from penstock._src.distribute.resolvers.spec import ClusterSpec
from penstock._src.util.export import export


def expand_host_list(text: str) -> list[str]:
    """Expands Slurm's notation for hosts: `a[01-02,7],b` gives a01, a02, a7, b.

    Raises:
      ValueError: the text is something else.
    """
    hosts: list[str] = []
    for part in re.split(r",(?![^\[\]]*\])", text):
        match = re.fullmatch(r"([^\[\],]*)\[([\d,-]+)\](.*)", part)
        if match is None:
            if not part or "[" in part or "]" in part:
                raise ValueError(f'Invalid hostlist format "{text}": Invalid part: {part}')
            hosts.append(part)
            continue
        prefix, ranges, suffix = match.groups()
        for number in _expanded(ranges):
            hosts.extend(expand_host_list(f"{prefix}{number}{suffix}"))
    return hosts


def _expanded(ranges: str) -> list[str]:
    numbers = []
    for piece in ranges.split(","):
        first, _, last = piece.partition("-")
        width = len(first)
        numbers += [f"{n:0{width}d}" for n in range(int(first), int(last or first) + 1)]
    return numbers


def expand_tasks_per_node(text: str) -> list[int]:
    """Expands Slurm's notation for task counts: `3(x2),2` gives 3, 3, 2.

    Raises:
      ValueError: the text is something else.
    """
    if not all(re.fullmatch(r"\d+(\(x\d+\))?", part) for part in text.split(",")):
        raise ValueError(f'Invalid tasks-per-node list format "{text}": {text}')
    counts: list[int] = []
    for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text):
        counts += [int(count)] * int(times or 1)
    return counts


@export("distribute.cluster_resolver.SlurmClusterResolver")
class SlurmClusterResolver(ClusterResolver):
    """The tasks of the Slurm step that this process belongs to.

    Args:
      jobs: {job: number of tasks}; by default all tasks are workers.
      port_base: the port of the first task on each node; the next tasks have the next ports.
      gpus_per_node: queried from the system if None.
      gpus_per_task: by default the GPUs of a node divided by its tasks.
      tasks_per_node: by default from Slurm's environment variables.
      auto_set_gpu: whether `cluster_spec` sets CUDA_VISIBLE_DEVICES to this task's GPUs.
      rpc_layer: the protocol.

    Raises:
      RuntimeError: Slurm provides another number of tasks than requested, or no GPUs for them.
    """

    def __init__(
        self,
        jobs: dict[str, int] | None = None,
        port_base: int = 8888,
        gpus_per_node: int | None = None,
        gpus_per_task: int | None = None,
        tasks_per_node: Any = None,
        auto_set_gpu: bool = True,
        rpc_layer: str = "grpc",
    ) -> None:
        self._rank = int(_slurm("PROCID"))
        self._hosts = expand_host_list(_slurm("STEP_NODELIST"))
        count = int(_slurm("STEP_NUM_TASKS"))
        self._jobs = {"worker": count} if jobs is None else dict(jobs)
        if tasks_per_node is None:
            per_node = expand_tasks_per_node(_slurm("STEP_TASKS_PER_NODE"))
        elif isinstance(tasks_per_node, int):
            per_node = [tasks_per_node] * len(self._hosts)
        else:
            per_node = list(tasks_per_node)
        self._per_node, self._port_base = per_node, port_base
        if gpus_per_node is None:
            gpus_per_node = _count_gpus()
        if gpus_per_task is None:
            gpus_per_task = gpus_per_node // max(per_node[0], 1)
        self._gpus_per_task = gpus_per_task
        self._auto_set_gpu, self.rpc_layer = auto_set_gpu, rpc_layer
        wanted, assigned = sum(self._jobs.values()), sum(per_node)
        if wanted != assigned:
            raise RuntimeError(f"Requested {wanted} tasks but only {assigned} were assigned.")

    def cluster_spec(self) -> ClusterSpec:
        """Returns the cluster, and records which of its tasks this process is."""
        places = [
            (f"{host}:{self._port_base + slot}", slot)
            for host, count in zip(self._hosts, self._per_node, strict=True)
            for slot in range(count)
        ]
        cluster: dict[str, list[str]] = {}
        rank = 0
        for job, count in self._jobs.items():
            cluster[job] = []
            for index in range(count):
                address, slot = places[rank]
                cluster[job].append(address)
                if rank == self._rank:
                    self._task_type, self._task_id = job, index
                    self._show_own_gpus(slot)
                rank += 1
        return ClusterSpec(cluster)

    def _show_own_gpus(self, slot: int) -> None:
        if self._auto_set_gpu:
            first = slot * self._gpus_per_task
            own = range(first, first + self._gpus_per_task)
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, own))

    def get_task_info(self) -> tuple[Any, Any]:
        """Returns (job, index) of this process; call `cluster_spec` first.

        Returns:
          A pair of a str and an int.
        """
        return self._task_type, self._task_id

    def master(self, task_type=None, task_id=None, rpc_layer=None) -> str:
        """Returns the address of a task, by default this process's; "" before `cluster_spec` was called."""
        return self._own_address(task_type, task_id, rpc_layer or self.rpc_layer)

    def num_accelerators(self, task_type=None, task_id=None, config_proto=None) -> dict[str, int]:
        """Returns the GPUs of each task."""
        return {"GPU": self._gpus_per_task}


def _slurm(name: str) -> str:
    variable = f"SLURM_{name}"
    if variable not in os.environ:
        raise RuntimeError(f"{variable} not found in environment")
    return os.environ[variable]


def _count_gpus() -> int:
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    )
    return len(listed.stdout.split("\n")[:-1])
