"""Fourier transforms, windows, mel filters."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads


def _complex(x: Any) -> Any:
    """[..., 1] or [..., 2] as complex numbers [...]."""
    dtype = dtypes.complex128 if x.dtype is dtypes.float64 else dtypes.complex64
    x = t.wide(x)
    last = t.rank(x) - 1
    real = raw.Squeeze(t.slice_along(x, last, 0, 1), axis=[last])
    if x.shape.as_list()[-1] == 1:
        return t.cast(real, dtype)
    # A sum: an extent that the model does not declare may be 1, and the sum of no elements is 0.
    imaginary = t.reduced("Sum", t.slice_along(x, last, 1, 2), [last])
    return raw.Complex(real, imaginary, Tout=dtype)


def _pairs(x: Any, dtype: Any) -> Any:
    """Complex numbers [...] as [..., 2]."""
    kind = dtypes.float64 if x.dtype is dtypes.complex128 else dtypes.float32
    parts = [raw.Real(x, Tout=kind), raw.Imag(x, Tout=kind)]
    return t.cast(raw.Pack(parts, axis=t.rank(x)), dtype)


@reads("DFT", settings=(1, 2))
def _dft(n: Node, x: Any, length: Any = None, axis: Any = None) -> Any:
    dimensions = t.rank(x)
    if n.version < 20:
        where = n.attr("axis", 1)
    else:
        where = -2 if axis is None else int(t.required(axis, "axis").reshape(-1)[0])
    where = t.axis_of(where, dimensions)
    inverse, onesided = n.flag("inverse"), n.flag("onesided")
    order = [a for a in range(dimensions - 1) if a != where] + [where]
    values = t.transpose(_complex(x), order)
    back = np.argsort(order).tolist()
    count = None if length is None else raw.Reshape(t.cast(length, dtypes.int64), t.int64([]))
    if inverse and onesided:  # half of a spectrum, whose signal is real
        count = (
            raw.Mul(raw.Sub(t.extent(values, dimensions - 2), t.int64(1)), t.int64(2))
            if (count is None)
            else count
        )
        kind = dtypes.float64 if values.dtype is dtypes.complex128 else dtypes.float32
        size = raw.Reshape(t.cast(count, dtypes.int32), t.int64([1]))
        signal = t.transpose(raw.IRFFT(values, size, Treal=kind), back)
        return t.cast(t.expand_dims(signal, [dimensions - 1]), x.dtype)
    if count is not None:
        values = _fitted(values, count)
    spectrum = (raw.IFFT if inverse else raw.FFT)(values)
    if onesided:
        size = t.extents(spectrum)[-1]
        half = size // 2 + 1 if isinstance(size, int) else None
        if half is None:
            whole = t.extent(spectrum, dimensions - 2)
            rows = t.numbers(raw.AddV2(raw.FloorDiv(whole, t.int64(2)), t.int64(1)))
            spectrum = t.batched_gather(spectrum, rows, dimensions - 2)
        else:
            spectrum = t.slice_along(spectrum, dimensions - 2, 0, half)
    return _pairs(t.transpose(spectrum, back), x.dtype)


def _fitted(x: Any, count: Any) -> Any:
    """x with `count` entries in the last dimension: cut, or filled with zeros."""
    last = t.rank(x) - 1
    size = t.extent(x, last)
    lacking = raw.Maximum(raw.Sub(count, size), t.int64(0))
    known = t.known(lacking)
    if known is None or int(known):
        amounts = raw.ScatterNd(
            t.int64([[last, 1]]), t.expand_dims(lacking, [0]), t.int64([last + 1, 2])
        )
        x = raw.PadV2(x, amounts, t.like(0, x))
    sizes = [*t.extents(x)[:-1], count]
    return raw.Slice(x, t.int64([0] * (last + 1)), t.vector(sizes))


@reads("STFT", settings=(1, 3))
def _stft(n: Node, signal: Any, step: Any, window: Any = None, length: Any = None) -> Any:
    step = raw.Reshape(t.cast(step, dtypes.int64), t.int64([]))
    if length is not None:
        size = raw.Reshape(t.cast(length, dtypes.int64), t.int64([]))
    elif window is not None:
        size = t.extent(window, 0)
    else:
        size = t.extent(signal, 1)
    total = t.extent(signal, 1)
    frames = raw.AddV2(raw.FloorDiv(raw.Sub(total, size), step), t.int64(1))
    starts = raw.Mul(t.numbers(frames), step)
    rows = raw.AddV2(t.expand_dims(starts, [1]), t.expand_dims(t.numbers(size), [0]))
    if t.rank(signal) == 2:
        signal = t.expand_dims(signal, [2])
    framed = t.batched_gather(signal, rows, 1)  # [batch, frames, size, 1 or 2]
    if window is not None:
        framed = raw.Mul(framed, t.aligned(window, 4, 2))
    spectrum = raw.FFT(_complex(framed))
    if n.flag("onesided", 1):
        half = t.numbers(raw.AddV2(raw.FloorDiv(size, t.int64(2)), t.int64(1)))
        spectrum = t.batched_gather(spectrum, half, 2)
    return _pairs(spectrum, signal.dtype)


def _window(n: Node, size: Any, factors: list[float]) -> Any:
    """A sum of cosines over a window."""
    dtype = element_type(n.attr("output_datatype", 1)).dtype
    size = raw.Reshape(t.cast(size, dtypes.int64), t.int64([]))
    last = size if n.flag("periodic", 1) else raw.Sub(size, t.int64(1))
    angle = raw.RealDiv(
        raw.Mul(t.cast(t.numbers(size), dtypes.float64), t.constant(2 * np.pi, dtypes.float64)),
        t.cast(last, dtypes.float64),
    )
    total = None
    for k, factor in enumerate(factors):
        term = raw.Mul(t.like(factor, angle), raw.Cos(raw.Mul(angle, t.like(k, angle))))
        total = term if total is None else raw.AddV2(total, term)
    return t.cast(total, dtype)


@reads("HannWindow", settings=(0,))
def _hann_window(n: Node, size: Any) -> Any:
    return _window(n, size, [0.5, -0.5])


@reads("HammingWindow", settings=(0,))
def _hamming_window(n: Node, size: Any) -> Any:
    return _window(n, size, [25 / 46, -21 / 46])


@reads("BlackmanWindow", settings=(0,))
def _blackman_window(n: Node, size: Any) -> Any:
    return _window(n, size, [0.42, -0.5, 0.08])


@reads("MelWeightMatrix")
def _mel_weight_matrix(n: Node, bins: Any, length: Any, rate: Any, low: Any, high: Any) -> Any:
    """Triangles of the mel scale: rows of the spectrum, columns of bins.

    Corners lie at whole rows of the spectrum, as the standard's formula has it.
    """
    bins, length, rate = (
        t.cast(raw.Reshape(v, t.int64([])), dtypes.int64) for v in (bins, length, rate)
    )
    low, high = (t.cast(raw.Reshape(v, t.int64([])), dtypes.float64) for v in (low, high))
    two, one = t.int64(2), t.int64(1)

    def number(value: float) -> Any:
        return t.constant(value, dtypes.float64)

    def mel(hertz: Any) -> Any:
        inner = raw.Log(raw.AddV2(number(1), raw.RealDiv(hertz, number(700))))
        return raw.Mul(number(2595 / np.log(10)), inner)

    rows = raw.AddV2(raw.FloorDiv(length, two), one)
    first, last = mel(low), mel(high)
    step = raw.RealDiv(raw.Sub(last, first), t.cast(raw.AddV2(bins, two), dtypes.float64))
    corners = t.cast(t.numbers(raw.AddV2(bins, two)), dtypes.float64)
    corners = raw.AddV2(raw.Mul(corners, step), first)
    hertz = raw.Mul(
        number(700),
        raw.Sub(raw.Exp(raw.Mul(corners, number(np.log(10) / 2595))), number(1)),
    )
    places = raw.RealDiv(
        raw.Mul(t.cast(raw.AddV2(length, one), dtypes.float64), hertz), t.cast(rate, dtypes.float64)
    )
    places = raw.Floor(places)
    lower, center, upper = (
        raw.Slice(places, t.int64([k]), raw.Reshape(bins, t.int64([1]))) for k in range(3)
    )
    grid = t.expand_dims(t.cast(t.numbers(rows), dtypes.float64), [1])
    rise, fall = raw.Sub(center, lower), raw.Sub(upper, center)
    rising = raw.DivNoNan(raw.Sub(grid, lower), rise)
    falling = raw.DivNoNan(raw.Sub(upper, grid), fall)
    before = raw.LogicalAnd(raw.GreaterEqual(grid, lower), raw.Less(grid, center))
    after = raw.LogicalAnd(raw.GreaterEqual(grid, center), raw.Less(grid, upper))
    y = raw.SelectV2(before, rising, raw.SelectV2(after, falling, number(0)))
    # A triangle without a left or right half still has its peak.
    y = raw.SelectV2(raw.Equal(grid, center), number(1), y)
    return t.cast(y, element_type(n.attr("output_datatype", 1)).dtype)
