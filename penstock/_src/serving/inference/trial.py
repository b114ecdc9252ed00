"""Runs a model as a server would before it answers requests."""

from __future__ import annotations

from penstock._src.native.readers.number_arrays import number_arrays
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.inference.warm_up import warm_up
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.servables.formats.table import load
from penstock._src.serving.trust.limits import Limits


def run_as_served(path: str) -> None:
    """Loads a model, warms it up with all of a server's usual sizes of batches, and drops it.

    Args:
      path: a folder or file.
    """
    scheduler = Scheduler(1, [])
    try:
        version = ModelVersion("model", 1, load(path), scheduler, BatchingParameters())
        # What a pack contains must not depend on the speed of the machine that makes it.
        warm_up(version, Limits().max_tensor_bytes, has_time_limit=False)
        number_arrays()  # reads requests
    finally:
        scheduler.close()
