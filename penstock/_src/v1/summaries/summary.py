"""tf.compat.v1.summary: summary ops that return serialized messages, and the writer of event files."""

import contextlib
import logging
import os
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import name_scope, name_scope_v1
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import DataLossError
from penstock._src.core.registry import raw
from penstock._src.filesystems.damaged import message_of
from penstock._src.filesystems.files import make_folders, open_file
from penstock._src.graph.graph import Graph
from penstock._src.observe.writer import COLLECTION, CURRENT
from penstock._src.ops.summaries.summary import EventWriter, SummaryWriterHandle
from penstock._src.proto import event as messages
from penstock._src.proto.config import RunMetadata
from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export
from penstock._src.util.files import records
from penstock._src.v1.graphs.meta_graphs import create_meta_graph_def
from penstock._src.v1.summaries import plugin_assets
from penstock._src.v1.summaries.event_files import EventFileWriter, SharedEventFile
from penstock._src.v1.summaries.second import written
from penstock._src.v1.variables.collections import GraphKeys

logger = logging.getLogger("penstock")
PLUGINS = "plugins"  # the folder of what plugins keep


@contextlib.contextmanager
def summary_scope(
    name: str | None, family: str | None = None, default_name: str | None = None
) -> Iterator[tuple[str, str]]:
    """A context that gives the tag of a summary, and the scope that its operation is named for; the family stands before both.

    Args:
      name: of the summary.
      family: a group of summaries.
      default_name: takes the place of no name.
    """
    name, family = clean_tag(name), family and clean_tag(family)
    with name_scope((f"{family}/{name}" if family else name) or default_name) as scope:
        tag = (scope or name).rstrip("/")
        yield f"{family}/{tag}" if family else tag, scope


def clean_tag(name: str | None) -> str | None:
    """Returns the name as a part of tags: "_" for characters that these cannot have, and without "/" before it."""
    if name is None:
        return None
    cleaned = re.sub(r"[^-/\w\.]", "_", name).lstrip("/")
    if cleaned != name:
        logger.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


def _collect(summary: Any, collections: Sequence[str] | None) -> Any:
    if STATE.graph is not None:
        for key in [GraphKeys.SUMMARIES] if collections is None else collections:
            STATE.graph.add_to_collection(key, summary)
    return summary


