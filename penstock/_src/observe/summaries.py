"""tf.summary: scalars, histograms, images, audio, text, graphs."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.graph import Graph
from penstock._src.observe.writer import CURRENT, recording, summary_scope, when_recording
from penstock._src.proto import event as messages
from penstock._src.proto.graph import GraphDef
from penstock._src.util.export import export

_BUCKETS = 30


def plugin_metadata(plugin: str, content: Any, description: str | None = None) -> bytes:
    """Return the serialized metadata by which TensorBoard chooses a summary's display, in TensorFlow's bytes."""
    metadata = messages.SummaryMetadata(summary_description=description or "")
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content.SerializeToString()
    return metadata.SerializeToString()


@export("summary.write", v1=[])
def write(
    tag: Any, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None
) -> Any:
    """Writes a tensor under a tag to the default writer.

    Args:
      tag: the tag of the summary.
      tensor: the value, or a callable that makes it.
      step: an integer; by default that of `tf.summary.experimental.set_step`.
      metadata: a SummaryMetadata message, or its bytes.
      name: of the op.

    Returns:
      A bool tensor: whether it was written.

    Raises:
      TypeError: `metadata` is something else.
    """
    if metadata is None:
        serialized = b""
    elif isinstance(metadata, (bytes, Tensor)):
        serialized = metadata
    elif hasattr(metadata, "SerializeToString"):
        serialized = metadata.SerializeToString()
    else:
        raise TypeError(f"Expected SummaryMetadata, or its bytes. Received {metadata!r}")

    def record(writer: Any, number: Any) -> Any:
        value = tensor() if callable(tensor) and not isinstance(tensor, Tensor) else tensor
        return raw.WriteSummary(
            writer=writer,
            step=number,
            tensor=convert_to_tensor(value),
            tag=tag,
            summary_metadata=serialized,
        )

    with scope_in_graph(name, "write_summary"):
        return when_recording(record, step)


@export("summary.scalar", v1=[])
def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Writes a number to the current writer.

    Args:
      name: the name, to which name scopes are put in front.
      data: a scalar.
      step: the number of the step; by default that of the writer's context.
      description: a text about it, in Markdown.

    Returns:
      A bool scalar: True if it was written; False without a writer.

    Raises:
      ValueError: there is a writer and no step.

    >>> with tf.summary.create_file_writer(folder).as_default():
    ...     tf.summary.scalar("loss", 0.5, step=1).numpy()
    np.True_
    """
    metadata = plugin_metadata("scalars", messages.ScalarPluginData(), description)
    with summary_scope(name, "scalar_summary") as (tag, _):

        def value() -> Any:
            tensor = convert_to_tensor(data)
            if tensor.shape.rank not in (0, None):
                raise ValueError(f"tf.summary.scalar: expected a scalar. Received {tensor.shape}")
            return raw.Cast(x=tensor, DstT=dtypes.float32)

        return write(tag, value, step, metadata)


@export("summary.histogram", v1=[])
def histogram(
    name: str,
    data: Any,
    step: Any = None,
    buckets: int | None = None,
    description: str | None = None,
) -> Any:
    """Writes a histogram of the elements of a tensor.

    Args:
      name: of the summary.
      data: real numbers, of any shape.
      step: an integer; by default that of `tf.summary.experimental.set_step`.
      buckets: the number of intervals, all of one width; by default 30.
      description: shown beside it, as Markdown.

    Returns:
      A bool tensor: whether it was written.
    """
    metadata = plugin_metadata("histograms", messages.HistogramPluginData(), description)
    count = _BUCKETS if buckets is None else buckets
    with summary_scope(name, "histogram_summary") as (tag, _):
        return write(tag, lambda: _histogram(convert_to_tensor(data), count), step, metadata)


