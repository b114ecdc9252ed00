"""Frames of signals, and transforms of frames: short-time Fourier, MDCT."""

import numpy as np

from penstock._src.api.array.indexing import get_static_int
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw

from .cepstral import dct, idct
from .fourier import irfft, rfft
from .windows import hann_window, vorbis_window


@dispatchable("signal.frame", scope="frame")
def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Returns overlapping pieces of a signal.

    Args:
      signal: a tensor of rank 1 or more.
      frame_length: an integer scalar: the length of each piece.
      frame_step: an integer scalar: how far the next piece starts.
      pad_end: if True, the end is padded, so that every sample is in a piece.
      pad_value: a scalar: what it is padded with.
      axis: the axis of the samples.
      name: a name for the operation.

    Returns:
      A tensor in which `axis` has become two: pieces, and samples.

    Raises:
      ValueError: an argument is not a scalar.

    >>> tf.signal.frame([1, 2, 3, 4, 5], frame_length=3, frame_step=2).numpy()
    array([[1, 2, 3],
           [3, 4, 5]], dtype=int32)
    """
    signal = convert_to_tensor(signal, name="signal")
    signal.shape.with_rank_at_least(1)
    size, step, axis = scalar(frame_length), scalar(frame_step), scalar(axis)
    rank, total, known = signal.shape.rank, None, None
    if rank is None or not isinstance(axis, int):
        axis = raw.FloorMod(x=axis, y=raw.Rank(input=signal))
    else:
        axis = range(rank)[axis]
        total = signal.shape[axis]
        known = _framed_shape(signal.shape, axis, size, step, pad_end)
    if total is None:
        total = raw.GatherV2(params=raw.Shape(input=signal), indices=axis, axis=0)
    if pad_end:
        count = -raw.FloorDiv(x=-total, y=step)
        missing = raw.Maximum(x=np.int32(0), y=size + step * (count - 1) - total)
        pad_value = convert_to_tensor(pad_value, signal.dtype, name="pad_value")
        pad_value.shape.assert_has_rank(0)
        signal = _padded_at(signal, axis, missing, pad_value)
    else:
        count = raw.Maximum(x=np.int32(0), y=1 + raw.FloorDiv(x=total - size, y=step))
    starts = raw.Range(start=0, limit=count, delta=1) * step
    places = raw.ExpandDims(input=starts, axis=1) + raw.Range(start=0, limit=size, delta=1)
    # The gradient of a reshape is dense, that of a gather along axis 0 IndexedSlices.
    if not isinstance(axis, int) or axis == 0:
        signal = raw.Reshape(tensor=signal, shape=raw.Shape(input=signal))
    framed = raw.GatherV2(params=signal, indices=places, axis=axis, name=name)
    if known is not None and STATE.graph is not None:
        framed.set_shape(known)
    return framed


def _framed_shape(shape, axis, size, step, pad_end):
    """The static shape of frames; tensor sizes are unknown."""
    total, count = shape[axis], None
    if isinstance(step, int) and total is not None:
        if pad_end:
            count = -(-total // step)
        elif isinstance(size, int):
            count = max(0, 1 + (total - size) // step)
    inner = [count, size if isinstance(size, int) else None]
    return shape[:axis].concatenate(inner).concatenate(shape[axis + 1 :])


def scalar(value):
    """A length or axis as a Python int if static, else as a scalar tensor."""
    if isinstance(value, int):
        return value
    tensor = convert_to_tensor(value, name="value")
    tensor.shape.assert_has_rank(0)
    known = get_static_int(tensor)
    return tensor if known is None else known


def _padded_at(x, axis, count, value):
    """`x` padded with `count` values at the end of an axis."""
    rank = raw.Rank(input=x)
    at = raw.FloorMod(x=axis, y=rank)
    after = raw.OneHot(indices=at, depth=rank, on_value=count, off_value=np.int32(0))
    paddings = raw.Pack(values=[raw.ZerosLike(x=after), after], axis=1)
    value = convert_to_tensor(value, dtype=x.dtype)
    return raw.PadV2(input=x, paddings=paddings, constant_values=value)


@dispatchable("signal.overlap_and_add", scope="overlap_and_add")
def overlap_and_add(signal, frame_step, name=None):
    """The signal reconstructed by adding frames `[..., frames, frame_length]` at offsets of `frame_step`.

    Args:
      signal: `[..., frames, frame_length]` of numbers.
      frame_step: the distance between the beginnings of frames, an integer scalar.
      name: of the operations.

    Returns:
      `[..., (frames - 1) * frame_step + frame_length]` of the same dtype.

    Raises:
      ValueError: `frame_step` is not an integer.
    """
    signal = convert_to_tensor(signal, name="signal")
    signal.shape.with_rank_at_least(2)
    frame_step = convert_to_tensor(frame_step, name="frame_step")
    if not frame_step.dtype.is_integer:
        raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype}")
    step = scalar(frame_step)
    shape = raw.Shape(input=signal)
    outer = shape[:-2]
    frames, size = (
        shape[i] if signal.shape.rank is None or signal.shape[i] is None else signal.shape[i]
        for i in (-2, -1)
    )
    # Frames that do not overlap.
    if isinstance(step, int) and isinstance(size, int) and size == step:
        lengths = raw.ConcatV2(values=[outer, raw.Reshape(tensor=frames * size, shape=[1])], axis=0)
        return raw.Reshape(tensor=signal, shape=lengths, name="fast_path")
    parts = -raw.FloorDiv(x=-size, y=step)
    # Part k of each frame must be shifted by k steps. Make the parts rows, pad with one extra frame of zeros, and reshape
    # to rows that are one frame shorter: each row is then shifted by one more step.
    blocks = _padded_at(signal, -1, parts * step - size, 0)
    blocks = _reshaped(blocks, outer, frames, parts, step)
    rank = raw.Rank(input=signal)
    swapped = raw.Range(start=0, limit=rank - 2, delta=1)
    order = raw.ConcatV2(values=[swapped, raw.Pack(values=[rank - 1, rank - 2, rank])], axis=0)
    blocks = _padded_at(raw.Transpose(x=blocks, perm=order), -2, parts, 0)
    rows = parts * (frames + parts)
    blocks = _reshaped(blocks, outer, rows, step)[..., : rows - parts, :]
    total = raw.Sum(input=_reshaped(blocks, outer, parts, frames + parts - 1, step), axis=[-3])
    result = _reshaped(total, outer, (frames + parts - 1) * step)[..., : (frames - 1) * step + size]
    if STATE.graph is not None:
        result.set_shape(_overlapped_shape(signal.shape, step))
    return raw.Identity(input=result, name=name)


def _reshaped(x, outer, *inner):
    """`x` with other dimensions after the outer ones."""
    return raw.Reshape(
        tensor=x, shape=raw.ConcatV2(values=[outer, raw.Pack(values=list(inner))], axis=0)
    )


def _overlapped_shape(shape, step):
    if shape.rank is None:
        return shape
    frames, size = shape[-2:].as_list()
    known = isinstance(step, int) and frames is not None and size is not None
    return shape[:-2].concatenate([(frames - 1) * step + size if known else None])


def _power_of_two(n):
    """The least power of two that is not less than `n`, an int or a tensor."""
    if isinstance(n, int):
        return 1 << max(0, (n - 1).bit_length())
    # Use comparisons: logarithms would be inexact.
    powers = np.int32(2) ** np.arange(31, dtype=np.int32)
    below = raw.Sum(input=raw.Cast(x=raw.Less(x=powers, y=n), DstT=n.dtype), axis=[0])
    return raw.GatherV2(params=powers, indices=below, axis=0)


@dispatchable("signal.stft", scope="stft")
def stft(
    signals,
    frame_length,
    frame_step,
    fft_length=None,
    window_fn=hann_window,
    pad_end=False,
    name=None,
):
    """Returns the short-time Fourier transform: the transforms of overlapping pieces.

    Args:
      signals: float32 or float64, `[..., samples]`.
      frame_length: an integer scalar: the samples of each piece.
      frame_step: an integer scalar: how far the next piece starts.
      fft_length: an integer scalar: the length of the transform; by default the least power of 2
        that holds a piece.
      window_fn: a function of the length and `dtype` that returns the window; None for no window.
      pad_end: if True, the end is padded with zeros.
      name: a name for the operation.

    Returns:
      A complex tensor `[..., pieces, fft_length / 2 + 1]`.

    Raises:
      ValueError: an argument is not a scalar.

    >>> tf.signal.stft(tf.ones([16]), frame_length=8, frame_step=4).shape
    TensorShape([3, 5])
    """
    signals = convert_to_tensor(signals, name="signals")
    signals.shape.with_rank_at_least(1)
    size = scalar(frame_length)
    length = _power_of_two(size) if fft_length is None else fft_length
    framed = frame(signals, frame_length, frame_step, pad_end=pad_end)
    if window_fn is not None:
        framed = framed * window_fn(size, dtype=framed.dtype)
    return rfft(framed, [length], name=name)


@dispatchable("signal.inverse_stft", scope="inverse_stft")
def inverse_stft(
    stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None
):
    """Returns the signal of a short-time Fourier transform.

    It is exact in the middle if the window is that of `tf.signal.inverse_stft_window_fn`.

    Args:
      stfts: complex64 or complex128, `[..., pieces, k]`.
      frame_length: an integer scalar: the samples of each piece.
      frame_step: an integer scalar: how far the next piece starts.
      fft_length: an integer scalar: the length of the transform; by default the least power of 2
        that holds a piece.
      window_fn: a function of the length and `dtype` that returns the window; None for no window.
      name: a name for the operation.

    Returns:
      A float tensor `[..., samples]`.

    Raises:
      ValueError: an argument is not a scalar.

    >>> signal = tf.sin(tf.range(16.0))
    >>> parts = tf.signal.stft(signal, 8, 4)
    >>> back = tf.signal.inverse_stft(parts, 8, 4, window_fn=tf.signal.inverse_stft_window_fn(4))
    >>> bool(np.allclose(back[4:12], signal[4:12], atol=1e-5))
    True
    """
    stfts = convert_to_tensor(stfts, name="stfts")
    stfts.shape.with_rank_at_least(2)
    size = scalar(frame_length)
    length = _power_of_two(size) if fft_length is None else scalar(fft_length)
    frames = irfft(stfts, [length])[..., :size]
    is_known = isinstance(size, int) and isinstance(length, int)
    missing = size - length if is_known else raw.Maximum(x=size - length, y=0)
    if not is_known or missing > 0:
        frames = _padded_at(frames, -1, missing, 0)
    if window_fn is not None:
        frames = frames * window_fn(size, dtype=stfts.dtype.real_dtype)
    return overlap_and_add(frames, frame_step, name=name)


@dispatchable("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """Returns the window for `tf.signal.inverse_stft` that undoes a window of `tf.signal.stft`.

    Args:
      frame_step: an integer scalar: how far the next piece starts.
      forward_window_fn: the `window_fn` of the forward transform.
      name: a name for the operation.

    Returns:
      A function of the length and `dtype` that returns the window.

    >>> tf.signal.inverse_stft_window_fn(2)(4, tf.float32).shape
    TensorShape([4])
    """

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
        return raw.DivNoNan(x=forward, y=spread[:size])

    return inverse_window


@dispatchable("signal.mdct", scope="mdct")
def mdct(signals, frame_length, window_fn=vorbis_window, pad_end=False, norm=None, name=None):
    """The modified discrete cosine transform of half-overlapping frames.

    Args:
      signals: `[..., samples]`.
      frame_length: a multiple of 4.
      window_fn: called with the length and the type; None for a constant one.
      pad_end: whether frames that run over the end are kept.
      norm: None or "ortho".
      name: a name for the operation.

    Returns:
      `[..., frames, frame_length / 2]` of the dtype of `signals`.

    Raises:
      ValueError: 4 does not divide `frame_length`.
    """
    signals = convert_to_tensor(signals, name="signals")
    signals.shape.with_rank_at_least(1)
    size = get_static_int(frame_length)
    if size is None:
        size = convert_to_tensor(frame_length)
    elif size % 4:
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


@dispatchable("signal.inverse_mdct", scope="inverse_mdct")
def inverse_mdct(mdcts, window_fn=vorbis_window, norm=None, name=None):
    """The signal of a modified discrete cosine transform.

    Args:
      mdcts: `[..., frames, frame_length / 2]`, what `tf.signal.mdct` returned.
      window_fn, norm: what it was called with.
      name: of the operations.

    Returns:
      `[..., samples]` of the same dtype; the first and last half frame are not reconstructed.

    Raises:
      ValueError: the length of frames is not known.
    """
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
