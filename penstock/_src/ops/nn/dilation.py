"""Gray-scale morphological dilation, and its gradients."""

import math
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import REAL
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.nn.window import (
    every_tap,
    out_extent,
    pad_axes,
    padded_shape,
    taps,
    unpad_axes,
    window,
)
from penstock._src.ops.rules import quiet, show

_NATIVE_FLOATS = (np.float32, np.float64)


class _Dilation(Op):
    """Base of dilation and its gradients."""

    host_kernel = HostKernel(compiles_from=HEAVY, alike="filter")
    T = REAL
    strides: list[int]
    rates: list[int]
    padding: Literal["SAME", "VALID"]

    def windows(self, shape, filter_shape):
        if len(shape) != 4:
            raise self.invalid(f"input must be 4-dimensional: {show(shape)}")
        if len(filter_shape) != 3:
            raise self.invalid(f"filter must be 3-dimensional: {show(filter_shape)}")
        if shape[3] != filter_shape[2]:
            raise self.invalid(
                f"input and filter must have the same depth: {shape[3]} vs {filter_shape[2]}"
            )
        return [
            window(
                self.op_type,
                shape[a],
                filter_shape[i],
                self.strides[a],
                self.rates[a],
                self.padding,
            )
            for i, a in enumerate((1, 2))
        ]

    def candidates(self, input, filter):
        """(tap, offsets, input + filter at the tap, True where the tap is inside) of every tap."""
        windows = self.windows(input.shape, filter.shape)
        x = pad_axes(input, [1, 2], windows)
        inside = pad_axes(np.ones((1, *input.shape[1:3], 1), bool), [1, 2], windows, False)
        all_taps = every_tap([1, 2], windows)
        for offsets, tap in zip(np.ndindex(*filter.shape[:2]), all_taps, strict=True):
            yield tap, offsets, x[tap] + filter[offsets], inside[tap]

    def largest(self, input, filter):
        """The maximum at each output, and the number of the first tap that gives it.

        TensorFlow's maxima begin with the lowest finite number; where no tap is above it, the tap is -1.
        """
        windows = self.windows(input.shape, filter.shape)
        shape = (input.shape[0], *(w.out for w in windows), input.shape[3])
        best, place = (
            np.full(shape, dtypes.as_dtype(input.dtype).min, input.dtype),
            np.full(shape, -1),
        )
        for at, (_, _, value, inside) in enumerate(self.candidates(input, filter)):
            better = (value > best) & inside  # nothing is less than a NaN
            place[better] = at
            best = np.where(better, value, best)
        return best.astype(input.dtype, copy=False), place

    def places(self, input, filter, out_backprop):
        """The second of `largest`."""
        _, place = self.largest(input, filter)
        if place.shape != out_backprop.shape:
            raise self.invalid(
                f"out_backprop has incompatible size. Received {show(out_backprop.shape)}, expected {show(place.shape)}"
            )
        return place

    def lowered_candidates(self, p, input, filter):
        """Return input + filter at every tap of every output, with the taps last: [rows, height, width, depth, taps].

        A tap that sees padding or a NaN has -inf.
        """
        if not input.dtype.is_floating:
            raise NotLowerable("padding of integers")
        if 0 in filter.shape[:2]:
            raise NotLowerable("empty filters")
        windows = self.windows(input.shape, filter.shape)
        view = p.windows(
            input,
            axes=[1, 2],
            size=[w.size for w in windows],
            strides=[w.stride for w in windows],
            dilations=[w.dilation for w in windows],
            low=[w.low for w in windows],
            high=[w.high for w in windows],
            value=float("-inf"),
        )
        values = view + p.transpose(filter, [2, 0, 1])
        flat = p.reshape(values, [*values.shape[:4], filter.shape[0] * filter.shape[1]])
        return p.select(p.is_nan(flat), float("-inf"), flat)

    def lowered_places(self, p, input, filter, out_backprop):
        """`places` in a program: int32."""
        values = self.lowered_candidates(p, input, filter)
        if values.shape[:4] != out_backprop.shape:
            raise NotLowerable("invalid shapes")
        above = p.gt(p.reduce_max(values, [4]), input.dtype.min)
        return p.select(above, p.arg_max(values, 4, dtypes.int32), -1)


class Dilation2D(_Dilation):
    """The maximum over every window of input + filter."""

    signature = "input: T, filter: T -> output: T"
    minimum = {"strides": 4, "rates": 4}

    def shape(self, input, filter):
        input, filter = input.with_rank(4), filter.with_rank(3)
        dims = [
            out_extent(
                "Dilation2D",
                input[a],
                filter[i],
                self.strides[a],
                self.rates[a],
                self.padding,
                refuse_wide=False,
            )  # fmt: skip
            for i, a in enumerate((1, 2))
        ]
        return [input[0], *dims, input[3]]

    def gradient(self, input, filter, _output, dy):
        attrs = {n: self.attrs[n] for n in ("strides", "rates", "padding")}
        return (
            raw.Dilation2DBackpropInput(input=input, filter=filter, out_backprop=dy, **attrs),
            raw.Dilation2DBackpropFilter(input=input, filter=filter, out_backprop=dy, **attrs),
        )

    @quiet
    def eager(self, input, filter):
        if input.dtype not in _NATIVE_FLOATS:
            return self.largest(input, filter)[0]
        windows = self.windows(input.shape, filter.shape)
        x = pad_axes(input, [1, 2], windows, -np.inf)
        shape = (input.shape[0], *(w.out for w in windows), input.shape[3])
        best = np.full(shape, np.finfo(input.dtype).min, input.dtype)
        terms = filter.reshape(math.prod(filter.shape[:2]), filter.shape[2])
        for term, tap in zip(terms, every_tap([1, 2], windows), strict=True):
            np.fmax(best, x[tap] + term, out=best)  # passes over NaN
        return best

    def lower(self, p, input, filter):
        largest = p.reduce_max(self.lowered_candidates(p, input, filter), [4])
        return p.maximum(largest, input.dtype.min)


