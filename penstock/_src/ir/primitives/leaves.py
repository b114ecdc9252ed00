"""Leaves: nodes without arguments, variables' values, and random numbers."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import random_streams
from penstock._src.ir.meaning.intervals import Range, finite, fitting, number_of
from penstock._src.ir.meaning.rows import MixedRows, RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import Args, Arrays, Attrs, Bounds, Primitive, Result, ints

_LARGEST_CONSTANT = 4096  # elements of a constant whose range is computed


class _ByAttributes(Primitive):
    """A kind whose attributes say shape and dtype."""

    is_folded = False

    def infer(self, args: Args, attrs: Attrs) -> Result:
        return tuple(attrs["shape"]), attrs["dtype"]


class Parameter(_ByAttributes):
    """An argument of the function; of dtype resource: a variable's handle."""

    form = "parameter(; index, name, shape, dtype, scope)"


class Read(_ByAttributes):
    """The value that a variable (a parameter of dtype resource) has when the function starts."""

    form = "read(variable; shape, dtype)"

    def rows(self, flow: RowFlow, node: Node) -> None:
        return None


class Constant(Primitive):
    """A known array."""

    form = "constant(; value, dtype)"
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> None:
        return None

    def infer(self, args: Args, attrs: Attrs) -> Result:
        return attrs["value"].shape, attrs["dtype"]

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return node.attrs["value"]

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        value = node.attrs["value"]
        if value.size > _LARGEST_CONSTANT or not (
            node.dtype.is_integer or node.dtype.is_floating or node.dtype.is_bool
        ):
            return None
        low, high = value.min(), value.max()
        return None if low != low else (number_of(low, node.dtype), number_of(high, node.dtype))


class Size(_ByAttributes):
    """Numbers known once shapes are: expressions over Dims, computed when a program is bound."""

    form = "size(; dims, shape, dtype)"

    def rows(self, flow: RowFlow, node: Node) -> None:
        if any(map(flow.depends, node.attrs["dims"])):
            raise MixedRows("computes with the number of rows")

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return np.array(ints(node.attrs["dims"])).astype(node.dtype.np).reshape(ints(node.shape))

    def value_range(self, bounds: Bounds, node: Node) -> Range:
        values = node.attrs["dims"]
        return functools.reduce(dims.minimum, values), functools.reduce(dims.maximum, values)


class Iota(_ByAttributes):
    """Each element's own index along `axis`."""

    form = "iota(; axis, shape, dtype)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        axis = flow.axis_of(node.shape)
        if axis == node.attrs["axis"]:
            raise MixedRows("computes with the indices of rows")
        return None if axis is None else Rows(axis, is_uniform=True)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        axis, shape = node.attrs["axis"], ints(node.shape)
        line = np.arange(shape[axis]).astype(node.dtype.np)
        place = [-1 if i == axis else 1 for i in range(len(shape))]
        return np.broadcast_to(line.reshape(place), shape)

    def value_range(self, bounds: Bounds, node: Node) -> Range | None:
        last = node.shape[node.attrs["axis"]] - 1
        if node.dtype.is_integer:
            # No condition for 2**31 elements.
            is_wide = dims.is_symbolic(last) and node.dtype.size >= 4
            return (0, last) if is_wide else fitting(node.dtype, (0, last))
        if dims.is_symbolic(last) or not node.dtype.is_floating:
            return None
        with np.errstate(over="ignore"):
            return finite(0, np.asarray(last).astype(node.dtype.np))  # rounded, as its elements are


class RandomBits(Primitive):
    """uint32[count]: Philox 4x32-10 or Threefry 2x32-20 (rng_bit_generator)."""

    form = "random_bits(key, counter; count, algorithm)"
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> None:
        if flow.depends(node.attrs["count"]):
            raise MixedRows("draws other random numbers for each row")

    def infer(self, args: Args, attrs: Attrs) -> Result:
        key, counter = args
        self.require(key.dtype == dtypes.uint64, "the key must be uint64", args)
        self.require(counter.dtype == dtypes.uint64, "the counter must be uint64", args)
        return (attrs["count"],), dtypes.uint32

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        stream = random_streams.STREAMS[node.attrs["algorithm"]]
        return stream(args[0], args[1], int(node.attrs["count"]))
