"""Leaves: parameters, constants, sizes, indices, random bits."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.build.base import Base
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node

_SCOPES = itertools.count(1)
_UNIFORM = 16  # elements; shorter arrays of equal elements stay arrays (index vectors, paddings)


def new_scope(depth: int) -> tuple[int, int]:
    """The mark of a function's parameters: its nesting depth, and a number that is used once."""
    return depth, next(_SCOPES)


class Leaves(Base):
    """Values that depend on no other value."""

    def parameter(
        self,
        index: int,
        shape: Sequence[int],
        dtype: DType,
        name: str = "",
        scope: tuple[int, int] = (0, 0),
        variable: tuple[tuple[int, ...], DType] | None = None,
    ) -> Node:
        """Argument `index` of a function. `variable`: shape and dtype of the variable whose handle it is."""
        extra = {} if variable is None else {"variable": variable}
        return self.make(
            "parameter",
            (),
            index=index,
            name=name,
            shape=tuple(shape),
            dtype=dtype,
            scope=scope,
            **extra,
        )

    def constant(self, value: Any, dtype: DType | None = None) -> Node:
        """A known array. A large array of equal elements becomes a broadcast scalar."""
        if isinstance(value, dims.Dim):
            return self.size(value, dtype or dtypes.int32)
        if dtype is None:
            dtype = _dtype_of(value)
        value = np.asarray(value)
        if value.dtype != dtype.np:
            with np.errstate(all="ignore"):
                value = value.astype(dtype.np)
        if value.size > _UNIFORM and _is_uniform(value):
            return self.broadcast_to(self.constant(value.flat[0], dtype), value.shape)
        if value.flags.writeable:
            value = value.copy()
            value.flags.writeable = False
        return self.make("constant", (), value=value, dtype=dtype)

    def scalar(self, value: Any, dtype: DType) -> Node:
        """A scalar constant; a Dim becomes a `size` node."""
        if isinstance(value, dims.Dim):
            return self.size(value, dtype)
        return self.constant(value, dtype)

    def full(self, shape: Sequence[int], value: Any, dtype: DType) -> Node:
        """One value for every element of a shape."""
        return self.broadcast_to(self.scalar(value, dtype), shape)

    def iota(self, shape: Sequence[int], axis: int, dtype: DType) -> Node:
        """Each element's index along an axis."""
        return self.make(
            "iota", (), axis=self.axis(axis, len(shape)), shape=tuple(shape), dtype=dtype
        )

    def size(self, value: dims.Extent, dtype: DType = dtypes.int32) -> Node:
        """An extent as a scalar that is computed when the program is bound, and is not part of the code."""
        if not isinstance(value, dims.Dim):
            return self.constant(value, dtype)
        return self.make("size", (), dims=(value,), shape=(), dtype=dtype)

    def shape_value(self, extents: Sequence[int], dtype: DType = dtypes.int32) -> Node:
        """A vector of extents that remembers their expressions."""
        extents = tuple(extents)
        if not any(isinstance(d, dims.Dim) for d in extents):
            return self.make("constant", (), value=_frozen(extents, dtype), dtype=dtype)
        return self.make("size", (), dims=extents, shape=(len(extents),), dtype=dtype)

    def random_bits(self, key: Node, counter: Node, count: int, algorithm: str = "philox") -> Node:
        """uint32[count] of a counter-based generator."""
        return self.make("random_bits", (key, counter), count=count, algorithm=algorithm)

    def unpack(self, packed: Node, format: str) -> Node:
        """float32 [..., k] of rows of packed weights."""
        return self.make("unpack", (packed,), format=format)

    def round_groups(self, x: Node, size: int) -> Node:
        """float32 rows, each `size` neighbors rounded to int8 times a scale of their own."""
        return self.make("round_groups", (x,), size=size)

    def leaf_masks(self, x: Node, base: Node, tables: Sequence[Any], strict: bool) -> Node:
        """Sums of the leaves that rows reach, by masks; the tables are those of the kind after `values`."""
        arrays = [self.constant(table) for table in tables]
        return self.make("leaf_masks", (x, base, *arrays), strict=strict)

    def tree_paths(
        self, x: Node, base: Node, tables: Sequence[Any], strict: bool, feature_bits: int
    ) -> Node:
        """Sums of the leaves that rows reach, by paths; the tables are those of the kind after `values`."""
        arrays = [self.constant(table) for table in tables]
        attrs = {"strict": strict, "feature_bits": feature_bits}
        return self.make("tree_paths", (x, base, *arrays), **attrs)


def _frozen(values: Sequence[int], dtype: DType) -> np.ndarray:
    array = np.array(values, dtype.np)
    array.flags.writeable = False
    return array


def _dtype_of(value: Any) -> DType:
    """The dtype of an array; Python ints are int32, floats float32, as in TensorFlow."""
    array = np.asarray(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        if array.dtype == np.int64 and abs(array).max(initial=0) < 1 << 31:
            return dtypes.int32
        if array.dtype == np.float64:
            return dtypes.float32
    return dtypes.as_dtype(array.dtype)


def _is_uniform(array: np.ndarray) -> bool:
    """True if all elements have the same bits."""
    if array.dtype == object or array.dtype.itemsize not in (1, 2, 4, 8):
        return False
    if not any(array.strides):  # one number in memory, however many elements
        return True
    bits = np.ascontiguousarray(array).reshape(-1).view(f"u{array.dtype.itemsize}")
    return bool((bits[:_UNIFORM] == bits[0]).all() and (bits == bits[0]).all())