class Dilation2DBackpropInput(_Dilation):
    """The gradient of Dilation2D with respect to its input."""

    signature = "input: T, filter: T, out_backprop: T -> in_backprop: T[input]"
    minimum = {"strides": 4, "rates": 4}

    @quiet
    def eager(self, input, filter, out_backprop):
        windows = self.windows(input.shape, filter.shape)
        place = self.places(input, filter, out_backprop)
        out = np.zeros(padded_shape(input.shape, [1, 2], windows), input.dtype)
        for at, offsets in enumerate(np.ndindex(*filter.shape[:2])):
            zero = out_backprop.dtype.type(0)
            out[taps([1, 2], windows, offsets)] += np.where(place == at, out_backprop, zero)
        out = np.ascontiguousarray(unpad_axes(out, [1, 2], windows))
        # Where no tap is chosen, the first element of the input under the window is.
        example, *position, channel = np.nonzero(place < 0)
        first = [np.maximum(i * w.stride - w.low, 0) for i, w in zip(position, windows)]
        inside = np.logical_and(*(i < w.extent for i, w in zip(first, windows)))
        at = tuple(i[inside] for i in (example, *first, channel))
        np.add.at(out, at, out_backprop[place < 0][inside])
        return out

    def lower(self, p, input, filter, out_backprop):
        windows = self.windows(input.shape, filter.shape)
        place = self.lowered_places(p, input, filter, out_backprop)

        def seen(x, value, windows):
            """Return, for every element, the values of the outputs with a window that contains it: by tap, the last one first."""
            reach = [(w.size - 1) * w.dilation for w in windows]
            spread = [(w.out - 1) * w.stride + 1 if w.out else 0 for w in windows]
            return p.windows(
                x,
                axes=[1, 2],
                size=[w.size for w in windows],
                dilations=[w.dilation for w in windows],
                base_dilations=[w.stride for w in windows],
                low=[r - w.low for r, w in zip(reach, windows)],
                high=[w.extent - n + w.low for n, w in zip(spread, windows)],
                value=value,
            )

        def slopes(place, windows):
            """Return the sum over the outputs whose maximum is at the index."""
            size = [w.size for w in windows]
            count = size[0] * size[1]
            tap = p.reshape((count - 1) - p.iota([count], 0, dtypes.int32), size)
            chosen = p.eq(seen(place, -1, windows), tap)
            return p.reduce_sum(p.select(chosen, seen(out_backprop, 0, windows), 0), [4, 5])

        # Where no tap is chosen, the first element of the input under the window is: one of the taps, unless these are apart.
        are_apart = any(w.dilation > 1 and w.low > 0 for w in windows)
        dense = [w._replace(size=w.low + 1, dilation=1) for w in windows] if are_apart else windows
        first = p.constant(0, dtypes.int32)
        for axis, w in zip((1, 2), dense):
            begin = p.iota(place.shape, axis, dtypes.int32) * w.stride - w.low
            first = first * w.size + p.maximum(-begin, 0)
        if not are_apart:
            return slopes(p.select(p.lt(place, 0), first, place), windows)
        return slopes(place, windows) + slopes(p.select(p.lt(place, 0), first, -1), dense)


class Dilation2DBackpropFilter(_Dilation):
    """The gradient of Dilation2D with respect to its filter."""

    signature = "input: T, filter: T, out_backprop: T -> filter_backprop: T[filter]"
    minimum = {"strides": 4, "rates": 4}

    @quiet
    def eager(self, input, filter, out_backprop):
        place = np.maximum(self.places(input, filter, out_backprop), 0)
        out = np.zeros(filter.shape, filter.dtype)
        for at, offsets in enumerate(np.ndindex(*filter.shape[:2])):
            zero = out_backprop.dtype.type(0)
            out[offsets] = np.where(place == at, out_backprop, zero).sum((0, 1, 2))
        return out

    def lower(self, p, input, filter, out_backprop):
        place = p.maximum(self.lowered_places(p, input, filter, out_backprop), 0)
        place = p.expand_dims(place, 0)
        count = filter.shape[0] * filter.shape[1]
        shape = [count, *out_backprop.shape]
        chosen = p.eq(p.broadcast_to(place, shape), p.iota(shape, 0, dtypes.int32))
        slope = p.select(chosen, p.expand_dims(out_backprop, 0), 0)
        return p.reshape(p.reduce_sum(slope, [1, 2, 3]), filter.shape)
