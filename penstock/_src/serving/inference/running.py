"""Runs functions of models: a request is checked, queued and waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

import numpy as np

from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import OnLoop, Request
from penstock._src.serving.inference import tensors
from penstock._src.serving.servables.servable import Signature
from penstock._src.serving.telemetry import traces
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits


class Runner:
    """Runs functions for tasks of one event loop.

    Args:
      limits: of each request.
      admission: of all.
      timeout: seconds after which a request is given up, unless its client asks for less; 0 for never.
    """

    def __init__(self, limits: Limits, admission: Admission, timeout: float) -> None:
        self.limits, self.admission, self.timeout = limits, admission, timeout
        self._on_loop: OnLoop | None = None

    async def run(
        self, queue: Queue, named_arrays: Mapping[str, np.ndarray], patience: float | None = None
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of a function of a model, by name.

        Args:
          queue: of the function.
          named_arrays: arrays by the names of its inputs.
          patience: seconds that the client waits; None if it does not say.

        Raises:
          InvalidArgumentError: the arrays do not fit the signature.
          ResourceExhaustedError: they are too large.
          UnavailableError: too many requests wait.
          OpError: what the function raises.
        """
        signature = queue.signature
        arrays, is_short = tensors.arguments(signature, named_arrays)
        rows = tensors.row_count(signature, arrays)
        if rows > self.limits.max_rows:
            raise ResourceExhaustedError(
                f"{signature.name}: a request may have at most {self.limits.max_rows:,} rows. Received {rows:,}."
            )
        with self.admission.request(self._size(signature, arrays)):
            request = Request(arrays, rows, self._completion(), self._deadline(patience))
            request.waiter = asyncio.get_running_loop().create_future()
            is_here = queue.put(request, may_run_here=True)
            try:
                if is_here:
                    await _run_here(queue)
                results = await self._completion().wait(request)
            finally:
                traces.add_phases(queue, request)
        outputs = dict(zip(signature.outputs, results, strict=True))
        return tensors.without_last_axes(signature, outputs) if is_short else outputs

    def _size(self, signature: Signature, arrays: Sequence[np.ndarray]) -> int:
        """The bytes of a request's arrays.

        Raises:
          ResourceExhaustedError: one is too large, or holds a string that is.
        """
        total = 0
        for name, array in zip(signature.inputs, arrays, strict=True):
            size = array.nbytes
            if array.dtype.kind == "O":
                size += _string_bytes(array, name, self.limits.max_string_bytes)
            if size > self.limits.max_tensor_bytes:
                raise ResourceExhaustedError(
                    f"The input '{name}' of shape {list(array.shape)} has {size:,} bytes. An input may have at most "
                    f"{self.limits.max_tensor_bytes:,}."
                )
            total += size
        return total

    def _deadline(self, patience: float | None) -> float:
        timeout = self.timeout
        if patience is not None and not (timeout and patience > timeout):
            timeout = max(patience, 1e-3)
        return time.monotonic() + timeout if timeout else 0.0

    def _completion(self) -> OnLoop:
        if self._on_loop is None:
            self._on_loop = OnLoop(asyncio.get_running_loop())
        return self._on_loop


async def _run_here(queue: Queue) -> None:
    """Compute a queue's next batch in this thread, once the other tasks that are ready have added their requests."""
    try:
        await asyncio.sleep(0)
    finally:  # others may have joined, so it runs even if this task is cancelled
        queue.run_here()


def _string_bytes(array: np.ndarray, name: str, limit: int) -> int:
    """The bytes of an array's strings."""
    lengths = [len(text) for text in array.ravel().tolist()]
    if lengths and max(lengths) > limit:
        raise ResourceExhaustedError(
            f"The input '{name}' holds a string of {max(lengths):,} bytes. A string may have at most {limit:,}."
        )
    return sum(lengths)
