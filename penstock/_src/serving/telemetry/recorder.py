"""Recorder that counts a server's events."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items

from penstock._src.core import errors
from penstock._src.core.errors import OpError
from penstock._src.saving.saved_model.constants import (
    CLASSIFY_METHOD_NAME,
    PREDICT_METHOD_NAME,
    REGRESS_METHOD_NAME,
)
from penstock._src.serving.batching.queue import Queue
from penstock._src.serving.batching.request import Request
from penstock._src.serving.generation.sequence import Sequence
from penstock._src.serving.telemetry import table
from penstock._src.serving.telemetry.store import Histogram, Store, Value

_MICROSECONDS = 1e6
# TensorFlow Serving's names of runtimes.
_RUNTIME = "TF1"
_API = {
    PREDICT_METHOD_NAME: "Predict",
    CLASSIFY_METHOD_NAME: "Classify",
    REGRESS_METHOD_NAME: "Regress",
}
# Replaces a signature for generation, and its phases: waiting for a slot, until the first token, for each further one.
_GENERATION = "generate"
_PHASES = ("queue", "prompt", "token")
# Replaces names of unknown models, so that clients cannot create metric series.
UNKNOWN = "(unknown)"


class Recorder:
    """Counts requests, batches and loads.

    Args:
      store: the numbers.
      is_model: whether a model of this name is served.
    """

    def __init__(self, store: Store, is_model: Callable[[str], bool]) -> None:
        self._store, self._is_model = store, is_model
        self._lock = threading.Lock()  # batches end in several threads
        self._runs = _Runs(store)

    def request(
        self, model: str, api: str, entrypoint: str, began: float, error: BaseException | None
    ) -> None:
        """Notes that a request has ended. Only the event loop's thread calls this.

        Args:
          model: that was asked for.
          api: "Predict", "Classify", "Regress" or "MultiInference".
          entrypoint: "REST" or "GRPC".
          began: on Python's `time.perf_counter`.
          error: why there was no result.
        """
        if not self._is_model(model):
            model = UNKNOWN
        seconds = time.perf_counter() - began
        store = self._store
        store.value(table.REQUEST_COUNT, model, _code(error)).add()
        store.histogram(table.REQUEST_LATENCY, model, api, entrypoint).add(seconds * _MICROSECONDS)

    def batch(self, queue: Queue, requests: Items[Request], runs: int, seconds: float) -> None:
        """Records a computed batch: the number of function runs, and their seconds."""
        with self._lock:
            if queue.numbers is None:
                queue.numbers = _OfQueue(self._store, queue)
            queue.numbers.add(requests, seconds)
            if runs:
                self._runs.add(runs, seconds, requests)

    def sequence(self, model: str, sequence: Sequence) -> None:
        """Notes that a sequence of generated tokens has ended."""
        store, (queued, begun, first, ended) = self._store, sequence.times
        count = len(sequence.tokens)
        with self._lock:
            store.value(table.GENERATED_SEQUENCES, model, _end_of(sequence)).add()
            store.value(table.GENERATED_TOKENS, model).add(count)
            phases = [store.histogram(table.PHASE_SECONDS, model, _GENERATION, p) for p in _PHASES]
            if begun:
                phases[0].add(begun - queued)
            if first:
                phases[1].add(first - begun)
            if count > 1:
                phases[2].add((ended - first) / (count - 1), count - 1)

    def loaded(self, path: str, seconds: float, error: Exception | None) -> None:
        """Notes that a version was loaded, or did not load."""
        status = "success" if error is None else "fail"
        with self._lock:
            self._store.value(table.LOAD_ATTEMPT_COUNT, path, status).add()
            self._store.value(table.LOAD_LATENCY, path).add(seconds * _MICROSECONDS)

    def warmed_up(self, path: str, seconds: float, error: Exception | None) -> None:
        """Notes that a version was warmed up, or failed to."""
        with self._lock:
            histogram = self._store.histogram(table.WARMUP_LATENCY, path, _code(error))
            histogram.add(seconds * _MICROSECONDS)


@contextlib.contextmanager
def timed(note: Callable[[float, Exception | None], None]) -> Iterator[None]:
    """Notes the seconds that the block took, and the error that it raised."""
    began = time.perf_counter()
    try:
        yield
    except Exception as error:
        note(time.perf_counter() - began, error)
        raise
    note(time.perf_counter() - began, None)


def _end_of(sequence: Sequence) -> str:
    """Return the reason why a sequence ended."""
    if sequence.error is not None:
        return _code(sequence.error)
    return sequence.finish_reason or "cancelled"


def _code(error: BaseException | None) -> str:
    if error is None:
        return "OK"
    if isinstance(error, OpError):
        return errors.CODE_NAMES[error.error_code]
    if isinstance(error, Exception):
        return "RESOURCE_EXHAUSTED" if isinstance(error, MemoryError) else "INTERNAL"
    return "CANCELLED"


class _OfQueue:
    """The numbers of one function's batches."""

    def __init__(self, store: Store, queue: Queue) -> None:
        model, name = queue.model, queue.signature.name
        api = _API.get(queue.signature.method_name, "Predict")
        self._runtime = store.histogram(table.RUNTIME_LATENCY, model, api, _RUNTIME)
        self._waits, self._joins, self._computes = [
            store.histogram(table.PHASE_SECONDS, model, name, phase)
            for phase in ("queue", "batch", "compute")
        ]
        self._requests = store.histogram(table.BATCH_REQUESTS, model, name)
        self._rows = store.histogram(table.PROCESSED_BATCH_SIZE, model, name)
        self._rows_of_requests = store.histogram(table.INPUT_BATCH_SIZE, model, name)
        self._delays = store.histogram(table.BATCH_DELAY, model, name)
        self._takes_examples = api != "Predict"
        if self._takes_examples:
            self._examples = store.histogram(table.EXAMPLE_COUNTS, model)
            self._all_examples = store.value(table.EXAMPLE_COUNT_TOTAL, model)

    def add(self, requests: Items[Request], seconds: float) -> None:
        """Record a batch and the seconds that its function ran."""
        count = len(requests)
        taken, done = requests[0].times[1:3]
        self._computes.add(seconds, count)
        self._joins.add(max(0.0, done - taken - seconds), count)
        self._runtime.add(seconds * _MICROSECONDS, count)
        self._requests.add(count)
        rows = 0
        for request in requests:
            wait = taken - request.times[0]
            self._waits.add(wait)
            self._delays.add(wait * _MICROSECONDS)
            self._rows_of_requests.add(request.rows)
            rows += request.rows
            if self._takes_examples:
                self._examples.add(request.rows)
        self._rows.add(rows)
        if self._takes_examples:
            self._all_examples.add(rows)


class _Runs:
    """TensorFlow's counters of graph runs."""

    def __init__(self, store: Store) -> None:
        self._count: Value = store.value(table.GRAPH_RUNS)
        self._time: Value = store.value(table.GRAPH_RUN_TIME)
        self._times: Histogram = store.histogram(table.GRAPH_RUN_TIME_HISTOGRAM)
        self._given: Histogram = store.histogram(table.GRAPH_RUN_INPUT_BYTES)
        self._made: Histogram = store.histogram(table.GRAPH_RUN_OUTPUT_BYTES)

    def add(self, runs: int, seconds: float, requests: Items[Request]) -> None:
        """Notes the runs for a batch."""
        self._time.add(seconds * _MICROSECONDS)
        self._times.add(seconds / runs * _MICROSECONDS, runs)
        input_bytes = sum([a.nbytes for request in requests for a in request.inputs])
        output_bytes = sum([a.nbytes for request in requests for a in request.outputs])
        self._given.add(input_bytes / runs, runs)
        self._made.add(output_bytes / runs, runs)
        self._count.add(runs)
