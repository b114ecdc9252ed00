"""Runs functions of models: a request is checked, queued and waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import numpy as np

from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import OnLoop, Request
from penstock._src.serving.inference import tensors


async def run_on_loop(
    queue: Queue, given: Mapping[str, np.ndarray], on_loop: OnLoop, timeout: float = 0.0
) -> dict[str, np.ndarray]:
    """Runs a function of a model for a task of an event loop; returns its outputs by name.

    Args:
      queue: of the function.
      given: arrays by the names of its inputs.
      on_loop: completes requests of the running event loop.
      timeout: seconds after which it is given up; 0 for never.

    Raises:
      InvalidArgumentError: the arrays do not fit the signature.
      UnavailableError: too many requests wait.
      OpError: what the function raises.
    """
    signature = queue.signature
    arrays, is_short = tensors.arguments(signature, given)
    rows = tensors.row_count(signature, arrays)
    deadline = time.monotonic() + timeout if timeout else 0.0
    request = Request(arrays, rows, on_loop, deadline)
    request.waiter = asyncio.get_running_loop().create_future()
    queue.put(request)
    outputs = dict(zip(signature.outputs, await on_loop.wait(request), strict=True))
    return tensors.without_last_axes(signature, outputs) if is_short else outputs
