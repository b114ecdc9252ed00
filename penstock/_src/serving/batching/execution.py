"""Computes a batch: joins the inputs of its requests, runs the function, and splits the outputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.errors import InternalError
from penstock._src.serving.batching.padding import padded
from penstock._src.serving.batching.queue import CHECKS, Queue
from penstock._src.serving.batching.request import Request

_LOG = logging.getLogger("penstock.serving")


def compute(queue: Queue, requests: Sequence[Request]) -> None:
    """Sets the outputs or the error of each request.

    If a joined batch fails, its requests run again one by one: those that are not to blame get their outputs.
    """
    start = time.monotonic()
    queue.runs, queue.run_seconds = 0, 0.0
    for request in requests:
        request.times[1] = start
    if len(requests) == 1 or not _compute_joined(queue, requests):
        for request in requests:
            _compute_alone(queue, request)
    times = [time.monotonic(), queue.run_began, queue.run_seconds]
    for request in requests:
        request.times[2:] = times


def check(queue: Queue, requests: Sequence[Request]) -> None:
    """Computes joined requests separately as well; if the results differ, the queue stops joining, and the separate results are returned.

    Requests equal to the first are not computed again: 64 requests to a slow model would delay the others for long.
    """
    first, *others = requests
    alike = _are_equal(first, others[0])
    joined = [request.outputs for request in requests]
    _compute_alone(queue, first)
    for request in others:
        if first.error is None and _are_equal(first, request):
            request.outputs = first.outputs
        else:
            _compute_alone(queue, request)
    failed = any(request.error is not None for request in requests)
    alone = [request.outputs for request in requests]
    if failed or not all(agree(*pair) for r in zip(joined, alone, strict=True) for pair in zip(*r)):
        queue.joining.refuse()
        name = queue.signature.name
        _LOG.warning("%s: its rows depend on each other, so requests are not joined", name)
    else:  # equal requests show little: they count less
        queue.checks_left = max(0, queue.checks_left - (1 if alike else CHECKS // 2))


def _are_equal(one: Request, other: Request) -> bool:
    """True if two requests are equal bit by bit. Zeros of different signs differ, as some functions distinguish them."""
    return all(
        a.shape == b.shape and _bits(a) == _bits(b) for a, b in zip(one.inputs, other.inputs)
    )


def _bits(array: np.ndarray) -> Any:
    return array.tolist() if array.dtype == object else array.tobytes()


def agree(joined: np.ndarray, alone: np.ndarray) -> bool:
    """True if rows of a batch equal those computed alone up to rounding."""
    if joined.shape != alone.shape:
        return False
    if joined.dtype.kind not in "fcV":
        return bool(np.array_equal(joined, alone))
    a, b = (np.asarray(array, np.complex128) for array in (joined, alone))
    finite = np.abs(b[np.isfinite(b)])
    scale = float(finite.max()) if finite.size else 0.0
    # Far above rounding errors, far below the effect of one row on another.
    tolerance = 1e-3 if joined.dtype.itemsize > 2 else 3e-2
    return bool(np.allclose(a, b, tolerance, tolerance * scale, equal_nan=True))


def _compute_alone(queue: Queue, request: Request) -> None:
    try:
        is_padded = queue.parameters.pads_variable_lengths and queue.joins
        inputs = _joined(queue, [request]) if is_padded else request.inputs
        request.outputs = _run(queue, inputs, request.deadline)
    except Exception as error:  # it is the caller's
        request.error = error
    except BaseException as error:  # a model's Python code exits: this thread has other requests
        request.error = InternalError(f"{queue.signature.name}: {type(error).__name__}: {error}")


def _compute_joined(queue: Queue, requests: Sequence[Request]) -> bool:
    """Computes the requests together; False if that does not work."""
    limits = [request.deadline for request in requests]
    limit = max(limits) if all(limits) else 0.0
    rows = sum([request.rows for request in requests])
    try:
        outputs = _run(queue, _joined(queue, requests), limit)
    except BaseException as error:  # each request meets its own when it runs alone
        _LOG.debug("A batch of %d rows for %s failed: %s", rows, queue.signature.name, error)
        return False
    if any(array.shape[:1] != (rows,) for array in outputs):
        queue.joining.refuse()
        return False
    at = 0
    for request in requests:
        end = at + request.rows
        request.outputs = [array[at:end] for array in outputs]
        at = end
    if queue.checks_left:
        check(queue, requests)
    return True


def _joined(queue: Queue, requests: Sequence[Request]) -> list[np.ndarray]:
    columns = list(zip(*[request.inputs for request in requests], strict=True))
    if queue.parameters.pads_variable_lengths:
        infos = queue.signature.inputs.values()
        lengths = queue.parameters.bucket_lengths
        columns = [padded(c, i.shape, lengths) for c, i in zip(columns, infos, strict=True)]
    return [np.concatenate(arrays) for arrays in columns]


def _run(queue: Queue, inputs: Sequence[np.ndarray], limit: float) -> list[np.ndarray]:
    began = time.monotonic()
    if not queue.runs:
        queue.run_began = began
    try:
        if not limit:
            return queue.signature.run(inputs)
        with deadlines.deadline(max(1, int((limit - began) * 1000))):
            return queue.signature.run(inputs)
    finally:
        queue.runs += 1
        queue.run_seconds += time.monotonic() - began
