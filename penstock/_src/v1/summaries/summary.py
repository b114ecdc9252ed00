"""tf.compat.v1.summary: summary ops that return serialized messages, and the writer of event files."""

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.graph.graph import Graph
from penstock._src.ops.io.summary import EventWriter
from penstock._src.proto import event as messages
from penstock._src.proto.config import RunMetadata
from penstock._src.util import records
from penstock._src.util.export import export
from penstock._src.v1.variables.collections import GraphKeys


def _tag(name: str, family: str | None) -> str:
    scope = STATE.graph.get_name_scope() if STATE.graph is not None else ""
    parts = [family, scope, family and name or name] if family else [scope, name]
    return "/".join(part for part in parts if part)


def _collect(summary: Any, collections: Sequence[str] | None) -> Any:
    if STATE.graph is not None:
        for key in [GraphKeys.SUMMARIES] if collections is None else collections:
            STATE.graph.add_to_collection(key, summary)
    return summary


@export(v1=["summary.scalar"])
def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a serialized Summary with a number."""
    made = raw.ScalarSummary(tags=_tag(name, family), values=convert_to_tensor(tensor), name=name)
    return _collect(made, collections)


@export(v1=["summary.histogram"])
def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a serialized Summary with the histogram of values."""
    made = raw.HistogramSummary(tag=_tag(name, family), values=convert_to_tensor(values), name=name)
    return _collect(made, collections)


@export(v1=["summary.image"])
def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Any = None,
    family: str | None = None,
) -> Any:
    """Returns a serialized Summary with up to `max_outputs` images of a batch."""
    made = raw.ImageSummary(
        tag=_tag(name, family), tensor=convert_to_tensor(tensor), max_images=max_outputs, name=name
    )
    return _collect(made, collections)


@export(v1=["summary.audio"])
def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Any = None,
    family: str | None = None,
) -> Any:
    """Returns a serialized Summary with up to `max_outputs` audio clips of a batch."""
    made = raw.AudioSummaryV2(
        tag=_tag(name, family),
        tensor=convert_to_tensor(tensor),
        sample_rate=convert_to_tensor(sample_rate, dtype=dtypes.float32),
        max_outputs=max_outputs,
        name=name,
    )
    return _collect(made, collections)


@export(v1=["summary.text"])
def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """Returns a serialized Summary with strings.

    Raises:
      ValueError: `tensor` does not contain strings.
    """
    tensor = convert_to_tensor(tensor)
    if tensor.dtype is not dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    metadata = messages.SummaryMetadata()
    metadata.plugin_data.plugin_name = "text"
    metadata.plugin_data.content = messages.TextPluginData().SerializeToString()
    return tensor_summary(name, tensor, summary_metadata=metadata, collections=collections)


@export(v1=["summary.tensor_summary"])
def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: Any = None,
    collections: Any = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Any:
    """Returns a serialized Summary with a tensor."""
    metadata = messages.SummaryMetadata()
    if summary_metadata is not None:
        metadata.ParseFromString(summary_metadata.SerializeToString())
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = str(summary_description)
    made = raw.TensorSummaryV2(
        tag=_tag(name, family),
        tensor=convert_to_tensor(tensor),
        serialized_summary_metadata=metadata.SerializeToString(),
        name=name,
    )
    return _collect(made, collections)


@export(v1=["summary.merge"])
def merge(inputs: Sequence[Any], collections: Any = None, name: str | None = None) -> Any:
    """Merges serialized Summaries into one.

    Raises:
      RuntimeError: executing eagerly.
    """
    if STATE.graph is None:
        raise RuntimeError(
            "Merging tf.summary.* ops is not compatible with eager execution. Use "
            "tf.contrib.summary instead."
        )
    made = raw.MergeSummary(inputs=list(inputs), name=name)
    return made if collections is None else _collect(made, collections)


