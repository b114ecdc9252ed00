"""Runs the functions of a version before it answers requests, so that the first clients do not wait for programs to be planned."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.filesystems import files
from penstock._src.saving.saved_model.constants import CLASSIFY_METHOD_NAME, REGRESS_METHOD_NAME
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.inference import examples, tensors
from penstock._src.serving.inference.tensor_protos import array_of
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.protos.logs import PredictionLog
from penstock._src.util.files.records import read_records

_LOG = logging.getLogger("penstock.serving")
_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")
# Records that are read at most, as in TensorFlow Serving.
_MOST_RECORDS = 1000
# Seconds that the sizes of batches may take.
_SECONDS = 2.0


def warm_up(version: ModelVersion, max_tensor_bytes: int, *, has_time_limit: bool = True) -> None:
    """Runs the requests in a model's warm-up file, then gets each function that can be batched ready for every size of batches.

    The first size is run. Others are too, unless their programs can be made without. Inputs of batches are those of the warm-up file, or zeros where all
    other extents are known. Sizes are left out once they take too long.

    Args:
      version: a loaded version.
      max_tensor_bytes: that an input of a recorded request may have.
      has_time_limit: False gets all sizes ready, however long they take.

    Raises:
      OpError: a recorded request fails.
      DataLossError: the file is damaged.
    """
    seen: dict[Queue, list[np.ndarray]] = {}
    for log in _records(os.path.join(version.servable.path, _FILE)):
        for queue, inputs in _calls(version, log, max_tensor_bytes):
            queue.signature.run(inputs)
            seen.setdefault(queue, inputs)
    end = time.monotonic() + (_SECONDS if has_time_limit else math.inf)
    for queue in version.queues.values():
        if queue.joins:
            row = seen.get(queue) or _zeros(queue)
            if row:
                _run_sizes(queue, row, end)


def _records(path: str) -> Iterable[Any]:
    if not files.exists(path):
        return
    with files.open_file(path) as file:
        for number, record in enumerate(read_records(file, path)):
            if number == _MOST_RECORDS:
                raise DataLossError(
                    f"{path}: expected at most {_MOST_RECORDS} warm-up requests. There are more."
                )
            try:
                yield PredictionLog.FromString(record)
            except DecodeError as error:
                raise DataLossError(f"{path}: record {number} is not a PredictionLog.") from error


def _calls(
    version: ModelVersion, log: Any, max_bytes: int
) -> Iterable[tuple[Queue, list[np.ndarray]]]:
    """The functions that a recorded request calls, with their arguments."""
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        queue = version.queue(request.model_spec.signature_name)
        infos = queue.signature.inputs
        inputs = {
            name: array_of(proto, infos[name], name, max_bytes)
            for name, proto in request.inputs.items()
            if name in infos
        }
        yield queue, tensors.arguments(queue.signature, inputs)[0]
    elif kind == "classify_log":
        request = log.classify_log.request
        yield _of_examples(version, request.model_spec, request.input, CLASSIFY_METHOD_NAME)
    elif kind == "regress_log":
        request = log.regress_log.request
        yield _of_examples(version, request.model_spec, request.input, REGRESS_METHOD_NAME)
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            yield _of_examples(version, task.model_spec, request.input, task.method_name)
    else:
        raise UnimplementedError(f"Warm-up requests of the kind {kind} are not implemented.")


def _of_examples(
    version: ModelVersion, spec: Any, message: Any, method_name: str
) -> tuple[Queue, list[np.ndarray]]:
    queue = version.queue(spec.signature_name)
    inputs = examples.argument(queue.signature, method_name, examples.serialized(message))
    return queue, tensors.arguments(queue.signature, inputs)[0]


def _zeros(queue: Queue) -> list[np.ndarray]:
    """A row of zeros for each input; none if an extent is not known or an input is of strings."""
    infos = list(queue.signature.inputs.values())
    if any(i.dtype is dtypes.string or i.shape is None or None in i.shape[1:] for i in infos):
        return []
    shapes: list[Any] = [(1, *(info.shape or ())[1:]) for info in infos]
    return [np.zeros(shape, info.dtype.np) for shape, info in zip(shapes, infos)]


def _run_sizes(queue: Queue, inputs: Sequence[np.ndarray], end: float) -> None:
    is_first = True
    for size in queue.parameters.sizes:
        if time.monotonic() > end:
            _LOG.info(
                "%s: batches of %d and more rows were not warmed up", queue.signature.name, size
            )
            return
        rows = [np.broadcast_to(array[:1], (size, *array.shape[1:])) for array in inputs]
        try:
            if is_first or not _prepared(queue, rows):
                queue.signature.run([np.array(array) for array in rows])
            is_first = False
        except Exception as error:  # it may not take zeros
            _LOG.info("%s: not warmed up (%s)", queue.signature.name, error)
            return


def _prepared(queue: Queue, rows: Sequence[np.ndarray]) -> bool:
    prepare = queue.signature.prepare
    return prepare is not None and prepare(rows)
