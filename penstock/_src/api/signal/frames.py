"""Frames of signals, and the transforms of frames: short-time Fourier, MDCT."""

from __future__ import annotations

import numpy as np

from penstock._src.api.array.indexing import get_static_int
from penstock._src.api.dispatch import dispatchable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export

from .cepstral import dct, idct
from .fourier import irfft, rfft
from .windows import hann_window, vorbis_window


@export("signal.frame")
@dispatchable
def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Frames `[..., frames, frame_length, ...]` cut out of the axis every `frame_step` samples.

    Args:
      signal: `[..., samples, ...]`.
      frame_length: samples of a frame.
      frame_step: samples between the beginnings of frames.
      pad_end: whether frames that run over the end are kept, filled with `pad_value`.
      pad_value: a scalar.
      axis: the axis to cut.
      name: a name for the operation.
    """
    signal = convert_to_tensor(signal, name="signal")
    rank = signal.shape.rank
    if rank is None:
        raise ValueError("signal.frame: the rank of the signal must be known.")
    axis = axis % rank if isinstance(axis, int) else int(convert_to_tensor(axis).numpy()) % rank
    size, step = get_static_int(frame_length), get_static_int(frame_step)
    total = signal.shape[axis]
    if None in (size, step):
        raise ValueError("signal.frame: frame_length and frame_step must be known.")
    if total is None:
        return _frame_dynamic(signal, size, step, pad_end, pad_value, axis, name)
    count = -(-total // step) if pad_end else max(0, 1 + (total - size) // step)
    if pad_end:
        missing = max(0, size + step * (count - 1) - total)
        if missing:
            paddings = np.zeros((rank, 2), np.int32)
            paddings[axis, 1] = missing
            value = convert_to_tensor(pad_value, dtype=signal.dtype)
            signal = raw.PadV2(input=signal, paddings=paddings, constant_values=value)
    places = np.arange(count)[:, None] * step + np.arange(size)[None, :]
    return raw.GatherV2(params=signal, indices=places.astype(np.int32), axis=axis, name=name)


def _frame_dynamic(signal, size, step, pad_end, pad_value, axis, name):
    total = raw.Shape(input=signal)[axis]
    one, zero = np.int32(1), np.int32(0)
    if pad_end:
        count = -raw.FloorDiv(x=-total, y=np.int32(step))
        missing = raw.Maximum(x=zero, y=np.int32(size) + np.int32(step) * (count - one) - total)
        rank = signal.shape.rank
        rows = [raw.Pack(values=[zero, missing if i == axis else zero]) for i in range(rank)]
        value = convert_to_tensor(pad_value, dtype=signal.dtype)
        signal = raw.PadV2(input=signal, paddings=raw.Pack(values=rows), constant_values=value)
    else:
        count = raw.Maximum(
            x=zero, y=one + raw.FloorDiv(x=total - np.int32(size), y=np.int32(step))
        )
    starts = raw.Range(start=zero, limit=count, delta=one) * np.int32(step)
    places = raw.ExpandDims(input=starts, axis=1) + np.arange(size, dtype=np.int32)[None, :]
    return raw.GatherV2(params=signal, indices=places, axis=axis, name=name)


@export("signal.overlap_and_add")
@dispatchable
def overlap_and_add(signal, frame_step, name=None):
    """The signal whose frames `[..., frames, frame_length]` are added `frame_step` apart."""
    signal = convert_to_tensor(signal, name="signal")
    signal.shape.with_rank_at_least(2)
    step = get_static_int(frame_step)
    if step is None:
        raise ValueError(f"frame_step must be an integer. Got {frame_step}")
    size = signal.shape[-1]
    frames = signal.shape[-2]
    if size is None:
        raise ValueError("signal.overlap_and_add: the length of frames must be known.")
    rank = signal.shape.rank
    outer = raw.Shape(input=signal)[:-2]
    parts = -(-size // step)
    count = np.int32(frames) if frames is not None else raw.Shape(input=signal)[-2]
    paddings = np.zeros((rank, 2), np.int32)
    paddings[-1, 1] = parts * step - size
    # every part of a frame goes one step further than the part before it
    cut = raw.ConcatV2(
        values=[outer, raw.Pack(values=[count, np.int32(parts), np.int32(step)])], axis=0
    )
    blocks = raw.Reshape(tensor=raw.Pad(input=signal, paddings=paddings), shape=cut)
    turned = [*range(rank - 2), rank - 1, rank - 2, rank]
    blocks = raw.Transpose(x=blocks, perm=np.array(turned, np.int32))
    paddings = np.zeros((rank + 1, 2), np.int32)
    paddings[-2, 1] = parts
    blocks = raw.Pad(input=blocks, paddings=paddings)
    rows = np.int32(parts) * (count + np.int32(parts))
    flat = raw.ConcatV2(values=[outer, raw.Pack(values=[rows, np.int32(step)])], axis=0)
    blocks = raw.Reshape(tensor=blocks, shape=flat)[..., : rows - np.int32(parts), :]
    skewed = raw.ConcatV2(
        values=[
            outer,
            raw.Pack(values=[np.int32(parts), count + np.int32(parts - 1), np.int32(step)]),
        ],
        axis=0,
    )
    total = raw.Sum(input=raw.Reshape(tensor=blocks, shape=skewed), axis=[-3])
    length = (count + np.int32(parts - 1)) * np.int32(step)
    joined = raw.ConcatV2(values=[outer, raw.Reshape(tensor=length, shape=[1])], axis=0)
    result = raw.Reshape(tensor=total, shape=joined)
    wanted = (count - np.int32(1)) * np.int32(step) + np.int32(size)
    return result[..., :wanted]


def _power_of_two(n):
    return 1 << max(0, (n - 1).bit_length())


@export("signal.stft")
@dispatchable
def stft(
    signals,
    frame_length,
    frame_step,
    fft_length=None,
    window_fn=hann_window,
    pad_end=False,
    name=None,
):
    """The short-time Fourier transform `[..., frames, fft_length // 2 + 1]`.

    Args:
      signals: `[..., samples]`, real.
      frame_length: samples of a frame.
      frame_step: samples between the beginnings of frames.
      fft_length: by default the next power of two of `frame_length`.
      window_fn: called with the length and the type; None for no window.
      pad_end: whether frames that run over the end are kept.
      name: a name for the operation.
    """
    signals = convert_to_tensor(signals, name="signals")
    signals.shape.with_rank_at_least(1)
    size = get_static_int(frame_length)
    length = _power_of_two(size) if fft_length is None else fft_length
    framed = frame(signals, frame_length, frame_step, pad_end=pad_end)
    if window_fn is not None:
        framed = framed * window_fn(size, dtype=framed.dtype)
    return rfft(framed, [length], name=name)


@export("signal.inverse_stft")
@dispatchable
def inverse_stft(
    stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None
):
    """The signal of a short-time Fourier transform; see `inverse_stft_window_fn`."""
    stfts = convert_to_tensor(stfts, name="stfts")
    stfts.shape.with_rank_at_least(2)
    size = get_static_int(frame_length)
    length = _power_of_two(size) if fft_length is None else get_static_int(fft_length)
    frames = irfft(stfts, [length])
    if size > length:
        paddings = np.zeros((frames.shape.rank, 2), np.int32)
        paddings[-1, 1] = size - length
        frames = raw.Pad(input=frames, paddings=paddings)
    else:
        frames = frames[..., :size]
    if window_fn is not None:
        frames = frames * window_fn(size, dtype=stfts.dtype.real_dtype)
    return overlap_and_add(frames, frame_step, name=name)


@export("signal.inverse_stft_window_fn")
@dispatchable
def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """The window with which `inverse_stft` gives back exactly what `stft` was given."""

    def inverse_window(frame_length, dtype):
        size, step = get_static_int(frame_length), get_static_int(frame_step)
        forward = forward_window_fn(size, dtype=dtype)
        overlaps = -(-size // step)
        squares = raw.Square(x=forward)
        padded = raw.Pad(input=squares, paddings=np.array([[0, overlaps * step - size]], np.int32))
        rows = raw.Reshape(tensor=padded, shape=[overlaps, step])
        total = raw.Sum(input=rows, axis=[0], keep_dims=True)
        spread = raw.Reshape(
            tensor=raw.Tile(input=total, multiples=[overlaps, 1]), shape=[overlaps * step]
        )
        return forward / spread[:size]

    return inverse_window


@export("signal.mdct")
@dispatchable
def mdct(signals, frame_length, window_fn=vorbis_window, pad_end=False, norm=None, name=None):
    """The modified discrete cosine transform of half-overlapping frames.

    Args:
      signals: `[..., samples]`.
      frame_length: a multiple of 4.
      window_fn: called with the length and the type; None for a constant one.
      pad_end: whether frames that run over the end are kept.
      norm: None or "ortho".
      name: a name for the operation.
    """
    signals = convert_to_tensor(signals, name="signals")
    signals.shape.with_rank_at_least(1)
    size = get_static_int(frame_length)
    if size % 4:
        raise ValueError("The frame length must be a multiple of 4.")
    framed = frame(signals, size, size // 2, pad_end=pad_end)
    if window_fn is not None:
        framed = framed * window_fn(size, dtype=framed.dtype)
    else:
        framed = framed * np.asarray(1 / np.sqrt(2), framed.dtype.as_numpy_dtype)
    a, b, c, d = raw.Split(axis=-1, value=framed, num_split=4)
    flip = lambda x: raw.ReverseV2(tensor=x, axis=[-1])  # noqa: E731
    folded = raw.ConcatV2(values=[-flip(c) - d, a - flip(b)], axis=-1)
    return dct(folded, type=4, norm=norm, name=name)


@export("signal.inverse_mdct")
@dispatchable
def inverse_mdct(mdcts, window_fn=vorbis_window, norm=None, name=None):
    """The signal of a modified discrete cosine transform."""
    mdcts = convert_to_tensor(mdcts, name="mdcts")
    mdcts.shape.with_rank_at_least(2)
    half = mdcts.shape[-1]
    if half is None:
        raise ValueError("signal.inverse_mdct: the length of frames must be known.")
    result = idct(mdcts, type=4, norm=norm)
    if norm is None:
        result = result * np.asarray(0.5 / half, result.dtype.as_numpy_dtype)
    first, second = raw.Split(axis=-1, value=result, num_split=2)
    flip = lambda x: raw.ReverseV2(tensor=x, axis=[-1])  # noqa: E731
    frames = raw.ConcatV2(values=[second, -flip(second), -flip(first), -first], axis=-1)
    if window_fn is not None:
        frames = frames * window_fn(2 * half, dtype=mdcts.dtype)
    else:
        frames = frames * np.asarray(1 / np.sqrt(2), frames.dtype.as_numpy_dtype)
    return overlap_and_add(frames, half, name=name)