@export(v1=["summary.merge_all"])
def merge_all(
    key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Any:
    """Merges all summaries of the graph into one; returns None if there are none."""
    if STATE.graph is None:
        raise RuntimeError("Merging tf.summary.* ops is not compatible with eager execution.")
    found = STATE.graph.get_collection(key, scope)
    return merge(found, name=name) if found else None


@export(v1=["summary.get_summary_description"])
def get_summary_description(node_def: Any) -> Any:
    """Returns the description of a TensorSummary node.

    Raises:
      ValueError: it is another node.
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    from google.protobuf import json_format

    described = messages.SummaryDescription()
    json_format.Parse(node_def.attr["description"].s.decode(), described)
    return described


@export(v1=["summary.all_v2_summary_ops"])
def all_v2_summary_ops() -> list[Any]:
    """Returns the operations of the graph that write summaries of tf.summary."""
    if STATE.graph is None:
        return []
    return [op for op in STATE.graph.get_operations() if op.type == "WriteSummary"]


@export(v1=["summary.initialize"])
def initialize(graph: Any = None, session: Any = None) -> None:
    """Opens the files of the summary writers of a graph."""
    if STATE.graph is None:
        return
    opened = [op for op in STATE.graph.get_operations() if op.type == "CreateSummaryFileWriter"]
    session = session or STATE.graph._default_session()
    session.run(opened)


@export(v1=["summary.FileWriter"])
class FileWriter:
    """Writes Summary and Event messages to an event file.

    Args:
      logdir: the folder.
      graph: a graph to write immediately.
      max_queue: how many events to buffer.
      flush_secs: the longest time between flushes.
      graph_def: accepted; use `graph`.
      filename_suffix: of the file.
      session: accepted.
    """

    def __init__(
        self,
        logdir: Any,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        if STATE.graph is None and graph is None:
            raise RuntimeError(
                "tf.summary.FileWriter is not compatible with eager execution. Use `tf.summary.create_file_writer`, or a `with v1.Graph().as_default():` context"
            )
        self._logdir, self._options = os.fsdecode(logdir), (max_queue, int(flush_secs * 1000))
        self._suffix = filename_suffix or ""
        self._writer: EventWriter | None = self._open()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)

    def _open(self) -> EventWriter:
        return EventWriter(self._logdir, *self._options, self._suffix)

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, unused_type: Any, unused_value: Any, unused_traceback: Any) -> None:
        self.close()

    def get_logdir(self) -> str:
        """Returns the folder."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Writes an Event message; a closed writer only warns."""
        if self._writer is None:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is explicitly reopened."
            )
            return
        self._writer.write(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a Summary message, or a serialized one."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        data = summary if isinstance(summary, bytes) else summary.SerializeToString()
        event.summary.ParseFromString(data)
        self.add_event(event)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Writes a SessionLog message."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.session_log.ParseFromString(session_log.SerializeToString())
        self.add_event(event)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Writes a graph, which TensorBoard shows on its graphs page."""
        if graph_def is None:
            if not isinstance(graph, Graph):
                raise TypeError(
                    f"The passed graph must be an instance of `Graph`. Received {graph}"
                )
            graph_def = graph.as_graph_def(add_shapes=True)
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.graph_def = graph_def.SerializeToString()
        self.add_event(event)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Writes a MetaGraphDef message."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.meta_graph_def = meta_graph_def.SerializeToString()
        self.add_event(event)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Writes the RunMetadata of a run, under a tag."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.tagged_run_metadata.tag = tag
        data = RunMetadata.FromString(run_metadata.SerializeToString())
        event.tagged_run_metadata.run_metadata = data.SerializeToString()
        self.add_event(event)

    def flush(self) -> None:
        """Flushes all events to the file."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def reopen(self) -> None:
        """Opens a new file in the same folder, after `close`."""
        if self._writer is None:
            self._writer = self._open()


def _step(global_step: Any) -> int:
    return 0 if global_step is None else int(np.asarray(global_step))


@export(v1=["summary.FileWriterCache"])
class FileWriterCache:
    """One FileWriter per folder."""

    _writers: dict[str, FileWriter] = {}

    @staticmethod
    def get(logdir: str) -> FileWriter:
        """Returns the writer of a folder."""
        writers = FileWriterCache._writers
        if logdir not in writers:
            writers[logdir] = FileWriter(logdir, graph=STATE.graph)
        return writers[logdir]

    @staticmethod
    def clear() -> None:
        """Closes and removes all writers."""
        for writer in FileWriterCache._writers.values():
            writer.close()
        FileWriterCache._writers.clear()


@export(v1=["train.summary_iterator"])
def summary_iterator(path: Any) -> Iterator[Any]:
    """Yields the Event messages of an event file."""
    with open(os.fsdecode(path), "rb") as file:
        for record in records.read_records(file, os.fsdecode(path)):
            yield messages.Event.FromString(record)