@export(v1=["summary.scalar"])
def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a serialized Summary with a number; writes it to a default writer of TensorFlow 2."""

    eager_result = written("scalar", lambda: summary_scope(name, family), lambda: {"data": tensor})
    if eager_result is not None:
        return eager_result
    with summary_scope(name, family) as (tag, scope):
        summary = raw.ScalarSummary(tags=tag, values=tensor, name=scope)
    return _collect(summary, collections)


@export(v1=["summary.histogram"])
def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Any:
    """Returns a serialized Summary with the histogram of values; writes it to a default writer of TensorFlow 2."""

    eager_result = written(
        "histogram", lambda: summary_scope(name, family), lambda: {"data": values, "buckets": None}
    )
    if eager_result is not None:
        return eager_result
    with summary_scope(name, family) as (tag, scope):
        summary = raw.HistogramSummary(tag=tag, values=values, name=scope)
    return _collect(summary, collections)


@export(v1=["summary.image"])
def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Any = None,
    family: str | None = None,
) -> Any:
    """Returns a serialized Summary with up to `max_outputs` images of a batch; writes them to a default writer of TensorFlow 2."""

    eager_result = written(
        "image",
        lambda: summary_scope(name, family),
        lambda: {"data": tensor, "max_outputs": max_outputs},
    )
    if eager_result is not None:
        return eager_result
    with summary_scope(name, family) as (tag, scope):
        summary = raw.ImageSummary(tag=tag, tensor=tensor, max_images=max_outputs, name=scope)
    return _collect(summary, collections)


@export(v1=["summary.audio"])
def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Any = None,
    family: str | None = None,
) -> Any:
    """Returns a serialized Summary with up to `max_outputs` audio clips of a batch; writes them to a default writer of TensorFlow 2."""

    def arguments() -> dict[str, Any]:
        clips = convert_to_tensor(tensor)
        if clips.shape.rank == 2:
            clips = raw.ExpandDims(input=clips, axis=-1)
        rates = {"sample_rate": sample_rate, "encoding": None}
        return {"data": clips, "max_outputs": max_outputs, **rates}

    eager_result = written("audio", lambda: summary_scope(name, family), arguments)
    if eager_result is not None:
        return eager_result
    with summary_scope(name, family) as (tag, scope):
        summary = raw.AudioSummaryV2(
            tag=tag,
            tensor=tensor,
            sample_rate=convert_to_tensor(sample_rate, dtype=dtypes.float32),
            max_outputs=max_outputs,
            name=scope,
        )
    return _collect(summary, collections)


@export(v1=["summary.text"])
def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """Returns a serialized Summary with strings; writes it to a default writer of TensorFlow 2.

    Raises:
      ValueError: `tensor` does not contain strings.
    """
    tensor = convert_to_tensor(tensor)
    if tensor.dtype is not dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")

    eager_result = written("text", lambda: summary_scope(name, None), lambda: {"data": tensor})
    if eager_result is not None:
        return eager_result
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
    with summary_scope(name, family) as (tag, scope):
        summary = raw.TensorSummaryV2(
            tag=tag,
            tensor=tensor,
            serialized_summary_metadata=metadata.SerializeToString(),
            name=scope,
        )
    return _collect(summary, collections)


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
    with name_scope_v1(name, "Merge"):
        merged = raw.MergeSummary(inputs=list(inputs), name=name)
    return merged if collections is None else _collect(merged, collections)


@export(v1=["summary.merge_all"])
def merge_all(
    key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Any:
    """Merges all summaries of the graph into one; returns None if there are none."""
    if STATE.graph is None:
        raise RuntimeError("Merging tf.summary.* ops is not compatible with eager execution.")
    summaries = STATE.graph.get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None


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
    """Returns the operations that write summaries of tf.summary in the graph: a bool tensor for each."""
    return [] if STATE.graph is None else STATE.graph.get_collection(COLLECTION)


@export(v1=["summary.initialize"])
def initialize(graph: Any = None, session: Any = None) -> None:
    """Opens the files of the summary writers of the current graph, and writes `graph` with the writer that is the default."""
    if STATE.graph is None:
        return
    opened = [op for op in STATE.graph.get_operations() if op.type == "CreateSummaryFileWriter"]
    session = session or STATE.graph._default_session()
    session.run(opened)
    writer = CURRENT.writer
    if graph is not None and writer is not None:
        definition = graph.as_graph_def(add_shapes=True) if isinstance(graph, Graph) else graph
        content = convert_to_tensor(definition.SerializeToString())
        session.run(
            raw.WriteGraphSummary(writer=writer._resource, step=np.int64(0), tensor=content)
        )


@export(v1=["summary.FileWriter"])
class FileWriter:
    """Writes Summary and Event messages to an event file.

    Args:
      logdir: the folder.
      graph: a graph to write immediately.
      max_queue: how many events to buffer.
      flush_secs: the longest time between flushes.
      graph_def: a GraphDef to write, if there is no `graph`.
      filename_suffix: of the file.
      session: a session, whose writers for this folder share one file.
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
        self._logdir, self._options = os.fsdecode(logdir), (max_queue, flush_secs)
        self._suffix, self._session = filename_suffix or "", session
        self._described: set[str] = set()  # the tags whose metadata were written
        self._closed = False
        self.event_writer = self._open()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            self.add_meta_graph(create_meta_graph_def(graph_def=_definition(graph, graph_def)))

    def _open(self) -> Any:
        if self._session is None:
            return EventFileWriter(self._logdir, *self._options, self._suffix)
        name = f"logdir:{self._logdir}"
        shared = self._session._resources.get_or_create(
            SummaryWriterHandle, "", name, lambda: SummaryWriterHandle(name, "")
        )
        if shared.writer is None or shared.writer.closed:
            max_queue, flush_secs = self._options
            milliseconds = int(flush_secs * 1000)
            shared.writer = EventWriter(self._logdir, max_queue, milliseconds, self._suffix)
        return SharedEventFile(shared.writer)

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, unused_type: Any, unused_value: Any, unused_traceback: Any) -> None:
        self.close()

    def get_logdir(self) -> str:
        """Returns the folder."""
        return self._logdir

    def add_event(self, event: Any) -> None:
        """Writes an Event message; a closed writer only warns."""
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is explicitly reopened."
            )
            return
        self.event_writer.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a Summary message, or a serialized one."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        data = summary if isinstance(summary, bytes) else summary.SerializeToString()
        event.summary.ParseFromString(data)
        for value in event.summary.value:  # readers take the metadata of a tag's first summary
            if value.metadata.plugin_data.plugin_name:
                if value.tag in self._described:
                    value.ClearField("metadata")
                else:
                    self._described.add(value.tag)
        self.add_event(event)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Writes a SessionLog message."""
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.session_log.ParseFromString(session_log.SerializeToString())
        self.add_event(event)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Writes a graph, which TensorBoard shows on its graphs page."""
        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        definition = _definition(graph, graph_def)
        if isinstance(graph, Graph):
            self._write_assets(graph)
        event = messages.Event(wall_time=time.time(), step=_step(global_step))
        event.graph_def = definition.SerializeToString()
        self.add_event(event)

    def _write_assets(self, graph: Graph) -> None:
        """Writes the files that plugins of TensorBoard keep with a graph."""
        for asset in plugin_assets.get_all_plugin_assets(graph):
            folder = os.path.join(self._logdir, PLUGINS, asset.plugin_name)
            make_folders(folder)
            for name, content in asset.assets().items():
                data = content if isinstance(content, bytes) else content.encode()
                with open_file(os.path.join(folder, name), "wb") as file:
                    file.write(data)

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
        self.event_writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._closed = True
        self.event_writer.close()

    def reopen(self) -> None:
        """Opens a new file in the same folder, after `close`."""
        if self._closed:
            self.event_writer, self._closed = self._open(), False


