"""tf.nondifferentiable_batch_function: runs calls from many threads as one batch."""

import functools
import threading
import time

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError, UnavailableError
from penstock._src.core.registry import raw
from penstock._src.util import nest
from penstock._src.util.export import export


class _Call:
    """One caller's arguments, and later its results."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.rows = int(tensors[0].shape[0])
        self.done = threading.Event()
        self.results = self.error = None


class _Batcher:
    """Collects calls until a batch is full or the timeout expires; the first caller's thread runs them."""

    def __init__(self, run, largest, seconds, sizes, waiting):
        self._run, self._largest, self._seconds = run, largest, seconds
        self._sizes, self._waiting = sizes, waiting
        self._calls = []
        self._changed = threading.Condition()

    def call(self, tensors):
        """The results for these arguments."""
        call = _Call(tensors)
        with self._changed:
            if len(self._calls) >= self._waiting * max(1, self._largest):
                raise UnavailableError(
                    None,
                    None,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            leads = not self._calls
            self._calls.append(call)
            self._changed.notify_all()
            calls = self._gather() if leads else None
        if calls is not None:
            self._serve(calls)
        call.done.wait()
        if call.error is not None:
            raise call.error
        return call.results

    def _gather(self):
        end = time.monotonic() + self._seconds
        while sum(c.rows for c in self._calls) < self._largest:
            left = end - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)
        calls, self._calls = self._calls, []
        return calls

    def _serve(self, calls):
        try:
            for group in self._groups(calls):
                self._run_group(group)
        except Exception as error:
            for call in calls:
                call.error = error
        finally:
            for call in calls:
                call.done.set()

    def _groups(self, calls):
        """Groups calls into lists of at most `largest` rows; a larger call is its own group."""
        group, rows = [], 0
        for call in calls:
            if group and rows + call.rows > self._largest:
                yield group
                group, rows = [], 0
            group.append(call)
            rows += call.rows
        yield group

    def _run_group(self, calls):
        rows = sum(c.rows for c in calls)
        inputs = [
            raw.ConcatV2(values=list(parts), axis=np.int32(0)) if len(calls) > 1 else parts[0]
            for parts in zip(*(c.tensors for c in calls))
        ]
        padded = next((n for n in self._sizes if n >= rows), rows)
        if padded > rows:
            inputs = [self._padded(x, padded - rows) for x in inputs]
        results = self._run(*inputs)
        begin = 0
        for call in calls:
            end = begin + call.rows
            call.results = nest.map_structure(lambda x, b=begin, e=end: x[b:e], results)
            begin = end

    @staticmethod
    def _padded(x, count):
        """`x` with its first row repeated at the end."""
        rows = raw.Tile(input=x[:1], multiples=[count] + [1] * (x.shape.rank - 1))
        return raw.ConcatV2(values=[x, rows], axis=np.int32(0))


@export("nondifferentiable_batch_function")
def nondifferentiable_batch_function(
    num_batch_threads,
    max_batch_size,
    batch_timeout_micros,
    allowed_batch_sizes=None,
    max_enqueued_batches=10,
    autograph=True,
    enable_large_batch_splitting=True,
):
    """Decorator: calls of the function from several threads run as one batch.

    Args:
      num_batch_threads: the maximum number of batches that run concurrently; a batch runs in a
        caller's thread.
      max_batch_size: the maximum number of rows in a batch.
      batch_timeout_micros: how long a call waits for others, in microseconds.
      allowed_batch_sizes: ascending sizes to which batches are padded; the last must be
        `max_batch_size`.
      max_enqueued_batches: the maximum number of waiting batches.
      autograph: no effect: the function runs eagerly, and may itself be a `tf.function`.
      enable_large_batch_splitting: whether a call with more rows than `max_batch_size` is split.

    Returns:
      A decorator. Rows are along the first axis of every argument and result.

    Raises:
      InvalidArgumentError: `allowed_batch_sizes` do not ascend, or do not end with
        `max_batch_size`.
    """
    del autograph
    sizes = list(allowed_batch_sizes or [])
    if sizes and (sizes != sorted(sizes) or sizes[-1] != max_batch_size):
        raise InvalidArgumentError(
            None,
            None,
            "allowed_batch_sizes entries must be monotonically increasing and end with "
            f"max_batch_size. Received {sizes}, max_batch_size {max_batch_size}.",
        )
    places = threading.BoundedSemaphore(max(1, num_batch_threads))

    def decorate(fn):
        def run(*tensors):
            with places:
                return fn(*tensors)

        batcher = _Batcher(
            run, max_batch_size, batch_timeout_micros / 1e6, sizes, max_enqueued_batches
        )

        @functools.wraps(fn)
        def call(*args):
            tensors = [convert_to_tensor(x) for x in args]
            if not tensors or any(not t.shape.rank for t in tensors):
                raise InvalidArgumentError(
                    None, None, "Batching input tensors must have at least one dimension."
                )
            if any(not hasattr(t, "numpy") for t in tensors):
                return fn(*tensors)
            count = _number_of_rows(tensors)
            if count <= max_batch_size:
                return batcher.call(tensors)
            if not enable_large_batch_splitting:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Task size {count} is larger than maximum input batch size {max_batch_size}",
                )
            pieces = [
                batcher.call([t[i : i + max_batch_size] for t in tensors])
                for i in range(0, count, max_batch_size)
            ]
            return nest.map_structure(
                lambda *parts: raw.ConcatV2(values=list(parts), axis=np.int32(0)), *pieces
            )

        return call

    return decorate


def _number_of_rows(tensors):
    """The first extent of all.

    Raises:
      InvalidArgumentError: they differ.
    """
    rows = {int(t.shape[0]) for t in tensors}
    if len(rows) > 1:
        raise InvalidArgumentError(
            None,
            None,
            "Batching input tensors supplied in a given op invocation must have equal "
            f"0th-dimension size. Received {sorted(rows)}.",
        )
    return rows.pop()
