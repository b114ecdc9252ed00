"""`tensorflow.python.ops.summary_ops_v2`: summaries that are written where they are computed, in their older forms."""

from __future__ import annotations

import contextlib
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.observe import writer as writers
from penstock._src.observe.summaries import write
from penstock._src.observe.writer import CURRENT as _summary_state
from penstock._src.observe.writer import record_if, summary_scope, when_recording
from penstock._src.proto.config import RunMetadata
from penstock._src.proto.event import SummaryMetadata
from penstock._src.v1.variables.global_step import get_or_create_global_step

__all__ = ["_summary_state"]


def has_default_writer() -> bool:
    """True if there is a default writer."""
    return _summary_state.writer is not None


def always_record_summaries() -> contextlib.AbstractContextManager[None]:
    """A context in which all summaries are written."""
    return record_if(True)


def never_record_summaries() -> contextlib.AbstractContextManager[None]:
    """A context in which no summaries are written."""
    return record_if(False)


def create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: str | None = None,
) -> writers.SummaryWriter:
    """Returns a writer of an event file; those of one folder in one session share it.

    Args:
      logdir: the folder; None for a writer that writes nothing.
      max_queue: how many summaries to hold before they go to the file.
      flush_millis: the longest time between flushes.
      filename_suffix: of the file.
      name: by which writers are shared, by default that of the folder.
    """
    if logdir is None:
        return writers.create_noop_writer()
    name = f"logdir:{logdir}" if name is None else name
    return writers.create_file_writer(logdir, max_queue, flush_millis, filename_suffix, name)


create_summary_file_writer = create_file_writer


def _legacy(function: Any, name: str, family: str | None, step: Any, **values: Any) -> Any:
    """Writes a summary by a raw op that takes a tag."""
    label = f"{family}/{name}" if family else name
    step = get_or_create_global_step() if step is None and _summary_state.step is None else step
    with summary_scope(label) as (tag, scope):
        tag = f"{family}/{tag}" if family else tag
        return when_recording(
            lambda writer, number: function(
                writer=writer, step=number, tag=tag, name=scope or None, **values
            ),
            step,
        )


def generic(
    name: str, tensor: Any, metadata: Any = None, family: str | None = None, step: Any = None
) -> Any:
    """Writes a tensor, with a SummaryMetadata."""
    serialized = b"" if metadata is None else metadata.SerializeToString()
    value = convert_to_tensor(tensor)
    return _legacy(raw.WriteSummary, name, family, step, tensor=value, summary_metadata=serialized)


def scalar(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Writes a number."""
    value = convert_to_tensor(tensor)
    return _legacy(raw.WriteScalarSummary, name, family, step, value=value)


def histogram(name: str, tensor: Any, family: str | None = None, step: Any = None) -> Any:
    """Writes the histogram of a tensor."""
    return _legacy(raw.WriteHistogramSummary, name, family, step, values=convert_to_tensor(tensor))


def image(
    name: str,
    tensor: Any,
    bad_color: Any = None,
    max_images: int = 3,
    family: str | None = None,
    step: Any = None,
) -> Any:
    """Writes images; `bad_color` is that of pixels that are not numbers, by default red."""
    color = (
        convert_to_tensor([255, 0, 0, 255], dtype=dtypes.uint8) if bad_color is None else bad_color
    )
    return _legacy(
        raw.WriteImageSummary,
        name,
        family,
        step,
        tensor=convert_to_tensor(tensor),
        bad_color=color,
        max_images=max_images,
    )


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int,
    family: str | None = None,
    step: Any = None,
) -> Any:
    """Writes sounds."""
    return _legacy(
        raw.WriteAudioSummary,
        name,
        family,
        step,
        tensor=convert_to_tensor(tensor),
        sample_rate=convert_to_tensor(sample_rate, dtype=dtypes.float32),
        max_outputs=max_outputs,
    )


def run_metadata(name: str, data: Any, step: Any = None) -> Any:
    """Writes a RunMetadata: graphs, and a timeline of operations."""
    return _run("graph_run_metadata", name, data, step)


def run_metadata_graphs(name: str, data: Any, step: Any = None) -> Any:
    """Writes the graphs of a RunMetadata."""
    graphs = RunMetadata(
        function_graphs=data.function_graphs, partition_graphs=data.partition_graphs
    )
    return _run("graph_run_metadata_graph", name, graphs, step)


def _run(plugin: str, name: str, data: Any, step: Any) -> Any:
    metadata = SummaryMetadata()
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = b"1"
    with summary_scope(name, f"{plugin}_summary") as (tag, _):
        content = convert_to_tensor(data.SerializeToString(), dtype=dtypes.string)
        return write(tag, content, step, metadata)
