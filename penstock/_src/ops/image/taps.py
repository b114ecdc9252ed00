"""Resampling along an axis: which inputs each output sums, and their weights.

An output reads its few taps and no other input, so that a NaN or an infinity stays where it is read. The gradient of a
resampling is the transposed table: for each input, the outputs that read it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

AXES = 1, 2  # in the order in which TensorFlow resamples images [n, height, width, channels]
LEAST_TOTAL = np.float32(1000) * np.finfo(np.float32).tiny  # of weights that are normalized
UNROLLED = 16  # taps of an output that are summed one by one; the longest sums are loops

Array = np.ndarray
Kernel = Callable[[Array], Array]


class Taps(NamedTuple):
    """The inputs that each output along an axis sums: arrays [outputs, taps].

    Fields:
      index: the input; -1 where an output has fewer taps than others.
      weight: what the input is multiplied by; 0 where there is none.
    """

    index: Array
    weight: Array

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self.index)

    def transposed(self, inputs: int) -> "Taps":
        """For each of the inputs, the outputs that read it."""
        rows, places = np.nonzero(self.index >= 0)
        return _table(inputs, self.index[rows, places], rows, self.weight[rows, places])


def _table(outputs: int, to: Array, source: Array, weight: Array) -> Taps:
    """The table of taps given one by one, those of each output in their order."""
    order = np.argsort(to, kind="stable")
    to, source, weight = to[order], source[order], weight[order]
    counts = np.bincount(to, minlength=outputs)
    place = np.arange(len(to)) - (np.cumsum(counts) - counts)[to]
    most = int(counts.max(initial=0))
    table = Taps(np.full((outputs, most), -1), np.zeros((outputs, most), np.float32))
    table.index[to, place], table.weight[to, place] = source, weight
    return table


def scale_of(inputs: int, outputs: int, align_corners: bool) -> np.float32:
    """Return the number of inputs per output."""
    if align_corners and outputs > 1:
        return np.float32((inputs - 1) / np.float32(outputs - 1))
    return np.float32(inputs / np.float32(outputs))


def positions(op: Any, inputs: int, outputs: int) -> Array:
    """The position of each output in input coordinates."""
    scale = scale_of(inputs, outputs, op.align_corners)
    at = np.arange(outputs, dtype=np.float32)
    if op.half_pixel_centers:
        return (at + np.float32(0.5)) * scale - np.float32(0.5)
    return at * scale


def nearest_indices(op: Any, inputs: int, outputs: int) -> Array:
    """The input that each output copies."""
    scale = scale_of(inputs, outputs, op.align_corners)
    at = np.arange(outputs, dtype=np.float32)
    at = (at + np.float32(0.5)) * scale if op.half_pixel_centers else at * scale
    # C's roundf: halves away from zero
    index = np.floor(at + np.float32(0.5)) if op.align_corners else np.floor(at)
    return np.clip(index.astype(np.int64), 0, inputs - 1)


def nearest_taps(op: Any, inputs: int, outputs: int) -> Taps:
    """The copied input of each output."""
    index = nearest_indices(op, inputs, outputs)[:, None]
    return Taps(index, np.ones(index.shape, np.float32))


def bilinear_parts(op: Any, inputs: int, outputs: int) -> tuple[Array, Array, Array]:
    """For each output its two neighboring inputs, and the interpolation weight."""
    at = positions(op, inputs, outputs)
    floor = np.floor(at)
    lower = np.maximum(floor, 0).astype(np.int64)
    upper = np.minimum(np.ceil(at), inputs - 1).astype(np.int64)
    return lower, upper, (at - floor).astype(np.float32)


def bilinear_taps(op: Any, inputs: int, outputs: int) -> Taps:
    """The two neighbors of each output."""
    lower, upper, part = bilinear_parts(op, inputs, outputs)
    return Taps(np.stack([lower, upper], -1), np.stack([1 - part, part], -1))


def bicubic_kernel(op: Any) -> tuple[Array, Array]:
    """The kernel (Keys 1981) tabulated in 1024 steps, for distances from 0 to 1 and from 1 to 2."""
    a = -0.5 if op.half_pixel_centers else -0.75
    x = np.arange(1025) / 1024.0
    near = (((a + 2) * x - (a + 3)) * x * x + 1).astype(np.float32)
    x = x + 1
    far = (((a * x - 5 * a) * x + 8 * a) * x - 4 * a).astype(np.float32)
    return near, far


def bicubic_taps(op: Any, inputs: int, outputs: int) -> Taps:
    """The four neighbors of each output."""
    near, far = bicubic_kernel(op)
    at = positions(op, inputs, outputs)
    floor = np.floor(at)
    # The kernel is a table of 1024 steps, as in TensorFlow: a position between two steps takes the nearer one.
    step = np.rint((at - floor) * 1024).astype(np.int64)
    weight = np.stack([far[step], near[step], near[1024 - step], far[1024 - step]], -1)
    index = floor.astype(np.int64)[:, None] + np.arange(-1, 3)
    bounded = np.clip(index, 0, inputs - 1)
    if op.half_pixel_centers:
        # Here taps outside the image count as 0 and the others are normalized; without half-pixel centers they repeat
        # the edge.
        weight = _normalized(np.where(index == bounded, weight, np.float32(0)))
    return Taps(bounded, weight)


def _normalized(weight: Array) -> Array:
    """Weights [outputs, taps] of each output that sum up to 1, as TensorFlow computes them: rounded one after the other."""
    total = np.add.accumulate(weight, -1)[:, -1:]
    is_large = np.abs(total) >= LEAST_TOTAL
    return weight * (np.float32(1) / np.where(is_large, total, np.float32(1)))


def area_taps(op: Any, inputs: int, outputs: int) -> Taps:
    """The inputs that each output covers, by the covered part."""
    scale = scale_of(inputs, outputs, op.align_corners)
    if scale == 0:  # aligned corners of one input
        return Taps(np.zeros((outputs, 1), np.int64), np.ones((outputs, 1), np.float32))
    row = np.arange(outputs, dtype=np.float32)[:, None]
    begin, end = row * scale, (row + 1) * scale
    # The end is not covered any more, unless it lies within a pixel.
    index = _windows(np.floor(begin), np.ceil(end) - 1)
    covered = np.minimum(index + 1, end) - np.maximum(index, begin)
    weight = np.where(index < 0, 0, covered / scale)
    return Taps(np.minimum(index, inputs - 1), weight.astype(np.float32))


def _windows(first: Array, last: Array) -> Array:
    """The numbers from the first to the last in each row; -1 after them."""
    first, last = first.astype(np.int64), last.astype(np.int64)
    index = first + np.arange(int((last - first).max(initial=-1)) + 1)
    return np.where(index <= last, index, -1)


# -- kernels ------------------------------------------------------------------------------------------------------------


def _lanczos(radius: float) -> tuple[float, Kernel]:
    def kernel(x: Array) -> Array:
        with np.errstate(all="ignore"):
            t = np.pi * x
            value = radius * np.sin(t) * np.sin(t / radius) / (t * t)
        return np.where(x > radius, 0.0, np.where(x <= 1e-3, 1.0, value))

    return radius, kernel


def _keys(x: Array) -> Array:
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


def _mitchell(x: Array) -> Array:
    far = (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    near = (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0
    return np.where(x >= 2, 0.0, np.where(x >= 1, far, near))


KERNELS: dict[str, tuple[float, Kernel]] = {
    "lanczos1": _lanczos(1.0),
    "lanczos3": _lanczos(3.0),
    "lanczos5": _lanczos(5.0),
    "gaussian": (1.5, lambda x: np.where(x >= 1.5, 0.0, np.exp(-(x * x) / (2 * 0.5 * 0.5)))),
    "box": (1.0, lambda x: np.where(x < 0.5, 1.0, np.where(x == 0.5, 0.5, 0.0))),
    "triangle": (1.0, lambda x: np.maximum(1.0 - x, 0.0)),
    "keyscubic": (2.0, _keys),
    "mitchellcubic": (2.0, _mitchell),
}


class Sampling(NamedTuple):
    """Sampling of an axis by a kernel: at x / scale - translation / scale."""

    kernel_type: str
    antialias: bool
    scale: np.float32
    translation: np.float32

    def taps(self, inputs: int, outputs: int) -> Taps:
        """The inputs under the kernel: equally many for each output, as in TensorFlow, some with the weight 0."""
        inputs, outputs = int(inputs), int(outputs)
        radius, kernel = KERNELS[self.kernel_type]
        inverse = np.float32(1) / np.float32(self.scale)
        width = max(inverse, np.float32(1)) if self.antialias else np.float32(1)
        reach = np.float32(radius) * width
        offset = -inverse * np.float32(self.translation)
        places = np.arange(outputs, dtype=np.float32) + np.float32(0.5)
        sample = (places * inverse + offset)[:, None]
        inside = (sample >= 0) & (sample <= inputs)
        first, last = (
            np.where(inside, np.clip(end, 0, inputs - 1), 0).astype(np.int64)
            for end in (
                np.ceil(sample - reach - np.float32(0.5)),
                np.floor(sample + reach - np.float32(0.5)),
            )
        )
        most = min(2 * int(np.ceil(reach)) + 1, inputs)
        index = _windows(first, np.minimum(first + most, inputs) - 1)
        source = index.astype(np.float32) + np.float32(0.5)
        weight = kernel(np.abs((source - sample) * (np.float32(1) / width)).astype(np.float32))
        weight = np.where(inside & (index >= 0) & (index <= last), weight, 0).astype(np.float32)
        return Taps(index, _normalized(weight))

    def gradient_taps(self, inputs: int, outputs: int) -> Taps:
        """The outputs that read each input: equally many for each, some with the weight 0."""
        inputs, outputs = int(inputs), int(outputs)
        index, weight = self.taps(inputs, outputs)
        read = Taps(np.where(weight == 0, -1, index), weight).transposed(inputs)
        if not read.index.size:
            return read
        first = np.maximum(read.index[:, :1], 0)
        most = int((read.index.max(1, keepdims=True) - first).max()) + 1
        windows = _windows(first, np.minimum(first + most, outputs) - 1)
        weights = np.zeros(windows.shape, np.float32)
        rows, places = np.nonzero(read.index >= 0)
        weights[rows, read.index[rows, places] - first[rows, 0]] = read.weight[rows, places]
        return Taps(windows, weights)


# -- sums over taps in programs; those of the host are in interpolation.py ----------------------------------------------------------


def lower_along(p: Any, x: Any, axis: int, taps: Taps) -> Any:
    """Images resampled along an axis, as primitives."""
    along = _lower_unrolled if taps.index.shape[1] <= UNROLLED else _lower_loop
    return along(p, x, axis, taps)


def _lower_unrolled(p: Any, x: Any, axis: int, taps: Taps) -> Any:
    shape = (-1, *[1] * (x.rank - axis - 1))
    parts = [
        _gathered(p, x, axis, index) * p.constant(weight.reshape(shape).astype(x.dtype.np))
        for index, weight in zip(taps.index.T, taps.weight.T)
    ]
    if not parts:
        outputs = (*x.shape[:axis], len(taps.index), *x.shape[axis + 1 :])
        return p.full(outputs, 0, x.dtype)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _lower_loop(p: Any, x: Any, axis: int, taps: Taps) -> Any:
    shape = (*taps.weight.shape, *[1] * (x.rank - axis - 1))
    weight = p.constant(taps.weight.reshape(shape).astype(x.dtype.np))
    return p.reduce_sum(_gathered(p, x, axis, taps.index) * weight, axis + 1)


def _gathered(p: Any, x: Any, axis: int, index: Array) -> Any:
    mode = "clamp" if (index >= 0).all() else "zero"
    return p.gather(x, p.constant(index.astype(np.int32)), axis, mode=mode)
