"""Where tasks run: here, or by Apache Beam or Ray on as many machines as these reach.

A runner does a list of independent tasks, such as one for each file of the table. What tasks exchange are files in a folder that
all machines see, so that all a runner does is call functions; a worker that dies is replaced by Beam or Ray.
"""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from store import Task, execute

HERE = str(Path(__file__).resolve().parent)


def run_here(root: Path, tasks: Sequence[Task], options: Sequence[str]) -> None:
    """Does the tasks one after the other in this process."""
    for task in tasks:
        execute(root, task)


def run_on_beam(root: Path, tasks: Sequence[Task], options: Sequence[str]) -> None:
    """Does the tasks as a Beam pipeline; `options` are Beam's, such as --runner=FlinkRunner."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        _ = (
            pipeline
            | beam.Create(list(tasks))
            | beam.Reshuffle()  # else one worker takes them all
            | beam.Map(functools.partial(execute, root))
        )


def run_on_ray(root: Path, tasks: Sequence[Task], options: Sequence[str]) -> None:
    """Does the tasks on a Ray cluster: the one of --address, or one on this machine."""
    import ray

    address = options[0].removeprefix("--address=") if options else None
    if not ray.is_initialized():
        ray.init(address=address, runtime_env=environment(), log_to_driver=False)
    remote = ray.remote(execute)
    ray.get([remote.remote(root, task) for task in tasks])


def environment() -> dict[str, object]:
    """What Ray's workers need to find these modules, and to mean by `tensorflow` what this process does."""
    paths = [HERE, os.environ.get("PYTHONPATH", "")]
    found: dict[str, object] = {"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, paths))}}
    if getattr(sys.modules.get("tensorflow"), "__name__", "") == "penstock":
        found["worker_process_setup_hook"] = "penstock.install_as_tensorflow"
    return found


RUNNERS: dict[str, Callable[[Path, Sequence[Task], Sequence[str]], None]] = {
    "local": run_here,
    "beam": run_on_beam,
    "ray": run_on_ray,
}