def _histogram(data: Tensor, count: int) -> Tensor:
    if isinstance(data, EagerTensor):
        return convert_to_tensor(histogram_buckets(data._value, count))
    values = raw.Cast(x=raw.Reshape(tensor=data, shape=[-1]), DstT=dtypes.float64)
    size = raw.Size(input=values, out_type=dtypes.int32)
    low = raw.Min(input=values, axis=[0])
    high = raw.Max(input=values, axis=[0])
    single = raw.Equal(x=low, y=high)
    width = (high - low) / np.float64(count)
    safe = raw.SelectV2(condition=single, t=np.float64(1), e=width)
    buckets = raw.Cast(x=raw.Floor(x=(values - low) / safe), DstT=dtypes.int32)
    last = np.int32(count - 1)
    index = raw.SelectV2(condition=single, t=last, e=raw.Minimum(x=buckets, y=last))
    ones = raw.Fill(dims=raw.Reshape(tensor=size, shape=[1]), value=np.float64(1))
    counts = raw.UnsortedSegmentSum(data=ones, segment_ids=index, num_segments=count)
    steps = convert_to_tensor(np.arange(count + 1) / count)
    empty = raw.Equal(x=size, y=0)
    edges = low + (high - low) * steps
    table = raw.Pack(values=[edges[:-1], edges[1:], counts], axis=1)
    return raw.SelectV2(condition=empty, t=np.zeros((count, 3)), e=table)


def histogram_buckets(data: np.ndarray, count: int) -> np.ndarray:
    """The table of (left, right, number) of `count` intervals of equal width."""
    values = np.asarray(data, np.float64).ravel()
    table = np.zeros((count, 3))
    if not count or not values.size:
        return table
    low, high = values.min(), values.max()
    if low == high:
        table[:, :2] = low
        table[-1, 2] = values.size
        return table
    buckets = np.floor((values - low) / ((high - low) / count)).astype(np.int64)
    edges = np.linspace(low, high, count + 1)
    table[:, 0], table[:, 1] = edges[:-1], edges[1:]
    table[:, 2] = np.bincount(np.minimum(buckets, count - 1), minlength=count)
    return table


@export("summary.image", v1=[])
def image(
    name: str, data: Any, step: Any = None, max_outputs: int = 3, description: str | None = None
) -> Any:
    """Writes images to the current writer.

    Args:
      name: the name, to which name scopes are put in front.
      data: `[images, height, width, channels]` with 1 to 4 channels: uint8, or floats from 0 to
        1.
      step: the number of the step; by default that of the writer's context.
      max_outputs: how many images are written at most.
      description: a text about it, in Markdown.

    Returns:
      A bool scalar: True if it was written; False without a writer.

    Raises:
      ValueError: there is a writer and no step.

    >>> with tf.summary.create_file_writer(folder).as_default():
    ...     tf.summary.image("black", tf.zeros([1, 4, 4, 3]), step=1).numpy()
    np.True_
    """
    metadata = plugin_metadata("images", messages.ImagePluginData(), description)
    with summary_scope(name, "image_summary") as (tag, _):

        def value() -> Any:
            images = convert_to_tensor(data)
            if images.shape.rank not in (4, None):
                raise ValueError(
                    "tf.summary.image: expected images [k, height, width, channels]. Received "
                    f"shape {images.shape}"
                )
            images = _as_bytes(images[:max_outputs])
            shape = raw.Shape(input=images, out_type=dtypes.int32)
            sizes = raw.AsString(input=raw.Pack(values=[shape[2], shape[1]], axis=0))
            return raw.ConcatV2(values=[sizes, _encoded_images(images)], axis=0)

        return write(tag, value, step, metadata)


def _as_bytes(images: Tensor) -> Tensor:
    if images.dtype in (dtypes.uint8, dtypes.uint16):
        return images
    values = raw.Cast(x=images, DstT=dtypes.float32)
    if images.dtype.is_integer:
        values = values / np.float32(images.dtype.max)
    clipped = raw.ClipByValue(t=values, clip_value_min=np.float32(0), clip_value_max=np.float32(1))
    return raw.Cast(x=raw.Floor(x=clipped * np.float32(255.5)), DstT=dtypes.uint8)


