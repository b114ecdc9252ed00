"""Gray-scale morphological dilation, and its gradients."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import HEAVY, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import REAL
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.nn.window import out_extent, pad_axes, padded_shape, taps, unpad_axes, window
from penstock._src.ops.rules import quiet, show


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
        """(tap, offsets, input + filter at the tap) of every tap."""
        windows = self.windows(input.shape, filter.shape)
        least = -np.inf if input.dtype.kind in "fV" else np.iinfo(input.dtype).min // 2
        x = pad_axes(input, [1, 2], windows, least)
        for offsets in np.ndindex(*filter.shape[:2]):
            tap = taps([1, 2], windows, offsets)
            yield tap, offsets, x[tap] + filter[offsets]

    def places(self, input, filter):
        """The index of the first maximal tap at each output."""
        best = place = None
        for at, (_, _, value) in enumerate(self.candidates(input, filter)):
            if best is None:
                best, place = value.copy(), np.zeros(value.shape, np.int64)
            else:
                better = value > best
                place[better] = at
                best = np.where(better, value, best)
        return place

    def lowered_candidates(self, p, input, filter):
        """Return input + filter at every tap of every output, with the taps last: [rows, height, width, depth, taps of two axes]."""
        if not input.dtype.is_floating:
            raise NotLowerable("padding of integers")
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
        return view + p.transpose(filter, [2, 0, 1])

    def lowered_places(self, p, input, filter, out_backprop):
        """`places` in a program: int32."""
        values = self.lowered_candidates(p, input, filter)
        if values.shape[:4] != out_backprop.shape or not filter.shape[0] * filter.shape[1]:
            raise NotLowerable("invalid shapes")
        flat = p.reshape(values, [*values.shape[:4], filter.shape[0] * filter.shape[1]])
        first = p.is_nan(p.slice(flat, [0] * 5, [*flat.shape[:4], 1]))
        # a NaN is chosen at the first tap alone, as nothing is larger
        place = p.arg_max(p.select(p.is_nan(flat), float("-inf"), flat), 4, dtypes.int32)
        return p.select(p.reshape(first, place.shape), 0, place)


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
        out = None
        for _, _, value in self.candidates(input, filter):
            out = value if out is None else np.maximum(out, value)
        if out is None:
            raise self.invalid(f"filter must not be empty. Received {show(filter.shape)}")
        return out.astype(input.dtype, copy=False)

    def lower(self, p, input, filter):
        return p.reduce_max(self.lowered_candidates(p, input, filter), [4, 5])


class Dilation2DBackpropInput(_Dilation):
    """The gradient of Dilation2D with respect to its input."""

    signature = "input: T, filter: T, out_backprop: T -> in_backprop: T[input]"
    minimum = {"strides": 4, "rates": 4}

    @quiet
    def eager(self, input, filter, out_backprop):
        windows = self.windows(input.shape, filter.shape)
        place = self.places(input, filter)
        out = np.zeros(padded_shape(input.shape, [1, 2], windows), input.dtype)
        for at, offsets in enumerate(np.ndindex(*filter.shape[:2])):
            zero = out_backprop.dtype.type(0)
            out[taps([1, 2], windows, offsets)] += np.where(place == at, out_backprop, zero)
        return np.ascontiguousarray(unpad_axes(out, [1, 2], windows))

    def lower(self, p, input, filter, out_backprop):
        windows = self.windows(input.shape, filter.shape)
        place = self.lowered_places(p, input, filter, out_backprop)

        def seen(x, value):
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

        taps_of_window = filter.shape[:2]
        count = taps_of_window[0] * taps_of_window[1]
        tap = p.reshape((count - 1) - p.iota([count], 0, dtypes.int32), taps_of_window)
        chosen = p.eq(seen(place, -1), tap)
        return p.reduce_sum(p.select(chosen, seen(out_backprop, 0), 0), [4, 5])


class Dilation2DBackpropFilter(_Dilation):
    """The gradient of Dilation2D with respect to its filter."""

    signature = "input: T, filter: T, out_backprop: T -> filter_backprop: T[filter]"
    minimum = {"strides": 4, "rates": 4}

    @quiet
    def eager(self, input, filter, out_backprop):
        place = self.places(input, filter)
        out = np.zeros(filter.shape, filter.dtype)
        for at, offsets in enumerate(np.ndindex(*filter.shape[:2])):
            zero = out_backprop.dtype.type(0)
            out[offsets] = np.where(place == at, out_backprop, zero).sum((0, 1, 2))
        return out

    def lower(self, p, input, filter, out_backprop):
        place = p.expand_dims(self.lowered_places(p, input, filter, out_backprop), 0)
        count = filter.shape[0] * filter.shape[1]
        shape = [count, *out_backprop.shape]
        chosen = p.eq(p.broadcast_to(place, shape), p.iota(shape, 0, dtypes.int32))
        slope = p.select(chosen, p.expand_dims(out_backprop, 0), 0)
        return p.reshape(p.reduce_sum(slope, [1, 2, 3]), filter.shape)
