"""Image and shape ops on small integers that represent floats in a range."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX, QUANTIZED
from penstock._src.ops.image.interpolation import resampled
from penstock._src.ops.image.taps import bilinear_taps
from penstock._src.ops.nn.window import window
from penstock._src.ops.quantized.ends import check_ends
from penstock._src.ops.quantized.quantize import limits
from penstock._src.ops.quantized.ranges import from_floats, requantized
from penstock._src.ops.rules import show

F = np.float32


class _Pool(Op):
    signature = """input: T, min_input: float32[], max_input: float32[]
        -> output: T[input[0], ?, ?, input[3]], min_output: float32[], max_output: float32[]"""
    data_format, explicit_paddings = "NHWC", ()
    T = QUANTIZED
    ksize: list[int]
    strides: list[int]
    padding: Literal["SAME", "VALID"]

    def eager(self, input, min_input, max_input):
        for name in ("ksize", "strides"):
            if len(self.attrs[name]) != 4 or min(self.attrs[name]) <= 0:
                raise self.invalid(
                    f"{name} must have 4 positive entries. Received {self.attrs[name]}"
                )
        if input.ndim != 4:
            raise self.invalid(f"the input must have rank 4. Received {show(input.shape)}")
        if self.ksize[0] != 1 or self.strides[0] != 1:
            raise UnimplementedError(
                f"{self.op_type}: Pooling is not yet supported on the batch dimension."
            )
        rows, columns = (
            window(self.op_type, input.shape[a], self.ksize[a], self.strides[a], 1, self.padding)
            for a in (1, 2)
        )
        # Windows are products of spans: rows are reduced first, then columns.
        spans = [[_span(one, at) for at in range(one.out)] for one in (rows, columns)]
        return self.pooled(input, *spans), F(min_input), F(max_input)


def _span(axis, at):
    start = at * axis.stride - axis.low
    return slice(max(start, 0), min(start + axis.size, axis.extent))


class QuantizedMaxPool(_Pool):
    """The largest of each window."""

    def pooled(self, x, rows, columns):
        """The largest element of each window."""
        return _reduced(_reduced(x, rows, np.maximum, 1), columns, np.maximum, 2)


class QuantizedAvgPool(_Pool):
    """The mean of each window, with halves rounded to even numbers."""

    ranks = {"input": (4,)}

    def pooled(self, x, rows, columns):
        """The mean of each window."""
        wide = x.astype(np.int64)
        sums = _reduced(_reduced(wide, rows, np.add, 1), columns, np.add, 2)
        heights, widths = (
            [len(range(n)[span]) for span in spans]
            for n, spans in zip(x.shape[1:3], (rows, columns))
        )
        return np.rint(sums / np.multiply.outer(heights, widths)[..., None]).astype(x.dtype)


def _reduced(x, spans, ufunc, axis):
    """The elements of each span of an axis, combined."""
    out = np.empty((*x.shape[:axis], len(spans), *x.shape[axis + 1 :]), x.dtype)
    parts, into = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
    for at, span in enumerate(spans):
        ufunc.reduce(parts[span], axis=0, out=into[at])
    return out


class QuantizedReshape(Op):
    """The same integers in another shape."""

    signature = """tensor: T, shape: Tshape, input_min: float32, input_max: float32
        -> output: T[*shape], output_min: float32[], output_max: float32[]"""
    ranks = {"input_min": (0,), "input_max": (0,)}
    Tshape: INDEX = dtypes.int32

    def eager(self, tensor, shape, input_min, input_max):
        check_ends(self, input_min=input_min, input_max=input_max)
        return tensor.reshape([int(d) for d in shape]), F(input_min), F(input_max)


class QuantizedConcat(Op):
    """Tensors concatenated along an axis, over the union of their ranges."""

    signature = """concat_dim: int32, values: N * T, input_mins: N * float32,
        input_maxes: N * float32 -> output: T[...], output_min: float32[], output_max: float32[]"""
    ranks = {"concat_dim": (0,), "input_mins": (0,), "input_maxes": (0,)}
    minimum = {"N": 2}

    def eager(self, concat_dim, values, input_mins, input_maxes):
        for a, b in zip(input_mins, input_maxes, strict=True):
            check_ends(self, input_mins=a, input_maxes=b)
        lows, highs = [a.item() for a in input_mins], [b.item() for b in input_maxes]
        low, high = min(0.0, *lows), max(0.0, *highs)
        parts = [
            v if (a, b) == (low, high) else requantized(v, a, b, self.T, low, high, self.T)
            for v, a, b in zip(values, lows, highs, strict=True)
        ]
        return np.concatenate(parts, int(concat_dim)), F(low), F(high)


class QuantizedInstanceNorm(Op):
    """Each channel of each image with mean 0 and variance 1."""

    signature = """x: T[?, ?, ?, ?], x_min: float32[], x_max: float32[]
        -> y: T[x], y_min: float32[], y_max: float32[]"""
    T = QUANTIZED
    output_range_given: bool = False
    given_y_min: float = 0.0
    given_y_max: float = 0.0
    variance_epsilon: float = 9.9999997e-06
    min_separation: float = 0.001

    def eager(self, x, x_min, x_max):
        if x.ndim != 4:
            raise self.invalid("input must be 4-dimensional")
        scale = (float(x_max) - float(x_min)) / 255
        floats = float(x_min) + x.astype(np.float64) * scale
        mean, variance = floats.mean((1, 2), keepdims=True), floats.var((1, 2), keepdims=True)
        normalized = (floats - mean) / np.sqrt(variance + self.variance_epsilon)
        if self.output_range_given:
            low, high = self.given_y_min, self.given_y_max
        else:
            low = min(float(normalized.min()), 0.0)
            high = max(float(normalized.max()), low + self.min_separation)
        return from_floats(normalized, low, high, self.T).astype(x.dtype), F(low), F(high)


def _evenly(values, low, high, dtype):
    """The floats that integers represent; the lowest integer represents `low` exactly."""
    least, most = limits(dtype)
    return float(low) + (values.astype(np.float64) - least) * (float(high - low) / (most - least))


class QuantizedBatchNormWithGlobalNormalization(Op):
    """Images normalized by given means and variances, in 32 bits over [-2**20, 2**20]."""

    signature = """t: Tinput[?, ?, ?, ?], t_min: float32[], t_max: float32[], m: Tinput, m_min: float32[],
        m_max: float32[], v: Tinput, v_min: float32[], v_max: float32[], beta: Tinput, beta_min: float32[],
        beta_max: float32[], gamma: Tinput, gamma_min: float32[], gamma_max: float32[]
        -> result: out_type[t], result_min: float32[], result_max: float32[]"""
    ranks = {"m": (1,), "v": (1,), "beta": (1,), "gamma": (1,)}
    Tinput = QUANTIZED
    out_type: QUANTIZED
    variance_epsilon: float
    scale_after_normalization: bool

    def eager(self, t, t_min, t_max, *moments):
        for name, moment in zip(("mean", "variance", "beta", "gamma"), moments[::3], strict=True):
            if moment.shape != t.shape[3:] or not moment.size:
                raise self.invalid(
                    f"{name} must have a value for each of the channels of {show(t.shape)}. "
                    f"Received shape {show(moment.shape)}"
                )
        mean, variance, beta, gamma = (
            _evenly(*moments[at : at + 3], self.Tinput).astype(F) for at in range(0, 12, 3)
        )
        ends = -float(1 << 20), float(1 << 20)
        scale = 1 / np.sqrt(variance + F(self.variance_epsilon))
        if self.scale_after_normalization:
            scale = scale * gamma
        # Computed on the integers that represent the numbers.
        one, scales, offsets = (
            from_floats(x, *ends, self.out_type) for x in (np.ones(()), scale, beta - mean * scale)
        )
        values = requantized(t, float(t_min), float(t_max), self.Tinput, *ends, self.out_type)
        scaled = np.trunc(values.astype(np.int64) * scales / one).astype(np.int64) + offsets
        return scaled.astype(self.out_type.np), F(ends[0]), F(ends[1])


class QuantizedResizeBilinear(Op):
    """Images in another size, interpolated between the four nearest pixels."""

    signature = """images: T, size: int32, min: float32[], max: float32[]
        -> resized_images: T, out_min: float32, out_max: float32"""
    ranks = {"images": (4,)}
    extents = {"size": "2"}
    T = frozenset({dtypes.float32, dtypes.qint32, dtypes.quint8})
    align_corners: bool = False
    half_pixel_centers: bool = False

    def shape(self, images, size, *_ranges):
        value = size.value
        rows, columns = (None, None) if value is None else map(int, value)
        return [images[0], rows, columns, images[3]], (), ()

    def eager(self, images, size, min, max):
        rows, columns = (bilinear_taps(self, n, int(m)) for n, m in zip(images.shape[1:3], size))
        resized = resampled(images.astype(np.float64), rows, columns)
        if self.T != dtypes.float32:
            resized = np.floor(resized + 0.5)
        return resized.astype(images.dtype), F(min), F(max)
