"""Lowered values of tensors: a Node, dynamic rows, a list of tensors, or a value that only the host can hold."""

from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core.dtypes import DType
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class ListValue:
    """A list of tensors of one shape, as a dense buffer `[capacity, *element]` with `length` elements in use.

    `buffer` is None until the shape of the elements is known; elements that were never set are zeros.
    """

    dtype: DType
    buffer: Node | None
    length: Node
    # None: unbounded, until the trip count of a loop that fills the list is known.
    capacity: int | None
    element_shape: tuple[int, ...] | None = None
    pushed: Node | None = None  # the value of every element, of a list to which only it was pushed
    noted: bool = False  # written to without memory, to learn the shape of its elements
    awaits: bool = False  # a loop that is traced for the first time will give it memory

    @property
    def is_dense(self) -> bool:
        """True if the list has memory: its elements' shape and its capacity are known."""
        return self.buffer is not None

    @property
    def memory(self) -> Node:
        """The buffer of a list that has one."""
        if self.buffer is None:
            raise ValueError("the list has no memory yet")
        return self.buffer

    def with_buffer(self, buffer: Node) -> "ListValue":
        """The list with another buffer."""
        return replace(
            self, buffer=buffer, capacity=buffer.shape[0], element_shape=buffer.shape[1:]
        )

    def allocated(
        self, p: LoweringContext, element_shape: tuple[int, ...] | None = None
    ) -> "ListValue":
        """The list with memory, zeros at first. It must have a capacity."""
        if self.buffer is not None:
            return self
        shape = self.element_shape if self.element_shape is not None else element_shape
        if shape is None or self.capacity is None:
            raise ValueError("the list has no element shape or no capacity yet")
        return self.with_buffer(p.full((self.capacity, *shape), 0, self.dtype))


@dataclass(frozen=True)
class HostValue:
    """A value that a program cannot hold: a string, a table, an iterator. `value` is the value if it is a constant."""

    why: str
    value: Any = None


class Absent(HostValue):
    """The result of a branch for a tensor of another branch whose shape is unknown in this one.

    `value` replaces it where the host runs the branch; its contents are never read."""


@dataclass(frozen=True)
class DynamicRows:
    """An array whose number of rows depends on data: the first `count` of `rows`. The contents of the others are undefined."""

    rows: Node
    count: Node  # an int32 scalar

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.rows.dtype

    @property
    def capacity(self) -> int:
        """The most rows that there can be."""
        return self.rows.shape[0]

    @property
    def rank(self) -> int:
        """The number of axes."""
        return self.rows.rank


Lowered = Node | ListValue | HostValue | DynamicRows


def known_length(p: LoweringContext, value: ListValue) -> dims.Extent | None:
    """The length of a list as an extent, if it is known while lowering."""
    known = p.dims(value.length)
    return None if known is None else known[0]
