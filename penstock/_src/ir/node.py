"""Nodes of the primitive graph: immutable and hash-consed, so that equal nodes are one object."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims

Shape = tuple[int, ...]

_SERIALS = itertools.count(1)
_SMALL_CONSTANT = 1024  # bytes of the largest constants that are compared by content


class Arithmetic(Protocol):
    """The part of a builder that a node's operators call."""

    def add(self, x: Any, y: Any, /) -> Node: ...
    def sub(self, x: Any, y: Any, /) -> Node: ...
    def mul(self, x: Any, y: Any, /) -> Node: ...
    def div(self, x: Any, y: Any, /) -> Node: ...
    def floordiv(self, x: Any, y: Any, /) -> Node: ...
    def mod(self, x: Any, y: Any, /) -> Node: ...
    def pow(self, x: Any, y: Any, /) -> Node: ...
    def neg(self, x: Any, /) -> Node: ...


class Node:
    """One value of the primitive graph: `kind(args; attrs)`.

    `shape` and `dtype` are those of the value. Nodes with several results (`sort`, `while`, `case`) have `results`, a
    tuple of (shape, dtype); an `item` node selects each result. `depth` is the nesting depth of the innermost
    function on whose parameters the value depends. `id` grows along every path: sorting by it is a topological order.
    """

    __slots__ = (
        "args",
        "attrs",
        "builder",
        "depth",
        "dtype",
        "id",
        "kind",
        "origin",
        "results",
        "shape",
    )

    def __init__(
        self,
        builder: Arithmetic,
        kind: str,
        args: tuple[Node, ...],
        attrs: Mapping[str, Any],
        shape: Shape,
        dtype: DType,
        results: tuple[tuple[Shape, DType], ...] | None = None,
        depth: int = 0,
        origin: Any = None,
    ) -> None:
        self.builder: Any = builder  # a NodeMaker, see build/maker.py
        self.id = next(_SERIALS)
        self.kind = kind
        self.args = args
        self.attrs = attrs
        self.shape = shape
        self.dtype = dtype
        self.results = results
        self.depth = depth
        self.origin = origin

    @property
    def op(self) -> str:
        """The operation among those of its kind: "exp" of a unary node."""
        return self.attrs["op"]

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    ndim = rank

    @property
    def size(self) -> int:
        """The number of elements, a Dim where an extent is one."""
        return dims.product(self.shape)

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.attrs.items() if k != "value"}
        if "value" in self.attrs:
            shown["value"] = brief(self.attrs["value"])
        attrs = "".join(f", {k}={v!r}" for k, v in shown.items())
        args = ", ".join(f"%{a.id}" for a in self.args)
        return f"%{self.id} = {self.kind}({args}{attrs}): {type_text(self)}"

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of {self!r} is only known when the program runs")

    def __add__(self, other: Any) -> Node:
        return self.builder.add(self, other)

    def __radd__(self, other: Any) -> Node:
        return self.builder.add(other, self)

    def __sub__(self, other: Any) -> Node:
        return self.builder.sub(self, other)

    def __rsub__(self, other: Any) -> Node:
        return self.builder.sub(other, self)

    def __mul__(self, other: Any) -> Node:
        return self.builder.mul(self, other)

    def __rmul__(self, other: Any) -> Node:
        return self.builder.mul(other, self)

    def __truediv__(self, other: Any) -> Node:
        return self.builder.div(self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return self.builder.div(other, self)

    def __floordiv__(self, other: Any) -> Node:
        return self.builder.floordiv(self, other)

    def __rfloordiv__(self, other: Any) -> Node:
        return self.builder.floordiv(other, self)

    def __mod__(self, other: Any) -> Node:
        return self.builder.mod(self, other)

    def __rmod__(self, other: Any) -> Node:
        return self.builder.mod(other, self)

    def __pow__(self, other: Any) -> Node:
        return self.builder.pow(self, other)

    def __rpow__(self, other: Any) -> Node:
        return self.builder.pow(other, self)

    def __neg__(self) -> Node:
        return self.builder.neg(self)


def attribute_key(value: Any) -> Any:
    """A hashable key that is equal for equal attribute values."""
    if isinstance(value, tuple):
        return tuple([attribute_key(v) for v in value])
    if type(value) is dims.Dim:
        return value.expr
    if isinstance(value, np.ndarray):
        if value.nbytes <= _SMALL_CONSTANT:
            return value.dtype.str, value.shape, value.tobytes()
        return "array", id(value)
    if isinstance(value, float):
        return value.hex()  # 0.0 differs from -0.0, and NaN equals itself
    return value


def depends_on_extents(value: Any) -> bool:
    """True if an attribute holds an extent that is not known: what is computed of it for one call is wrong for others."""
    if isinstance(value, tuple | list):
        return any(map(depends_on_extents, value))
    return dims.is_symbolic(value)


def type_text(node: Node) -> str:
    """The type as text: `float32[d0=32, 10]`, or a tuple of such for several results."""
    if node.results is not None:
        return "(" + ", ".join(f"{d.name}[{_extents(s)}]" for s, d in node.results) + ")"
    return f"{node.dtype.name}[{_extents(node.shape)}]"


def brief(value: Any) -> str:
    """A constant's value as short text."""
    value = np.asarray(value)
    if value.size <= 8:
        return str(value.tolist())
    first = ", ".join(str(v) for v in value.reshape(-1)[:4].tolist())
    return f"[{first}, ... {value.size} values]"


def _extents(shape: Shape) -> str:
    return ", ".join(map(dims.shown, shape))
