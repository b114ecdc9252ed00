"""Sampling of an axis by a kernel with dynamic extents or scales: `taps.Sampling` as primitives."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from penstock._src.ir.extents import dims
from penstock._src.ops.image.taps import KERNELS
from penstock._src.ops.image.unknown_taps import (
    FLOAT,
    INDEX,
    LoopedTaps,
    normalizer,
    readers,
    rounded,
)

Kernel = Callable[[Any, Any], Any]


def _lanczos(radius: float) -> Kernel:
    def kernel(p: Any, x: Any) -> Any:
        t = x * np.pi
        value = p.div(p.sin(t) * radius * p.sin(t / radius), t * t)
        return p.select(p.gt(x, radius), 0.0, p.select(p.le(x, 1e-3), 1.0, value))

    return kernel


def _keys(p: Any, x: Any) -> Any:
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    return _in_two_parts(p, x, near, far)


def _mitchell(p: Any, x: Any) -> Any:
    far = (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    near = (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0
    return _in_two_parts(p, x, near, far)


def _in_two_parts(p: Any, x: Any, near: Any, far: Any) -> Any:
    return p.select(p.ge(x, 2.0), 0.0, p.select(p.ge(x, 1.0), far, near))


def _gaussian(p: Any, x: Any) -> Any:
    return p.select(p.ge(x, 1.5), 0.0, p.exp(p.neg(x * x) / (2 * 0.5 * 0.5)))


def _box(p: Any, x: Any) -> Any:
    return p.select(p.lt(x, 0.5), 1.0, p.select(p.eq(x, 0.5), 0.5, p.full(x.shape, 0, FLOAT)))


_KERNELS: dict[str, Kernel] = {
    "lanczos1": _lanczos(1.0),
    "lanczos3": _lanczos(3.0),
    "lanczos5": _lanczos(5.0),
    "gaussian": _gaussian,
    "box": _box,
    "triangle": lambda p, x: p.maximum(1.0 - x, 0.0),
    "keyscubic": _keys,
    "mitchellcubic": _mitchell,
}


class _Samples(NamedTuple):
    """Coordinates at which the outputs along an axis are sampled, [outputs].

    Fields:
      at: the place of each in input coordinates.
      inside: whether it is within the image.
      first, last: the inputs under the kernel around it, within the image; they grow with the outputs.
      most: how many inputs a kernel covers at most, a scalar.
      width: what distances are divided by.
    """

    at: Any
    inside: Any
    first: Any
    last: Any
    most: Any
    width: Any


class UnknownSampling(NamedTuple):
    """Sampling of an axis by a kernel: at x / scale - translation / scale, scalars of float32."""

    kernel_type: str
    antialias: bool
    scale: Any
    translation: Any

    def taps(self, p: Any, inputs: dims.Extent, outputs: dims.Extent) -> LoopedTaps:
        """The inputs under the kernel: equally many for each output, as in TensorFlow, some with the weight 0."""
        samples = self._samples(p, inputs, outputs)
        total, end = self._total(p, samples), p.scalar(inputs, INDEX)
        first = p.select(samples.inside, samples.first, p.constant(0, INDEX))

        def at(number: Any) -> tuple[Any, Any]:
            index = first + number
            weight = rounded(p, self._weight(p, samples, index), normalizer(p, total))
            return p.select(p.lt(index, end), index, p.constant(-1, INDEX)), weight

        return LoopedTaps(samples.most, at, outputs)

    def gradient_taps(self, p: Any, inputs: dims.Extent, outputs: dims.Extent) -> LoopedTaps:
        """The outputs that read each input: equally many for each, some with the weight 0."""
        samples = self._samples(p, inputs, outputs)
        total, end = self._total(p, samples), p.scalar(outputs, INDEX)
        own, nobody = p.iota((inputs,), 0, INDEX), p.full((inputs,), outputs, INDEX)

        def weight_of(output: Any) -> Any:
            there = [p.gather(x, output) for x in (samples.at, samples.inside, samples.first, samples.last)]  # fmt: skip
            weight = self._weight(p, _Samples(*there, samples.most, samples.width), own)
            is_output = p.and_(p.lt(output, end), p.ge(own, there[2]))
            factor = normalizer(p, p.gather(total, output))
            return p.select(is_output, rounded(p, weight, factor), 0.0)

        begin, count = readers(p, samples.first, samples.last, inputs, outputs)

        def look(number: Any, first: Any, last: Any) -> tuple[Any, ...]:
            output = begin + number
            reads = p.ne(weight_of(output), 0.0)
            first = p.minimum(first, p.select(reads, output, nobody))
            return number + 1, first, p.select(reads, output, last)

        none = p.full((inputs,), -1, INDEX)
        start = [p.constant(0, INDEX), nobody, none]
        _, first, last = p.while_(lambda number, *_: p.lt(number, count), look, start)
        first = p.select(p.lt(last, 0), p.full((inputs,), 0, INDEX), first)
        most = p.reduce_max(last - first, 0) + 1

        def at(number: Any) -> tuple[Any, Any]:
            output = first + number
            return p.select(p.lt(output, end), output, none), weight_of(output)

        return LoopedTaps(most, at, inputs)

    def _samples(self, p: Any, inputs: dims.Extent, outputs: dims.Extent) -> _Samples:
        radius, _ = KERNELS[self.kernel_type]
        inverse, one = p.div(p.constant(1.0, FLOAT), self.scale), p.constant(1.0, FLOAT)
        width = p.maximum(inverse, one) if self.antialias else one
        reach = rounded(p, p.constant(radius, FLOAT), width)
        places = p.iota((outputs,), 0, FLOAT) + 0.5
        at = rounded(p, places, inverse) + rounded(p, p.neg(inverse), self.translation)
        inside = p.and_(p.ge(at, 0.0), p.le(at, p.scalar(inputs, FLOAT)))
        ends = p.ceil(at - reach - 0.5), p.floor(at + reach - 0.5)
        limit = p.scalar(inputs - 1, FLOAT)
        first, last = (p.cast(p.minimum(p.maximum(end, 0.0), limit), INDEX) for end in ends)
        most = p.minimum(p.ceil(reach) * 2.0 + 1.0, p.scalar(inputs, FLOAT))
        return _Samples(at, inside, first, last, p.cast(most, INDEX), width)

    def _weight(self, p: Any, samples: _Samples, index: Any) -> Any:
        """The kernel of each sample at an input, 0 beyond its reach."""
        source = p.cast(index, FLOAT) + 0.5
        scale = p.div(p.constant(1.0, FLOAT), samples.width)
        distance = p.abs(rounded(p, source - samples.at, scale))
        is_read = p.and_(samples.inside, p.le(index, samples.last))
        return p.select(is_read, _KERNELS[self.kernel_type](p, distance), 0.0)

    def _total(self, p: Any, samples: _Samples) -> Any:
        """The sum of each sample's weights."""

        def step(number: Any, total: Any) -> tuple[Any, Any]:
            return number + 1, total + self._weight(p, samples, samples.first + number)

        start = [p.constant(0, INDEX), p.full(samples.at.shape, 0, FLOAT)]
        return p.while_(lambda number, _: p.lt(number, samples.most), step, start)[1]
