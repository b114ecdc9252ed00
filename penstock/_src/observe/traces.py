"""tf.summary.trace_on, trace_export, trace_off: the graphs of the functions that ran."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.observe import profiler as recorder
from penstock._src.observe.summaries import write
from penstock._src.observe.writer import CURRENT
from penstock._src.proto.config import RunMetadata
from penstock._src.proto.event import SummaryMetadata
from penstock._src.util.export import export
from penstock._src.util.slots import above


class _Tracing:
    """The state of tracing."""

    kinds: tuple[bool, bool] | None = None
    outdir: str | None = None


_TRACING = _Tracing()


@export("summary.trace_on", v1=[])
def trace_on(
    graph: bool = True, profiler: bool = False, profiler_outdir: str | None = None
) -> None:
    """Starts collecting the graphs of functions that run and, with `profiler`, a profile.

    Args:
      graph: whether to collect graphs.
      profiler: whether to take a profile.
      profiler_outdir: the folder of the profile.

    >>> tf.summary.trace_on(graph=True)
    >>> with tf.summary.create_file_writer(folder).as_default():
    ...     tf.summary.trace_export("run", step=0)
    """
    if STATE.graph is not None:
        where = "Cannot enable trace inside a tf.function."
        above("warning")(
            where if STATE.graph.building_function else "Must enable trace in eager mode."
        )
        return
    if _TRACING.kinds is not None:
        above("warning")("Trace already enabled")
        return
    if profiler and profiler_outdir is None:
        above("warning")("No `profiler_outdir` passed to trace_on(). Profiler won't be enabled.")
        profiler = False
    _TRACING.kinds, _TRACING.outdir = (graph, profiler), profiler_outdir
    if graph:
        recorder.start_collecting_graphs()
    if profiler and profiler_outdir is not None:
        recorder.start(profiler_outdir)


@export("summary.trace_export", v1=[])
def trace_export(name: str, step: Any = None, profiler_outdir: str | None = None) -> None:
    """Writes what was recorded since `trace_on`, and stops.

    Args:
      name: the name of the summary.
      step: the number of the step; by default that of the writer's context.
      profiler_outdir: without effect: `trace_on` takes the folder.

    Raises:
      ValueError: nothing is being recorded, there is no step, or no folder for a profile.

    >>> tf.summary.trace_on(graph=True)
    >>> with tf.summary.create_file_writer(folder).as_default():
    ...     tf.summary.trace_export("run", step=0)
    """
    if STATE.graph is not None:
        where = "Cannot export trace inside a tf.function."
        outside = "Can only export trace while executing eagerly."
        above("warning")(where if STATE.graph.building_function else outside)
        return
    if _TRACING.kinds is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    graph, profile = _TRACING.kinds
    if graph:
        if CURRENT.writer is None:
            raise ValueError("Must have a default summary writer to export a trace.")
        run = RunMetadata()
        for collected in recorder.stop_collecting_graphs():
            definition = collected.as_graph_def(add_shapes=True)
            entry = run.function_graphs.add()
            entry.pre_optimization_graph.CopyFrom(definition)
            entry.post_optimization_graph.CopyFrom(definition)
            run.partition_graphs.add().CopyFrom(definition)
        metadata = SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_run_metadata_graph"
        metadata.plugin_data.content = b"1"
        write(name, convert_to_tensor(run.SerializeToString()), step, metadata)
    if profile:
        recorder.stop()
    _TRACING.kinds = None


@export("summary.trace_off", v1=[])
def trace_off() -> None:
    """Stops tracing and discards what was collected."""
    if _TRACING.kinds is None:
        return
    graph, profile = _TRACING.kinds
    _TRACING.kinds = None
    if graph:
        recorder.stop_collecting_graphs()
    if profile:
        recorder.stop(save=False)
