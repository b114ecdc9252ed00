"""Training by Ray Train: Ray places workers, restarts them and keeps checkpoints; they form a cluster as described by TF_CONFIG."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.cluster.environments.table import described
from penstock._src.saving.checkpoint import Checkpoint
from penstock._src.util.export import export
from penstock._src.util.flags import override
from penstock._src.util.process.installing import pip_install

NAME = "checkpoint"  # prefix of the files in a folder that Ray keeps
_UNTIL_THE_END = contextlib.ExitStack()  # flags of a worker


@export("distribute.ray.Trainer", v1=[])
class Trainer:
    """Runs a function in workers that Ray Train starts, in which `MultiWorkerMirroredStrategy` finds the others.

    Args:
      train_loop_per_worker: the function; Ray Train's functions (`ray.train.get_context`, ...) work in it.
      train_loop_config: its argument, if it takes one.
      scaling_config: a `ray.train.ScalingConfig`: how many workers there are, and of what size. The cores of each are its threads.
      run_config: a `ray.train.RunConfig`: where checkpoints are kept, how often workers are started again.
      **options: others of Ray's `DataParallelTrainer`, such as `datasets`.

    Raises:
      ImportError: Ray Train is not installed.
    """

    def __init__(
        self,
        train_loop_per_worker: Callable[..., Any],
        *,
        train_loop_config: Mapping[str, Any] | None = None,
        scaling_config: Any = None,
        run_config: Any = None,
        **options: Any,
    ) -> None:
        self._trainer = _trainer_class()(
            train_loop_per_worker,
            train_loop_config=None if train_loop_config is None else dict(train_loop_config),
            scaling_config=scaling_config,
            run_config=run_config,
            backend_config=_backend_config()(),
            **options,
        )

    def fit(self) -> Any:
        """Trains.

        Returns:
          Ray's `Result`, with the last metrics and checkpoint that were reported.

        Raises:
          Exception: workers have failed more often than `run_config` allows.
        """
        return self._trainer.fit()


@export("distribute.ray.report", v1=[])
def report(metrics: Mapping[str, Any], checkpoint: Checkpoint | None = None) -> None:
    """Gives Ray the metrics of a step or an epoch, and what is to be kept. All workers call it, at the same step.

    Args:
      metrics: numbers by their names.
      checkpoint: a `tf.train.Checkpoint`; the chief's values are kept. None keeps nothing.
    """
    train = _ray("train")
    if checkpoint is None:
        train.report(dict(metrics))
        return
    with tempfile.TemporaryDirectory(prefix="penstock-report-") as folder:
        # All write: a value may be the sum over all workers.
        checkpoint.write(os.path.join(folder, NAME))
        kept = train.Checkpoint.from_directory(folder) if described().is_chief else None
        train.report(dict(metrics), checkpoint=kept)


@export("distribute.ray.restore", v1=[])
def restore(checkpoint: Checkpoint) -> bool:
    """Restores what `report` has kept last, after workers were started again.

    Args:
      checkpoint: a `tf.train.Checkpoint` of the objects that were reported.

    Returns:
      Whether there was something.
    """
    kept = _ray("train").get_checkpoint()
    if kept is None:
        return False
    with kept.as_directory() as folder:
        checkpoint.read(os.path.join(folder, NAME)).assert_consumed()
    return True


def _ray(name: str) -> Any:
    try:
        return importlib.import_module(f"ray.{name}")
    except ImportError as error:
        raise ImportError(f"Ray Train is needed: {pip_install('ray')}. {error}") from error


def _trainer_class() -> Any:
    """Ray's class, of the version of Ray Train that the environment selects."""
    is_second = hasattr(_ray("train"), "UserCallback")  # which the first version has not
    where = "train.v2.api.data_parallel_trainer" if is_second else "train.data_parallel_trainer"
    return _ray(where).DataParallelTrainer


@functools.cache
def _backend_config() -> Any:
    """The class of the settings by which Ray finds the setup of workers before training."""
    backend = _ray("train.backend")

    class PenstockBackend(backend.Backend):  # type: ignore[misc, name-defined]
        """Sends each worker the addresses of the others."""

        def on_start(self, worker_group: Any, backend_config: Any) -> None:
            """Sets up the workers.

            Args:
              worker_group: of Ray.
              backend_config: a PenstockConfig.
            """
            workers = worker_group.execute(free_address)
            started = [
                worker_group.execute_single_async(rank, join, workers, rank)
                for rank in range(len(workers))
            ]
            importlib.import_module("ray").get(started)

    class PenstockConfig(backend.BackendConfig):  # type: ignore[misc, name-defined]
        """Makes Ray use PenstockBackend."""

        backend_cls = property(lambda self: PenstockBackend)

    return PenstockConfig


def free_address() -> str:
    """Return the address of this host with a free port."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return f"{_ray('util').get_node_ip_address()}:{listener.getsockname()[1]}"


def join(workers: list[str], rank: int) -> None:
    """Lets this process be one of some workers.

    Args:
      workers: their addresses.
      rank: of this one.
    """
    task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
    os.environ["TF_CONFIG"] = json.dumps(task)
    cores = importlib.import_module("ray").get_runtime_context().get_assigned_resources()
    threads = max(int(cores.get("CPU", 1)), 1)
    _UNTIL_THE_END.enter_context(override(transport="grpc", threads=threads))
