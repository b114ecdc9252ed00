"""Batch normalization with given moments, and axis permutations between data formats."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import INDEX, NUMBER
from penstock._src.ops.rules import show
from penstock._src.ops.sums import add_up


class BatchNormWithGlobalNormalization(Op):
    """(t - m) / sqrt(v + epsilon), scaled by gamma on request, plus beta; along the last axis."""

    signature = "t: T[?, ?, ?, ?], m: T, v: T, beta: T, gamma: T -> result: T[t]"
    T = NUMBER
    variance_epsilon: float
    scale_after_normalization: bool

    def gradient(self, t, m, v, _beta, gamma, _result, dy):
        return raw.BatchNormWithGlobalNormalizationGrad(
            t=t,
            m=m,
            v=v,
            gamma=gamma,
            backprop=dy,
            variance_epsilon=self.variance_epsilon,
            scale_after_normalization=self.scale_after_normalization,
        )

    def eager(self, t, m, v, beta, gamma):
        scale = 1 / np.sqrt(v + v.dtype.type(self.variance_epsilon))
        scale = scale * gamma if self.scale_after_normalization else scale
        return (t - m) * scale + beta

    def lower(self, p, t, m, v, beta, gamma):
        scale = p.rsqrt(v + self.variance_epsilon)
        scale = scale * gamma if self.scale_after_normalization else scale
        return (t - m) * scale + beta


class BatchNormWithGlobalNormalizationGrad(Op):
    """The gradient of BatchNormWithGlobalNormalization."""

    signature = """t: T, m: T, v: T, gamma: T, backprop: T
        -> dx: T[t], dm: T[m], dv: T[m], db: T[m], dg: T[m]"""
    T = NUMBER
    variance_epsilon: float
    scale_after_normalization: bool

    def eager(self, t, m, v, gamma, backprop):
        axes = tuple(range(t.ndim - 1))
        root = 1 / np.sqrt(v + v.dtype.type(self.variance_epsilon))
        scale = root * gamma if self.scale_after_normalization else root
        db = add_up(backprop, axes)
        by_distance = add_up(backprop * (t - m), axes)
        dg = by_distance * root if self.scale_after_normalization else np.zeros_like(gamma)
        dv = by_distance * scale * (-0.5 * root * root)
        return backprop * scale, -db * scale, dv.astype(t.dtype), db, dg


class DataFormatDimMap(Op):
    """Axis numbers of one data format as those of another."""

    signature = "x: T -> y: T[x]"
    T: INDEX = dtypes.int32
    src_format: str = "NHWC"
    dst_format: str = "NCHW"

    def eager(self, x):
        places = np.array([self.dst_format.index(c) for c in self.src_format], x.dtype)
        wrong = (x < -len(places)) | (x >= len(places))
        if wrong.any():
            raise self.invalid(f"Received an axis out of range: {x[wrong].ravel()[0]}")
        return places[x % len(places)]

    def lower(self, p, x):
        places = np.array([self.dst_format.index(c) for c in self.src_format], x.dtype.np)
        count = len(places)
        wrapped = p.select(p.lt(x, 0), x + count, x)
        return p.gather(p.constant(places), wrapped, 0, mode="error")


class DataFormatVecPermute(Op):
    """A vector of values per axis, permuted from one data format to another."""

    signature = "x: T -> y: T[x]"
    T: INDEX = dtypes.int32
    src_format: str = "NHWC"
    dst_format: str = "NCHW"

    def _order(self, shape):
        if len(shape) not in (1, 2):
            raise self.invalid(f"input must be a vector or 2D tensor, but got shape {show(shape)}")
        if shape[1:] not in ((), (2,)):
            raise self.invalid(
                f"Second dimension of 2D input must be of size 2, but got shape {show(shape)}"
            )
        source, target, count = self.src_format, self.dst_format, shape[0]
        for name, text in (("Source", source), ("Destination", target)):
            if len(text) not in (4, 5):
                raise self.invalid(f"{name} format must be of length 4 or 5, received {text}")
        if len(source) > count:
            source, target = ([c for c in f if c in "DHW"] for f in (source, target))
        if len(source) != count:
            raise self.invalid(
                f"1D input must be of size {len(self.src_format)} or without N and C. Received "
                f"shape {show(shape)}"
            )
        return np.array([source.index(c) for c in target], np.int32)

    def eager(self, x):
        return x[self._order(x.shape)]

    def lower(self, p, x):
        return p.gather(x, p.constant(self._order(tuple(x.shape))), 0)
