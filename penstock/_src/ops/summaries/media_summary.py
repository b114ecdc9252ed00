"""Summaries of images and sounds, and of tensors without a tag."""

import io
import time
import wave

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import TensorValue
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.image.formats.png import png_file
from penstock._src.ops.rules import show
from penstock._src.ops.summaries.summary import _text, summary_event
from penstock._src.proto.event import Event, Summary

RED = (255, 0, 0, 255)


def as_bytes(image, bad_color):
    """An image as bytes: floats are scaled so that the largest is 255, or centered on 128 if there are negatives."""
    if image.dtype == np.uint8:
        return image
    x = image.astype(np.float32)
    good = np.isfinite(x).all(-1)
    low, high = (x[good].min(), x[good].max()) if good.any() else (0.0, 0.0)
    if low < 0:
        most = max(-low, high)
        scaled = x * (127 / most if most else 0) + 128
    else:
        scaled = x * (255 / high if high else 0)
    pixels = np.clip(np.where(np.isfinite(scaled), scaled, 0), 0, 255).astype(np.uint8)
    pixels[~good] = np.asarray(bad_color, np.uint8).ravel()[: image.shape[-1]]
    return pixels


def image_summary(op, tag, tensor, bad_color):
    """The Summary of a batch of images."""
    if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
        raise op.invalid(f"Tensor must be 4-D with last dim 1, 3, or 4, not {show(tensor.shape)}")
    summary = Summary()
    for number, image in enumerate(tensor[: op.max_images]):
        name = f"{tag}/image" if op.max_images == 1 else f"{tag}/image/{number}"
        entry = summary.value.add(tag=name).image
        entry.height, entry.width, entry.colorspace = image.shape
        entry.encoded_image_string = png_file(as_bytes(image, bad_color), -1)
    return summary


def audio_summary(op, tag, tensor, sample_rate):
    """The Summary of a batch of sounds, as 16-bit WAV files."""
    if tensor.ndim not in (2, 3):
        raise op.invalid(f"Tensor must be 3-D or 2-D, got: {show(tensor.shape)}")
    if not sample_rate > 0:
        raise op.invalid("sample_rate must be > 0")
    summary = Summary()
    for number, sound in enumerate(tensor[: op.max_outputs]):
        name = f"{tag}/audio" if op.max_outputs == 1 else f"{tag}/audio/{number}"
        frames = sound.reshape(len(sound), -1)
        entry = summary.value.add(tag=name).audio
        entry.sample_rate, entry.num_channels = float(sample_rate), frames.shape[1]
        entry.length_frames, entry.content_type = len(frames), "audio/wav"
        entry.encoded_audio_string = wav(frames, int(sample_rate))
    return summary


def wav(frames, sample_rate):
    """The bytes of a WAV file."""
    samples = np.clip(np.rint(frames * 32767), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate or 1)
        file.writeframes(samples.tobytes())
    written = buffer.getvalue()
    return written if sample_rate else written[:24] + bytes(8) + written[32:]


class _Summary(Op):
    differentiable = False

    def shape(self, *_inputs):
        return TensorShape([])


class ImageSummary(_Summary):
    """A serialized Summary of images."""

    signature = "tag: string, tensor: T -> summary: string"
    minimum = {"max_images": 1}
    max_images: int = 3
    T: {dtypes.float16, dtypes.float32, dtypes.float64, dtypes.uint8} = dtypes.float32
    bad_color: TensorValue = np.array(RED, np.uint8)

    def eager(self, tag, tensor):
        return image_summary(self, _text(tag), tensor, self.bad_color).SerializeToString()


class AudioSummaryV2(_Summary):
    """A serialized Summary of sounds."""

    signature = "tag: string, tensor: float32, sample_rate: float32 -> summary: string"
    minimum = {"max_outputs": 1}
    max_outputs: int = 3

    def eager(self, tag, tensor, sample_rate):
        return audio_summary(self, _text(tag), tensor, sample_rate).SerializeToString()


class AudioSummary(_Summary):
    """A serialized Summary of sounds."""

    signature = "tag: string, tensor: float32 -> summary: string"
    minimum = {"max_outputs": 1}
    sample_rate: float
    max_outputs: int = 3

    def eager(self, tag, tensor):
        return audio_summary(self, _text(tag), tensor, self.sample_rate).SerializeToString()


class TensorSummary(_Summary):
    """A serialized Summary of a tensor."""

    signature = "tensor: T -> summary: string"
    description: str = ""
    labels: list[str] = []
    display_name: str = ""

    def eager(self, tensor):
        return summary_event(0, "", tensor, self.T, b"").summary.SerializeToString()


def write(writer, step, summary):
    """Writes a Summary as an event."""
    writer.opened().write(Event(wall_time=time.time(), step=int(step), summary=summary))
    return ()


class WriteImageSummary(Op):
    """Writes images under a tag, in the format of TensorFlow 1."""

    signature = "writer: resource, step: int64, tag: string, tensor: T, bad_color: uint8 ->"
    minimum = {"max_images": 1}
    max_images: int = 3
    T: {dtypes.float16, dtypes.float32, dtypes.float64, dtypes.uint8} = dtypes.float32

    def eager(self, writer, step, tag, tensor, bad_color):
        return write(writer, step, image_summary(self, _text(tag), tensor, bad_color))


class WriteAudioSummary(Op):
    """Writes sounds under a tag, in the format of TensorFlow 1."""

    signature = """writer: resource, step: int64, tag: string, tensor: float32, sample_rate: float32
        ->"""
    minimum = {"max_outputs": 1}
    max_outputs: int = 3

    def eager(self, writer, step, tag, tensor, sample_rate):
        return write(writer, step, audio_summary(self, _text(tag), tensor, sample_rate))
