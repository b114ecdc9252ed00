"""The metrics: TensorFlow Serving's, by its names and labels, and our own."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A metric, which has a series of numbers for each combination of its labels' values.

    Args:
      name: in Prometheus's text.
      kind: a counter only grows; a gauge is a current value; a histogram counts values by size.
      labels: names of labels.
      help: its description.
      bounds: of a histogram, increasing: a value is counted by the first that is not less.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    bounds: tuple[float, ...] = ()


def exponential(first: float, factor: float, count: int) -> tuple[float, ...]:
    """Return bounds, each a multiple of the previous one."""
    return tuple(float(f"{first * factor**i:.12g}") for i in range(count))


# TensorFlow Serving's, in microseconds.
_LATENCIES = exponential(10, 1.8, 33)
_SIZES = exponential(1, 2, 15)
_BYTES = exponential(1, 4, 14)
_MODEL = ("model_name",)
_OF_BATCH = ("model_name", "op_name")

REQUEST_COUNT = Metric(
    ":tensorflow:serving:request_count",
    "counter",
    ("model_name", "status"),
    "The requests that ended, by TensorFlow's code.",
)
REQUEST_LATENCY = Metric(
    ":tensorflow:serving:request_latency",
    "histogram",
    ("model_name", "API", "entrypoint"),
    "Microseconds from a request to its reply.",
    _LATENCIES,
)
RUNTIME_LATENCY = Metric(
    ":tensorflow:serving:runtime_latency",
    "histogram",
    ("model_name", "API", "runtime"),
    "Microseconds for which a request's batch was computed.",
    _LATENCIES,
)
EXAMPLE_COUNTS = Metric(
    ":tensorflow:serving:request_example_counts",
    "histogram",
    ("model",),
    "The tf.Examples of a request.",
    _SIZES,
)
EXAMPLE_COUNT_TOTAL = Metric(
    ":tensorflow:serving:request_example_count_total",
    "counter",
    ("model",),
    "The tf.Examples of all requests.",
)
WARMUP_LATENCY = Metric(
    ":tensorflow:serving:model_warmup_latency",
    "histogram",
    ("model_path", "status"),
    "Microseconds for which a version was run before it answered.",
    _LATENCIES,
)
INPUT_BATCH_SIZE = Metric(
    ":tensorflow:serving:batching:input_batch_size",
    "histogram",
    _OF_BATCH,
    "The rows of a request.",
    _SIZES,
)
PROCESSED_BATCH_SIZE = Metric(
    ":tensorflow:serving:batching:processed_batch_size",
    "histogram",
    _OF_BATCH,
    "The rows of a batch.",
    _SIZES,
)
BATCH_DELAY = Metric(
    ":tensorflow:serving:batching:batch_delay_us",
    "histogram",
    _OF_BATCH,
    "Microseconds for which a request waited for its batch.",
    exponential(1, 2, 27),
)
MAX_BATCH_SIZE = Metric(
    ":tensorflow:serving:batching:max_batch_size", "gauge", _OF_BATCH, "The most rows of a batch."
)
BATCH_TIMEOUT = Metric(
    ":tensorflow:serving:batching:batch_timeout_micros",
    "gauge",
    _OF_BATCH,
    "Microseconds for which a request waits for others although nothing runs.",
)
MAX_ENQUEUED_BATCHES = Metric(
    ":tensorflow:serving:batching:max_enqueued_batches",
    "gauge",
    _OF_BATCH,
    "The full batches that may wait.",
)
LOAD_ATTEMPT_COUNT = Metric(
    ":tensorflow:cc:saved_model:load_attempt_count",
    "counter",
    ("model_path", "status"),
    "The versions that were loaded (success) or did not load (fail).",
)
LOAD_LATENCY = Metric(
    ":tensorflow:cc:saved_model:load_latency",
    "counter",
    ("model_path",),
    "Microseconds for which a version was loaded.",
)
GRAPH_RUNS = Metric(
    ":tensorflow:core:graph_runs", "counter", (), "The runs of models' functions, one a batch."
)
GRAPH_RUN_TIME = Metric(
    ":tensorflow:core:graph_run_time_usecs",
    "counter",
    (),
    "Microseconds for which models' functions ran.",
)
GRAPH_RUN_TIME_HISTOGRAM = Metric(
    ":tensorflow:core:graph_run_time_usecs_histogram",
    "histogram",
    (),
    "Microseconds for which a function of a model ran.",
    exponential(1000, 2, 20),
)
GRAPH_RUN_INPUT_BYTES = Metric(
    ":tensorflow:core:graph_run_input_tensor_bytes",
    "histogram",
    (),
    "The bytes of what a function of a model was given.",
    _BYTES,
)
GRAPH_RUN_OUTPUT_BYTES = Metric(
    ":tensorflow:core:graph_run_output_tensor_bytes",
    "histogram",
    (),
    "The bytes of what a function of a model gave.",
    _BYTES,
)

# Our own, in seconds as Prometheus has it.
PHASE_SECONDS = Metric(
    "penstock_serving_phase_seconds",
    "histogram",
    (*_MODEL, "signature", "phase"),
    "Seconds of a request in the queue (queue), of joining inputs and splitting outputs (batch), and of its batch's function (compute); of a generated sequence until "
    "it has a slot (queue), then until its first token (prompt), and for each further one (token).",
    (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1, 2, 5)
    + (10,),
)
BATCH_REQUESTS = Metric(
    "penstock_serving_batch_requests",
    "histogram",
    (*_MODEL, "signature"),
    "The requests that were joined to a batch.",
    (1, 2, 4, 8, 16, 32, 64, 128, 256),
)
REQUESTS = Metric(
    "penstock_serving_requests", "gauge", (), "Requests that are computed or wait for it."
)
HELD_BYTES = Metric(
    "penstock_serving_held_bytes", "gauge", (), "Bytes of the bodies and arrays of requests."
)
QUEUED_REQUESTS = Metric(
    "penstock_serving_queued_requests",
    "gauge",
    (*_MODEL, "version", "signature"),
    "Requests that wait for a batch.",
)
GENERATING = Metric(
    "penstock_serving_generating_sequences",
    "gauge",
    (*_MODEL, "version", "state"),
    "Sequences that are generated (running) or wait for a slot (waiting).",
)
GENERATED_SEQUENCES = Metric(
    "penstock_serving_generated_sequences_total",
    "counter",
    (*_MODEL, "end"),
    "Sequences that have ended: by a stop token (stop), by their length (length), as their client left (cancelled), or by an error's code.",
)
GENERATED_TOKENS = Metric(
    "penstock_serving_generated_tokens_total", "counter", _MODEL, "Tokens that were generated."
)
VERSIONS = Metric(
    "penstock_serving_model_versions",
    "gauge",
    (*_MODEL, "version", "state"),
    "In how many processes a version is in a state.",
)
ARENA_BYTES = Metric(
    "penstock_arena_bytes",
    "gauge",
    (),
    "Bytes of the address space for temporaries of programs; what was never written takes no memory.",
)
KERNELS = Metric(
    "penstock_kernels_total",
    "counter",
    ("origin",),
    "Kernels that programs asked for: compiled, from_packs (of models), from_disk (the kernel cache), or reused (loaded already).",
)
COMPILE_SECONDS = Metric(
    "penstock_kernel_compile_seconds_total", "counter", (), "Seconds of compiling kernels."
)
PROCESSES = Metric("penstock_serving_processes", "gauge", (), "Processes of the server.")
CPU_SECONDS = Metric(
    "process_cpu_seconds_total", "counter", (), "Seconds of the processor, user and system."
)
RESIDENT_BYTES = Metric("process_resident_memory_bytes", "gauge", (), "Bytes of resident memory.")
OPEN_FILES = Metric("process_open_fds", "gauge", (), "Open file descriptors.")

METRICS = {
    metric.name: metric for metric in tuple(globals().values()) if isinstance(metric, Metric)
}