def _encoded_images(images: Tensor) -> Tensor:
    known = images.shape[0]
    if known is None and isinstance(images, EagerTensor):
        known = int(images.shape[0])
    if known is not None:
        encoded = [raw.EncodePng(image=images[at]) for at in range(known)]
        return (
            raw.Pack(values=encoded, axis=0) if encoded else convert_to_tensor(np.zeros(0, object))
        )
    return raw.EncodePng(image=images)


@export("summary.audio", v1=[])
def audio(
    name: str,
    data: Any,
    sample_rate: Any,
    step: Any = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> Any:
    """Writes sounds.

    Args:
      name: of the summary.
      data: floats from -1 to 1, `[k, frames, channels]`.
      sample_rate: frames per second.
      step: an integer; by default that of `tf.summary.experimental.set_step`.
      max_outputs: how many of the `k` sounds are written.
      encoding: "wav" or None.
      description: shown beside it, as Markdown.

    Returns:
      A bool tensor: whether it was written.

    Raises:
      ValueError: another `encoding`.
    """
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")
    content = messages.AudioPluginData(encoding=messages.AudioPluginData.WAV)
    metadata = plugin_metadata("audio", content, description)
    with summary_scope(name, "audio_summary") as (tag, _):

        def value() -> Any:
            sounds = convert_to_tensor(data)[:max_outputs]
            rate = convert_to_tensor(sample_rate, dtype=dtypes.int32)
            wavs = [
                raw.EncodeWav(audio=sounds[at], sample_rate=rate)
                for at in range(int(sounds.shape[0]))
            ]
            labels = [b""] * len(wavs)
            return raw.Pack(
                values=[raw.Pack(values=wavs, axis=0), np.array(labels, object)], axis=1
            )

        return write(tag, value, step, metadata)


@export("summary.text", v1=[])
def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Writes strings, shown as Markdown.

    Args:
      name: of the summary.
      data: strings, of any shape; a matrix is shown as a table.
      step: an integer; by default that of `tf.summary.experimental.set_step`.
      description: shown beside it, as Markdown.

    Returns:
      A bool tensor: whether it was written.

    Raises:
      ValueError: `data` is of another dtype.
    """
    metadata = plugin_metadata("text", messages.TextPluginData(), description)
    with summary_scope(name, "text_summary") as (tag, _):
        tensor = convert_to_tensor(data)
        if tensor.dtype is not dtypes.string:
            raise ValueError(f"tf.summary.text: expected strings. Received {tensor.dtype!r}")
        return write(tag, tensor, step, metadata)


@export("summary.experimental.write_raw_pb", v1=[])
def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Writes serialized Summary messages to the default writer.

    Args:
      tensor: a string tensor.
      step: an integer; by default that of `tf.summary.experimental.set_step`.
      name: of the operation.

    Returns:
      A bool tensor: whether they were written.
    """

    def record(writer: Any, number: Any) -> Any:
        return raw.WriteRawProtoSummary(
            writer=writer, step=number, tensor=convert_to_tensor(tensor), name=name
        )

    return when_recording(record, step)


@export("summary.graph", v1=[])
def graph(graph_data: Any) -> Any:
    """Writes a `tf.Graph` or GraphDef, shown on the graphs page.

    Args:
      graph_data: a `tf.Graph` or GraphDef.

    Returns:
      A bool tensor: whether it was written.

    Raises:
      ValueError: it is neither, or called from inside a graph.
    """
    if STATE.graph is not None:
        raise ValueError("graph() cannot be invoked inside a graph context.")
    writer = CURRENT.writer
    if writer is None or writer._resource is None or not recording():
        return convert_to_tensor(False)
    if isinstance(graph_data, Graph):
        definition = graph_data.as_graph_def(add_shapes=True)
    elif isinstance(graph_data, GraphDef):
        definition = graph_data
    else:
        raise ValueError(
            "'graph_data' is not tf.Graph or tf.compat.v1.GraphDef. Received: graph_data="
            f"{graph_data} of type {type(graph_data).__name__}."
        )
    raw.WriteGraphSummary(
        writer=writer._resource, step=np.int64(0), tensor=definition.SerializeToString()
    )
    return convert_to_tensor(True)