def _definition(graph: Any, graph_def: Any) -> Any:
    """The GraphDef of a graph; either may be given by position, as the first argument."""
    source = graph if graph_def is None else graph_def
    if isinstance(source, Graph):
        return source.as_graph_def(add_shapes=True)  # type: ignore[attr-defined]
    if isinstance(source, GraphDef):
        return source
    raise TypeError(
        "The passed graph must be an instance of `Graph` or the deprecated `GraphDef`. Received "
        f"{source}"
    )


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


class _SummaryIterator(Iterator[Any]):
    """The events of a file; after its end, those that were written since."""

    def __init__(self, path: str) -> None:
        self._name, self._read = path, 0
        self._records: Iterator[bytes] = iter(())
        self._open()

    def _open(self) -> None:
        """Begins after the bytes that were read."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_file(self._name))
            file.seek(self._read)
            self._records = records.read_records(file, self._name)
            self._file = stack.pop_all()

    def __next__(self) -> Any:
        try:
            record = next(self._records, None)
            if record is None:  # the file may have grown
                self._file.close()
                self._open()
                record = next(self._records, None)
        except records.DamagedRecord as error:
            raise DataLossError(str(error)) from error
        if record is None:
            self._file.close()
            self._records = iter(())
            raise StopIteration
        self._read += records.OVERHEAD + len(record)
        return message_of(messages.Event, record, self._name)


@export(v1=["train.summary_iterator"])
def summary_iterator(path: Any) -> Iterator[Any]:
    """Returns an iterator over the Event messages of an event file, which goes on where more is written after its end.

    Raises:
      DataLossError: it is damaged.
    """
    return _SummaryIterator(os.fsdecode(path))
