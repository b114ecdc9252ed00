"""SpecialLaunch: the launch of a node with its own emitter."""

import enum
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Target
from penstock._src.util.dataclass import dataclass

TASK = 1 << 14  # elements of a task


@dataclass(frozen=True)
class Scratch:
    """Memory for one launch only."""

    size: int  # bytes


class SessionWord(enum.Enum):
    """A word for an address in the session of a run's exchanges (native/process/exchanges.py)."""

    SESSION = enum.auto()  # its address
    START = enum.auto()  # addresses of the engine's functions
    ADVANCE = enum.auto()
    LOOK = enum.auto()
    ERROR = enum.auto()  # addresses of its words
    COMPLETE = enum.auto()


@dataclass(frozen=True)
class Bounds:
    """Index vectors, along the last axis of `indices`, that must lie below `extents`."""

    indices: Node
    extents: tuple[int, ...]


@dataclass(frozen=True)
class SpecialStage:
    """A further launch of the same code: its function and tasks, and the words of its context, if they are others."""

    function: str
    tasks: int
    words: "Sequence[Node | Scratch | SessionWord | int] | None" = None


@dataclass(frozen=True)
class SpecialLaunch:
    """A launch over numbered tasks, and those that follow it.

    key      identifies its code
    write    writes the code, whose first function is "task"
    tasks    number of tasks; 0 if there is nothing to do
    words    of the context that every task reads: numbers, nodes (the address of their memory), Scratch and SessionWords
    label    a few words for reports
    bounds   of indices that end the run with an error if they are outside
    then     launches that follow; a Scratch in their words is the same memory as there
    """

    key: tuple[Any, ...]
    write: Callable[[Target], Code]
    tasks: int
    words: "Sequence[Node | Scratch | SessionWord | int]"
    label: str
    bounds: Bounds | None = None
    then: Sequence[SpecialStage] = ()


@dataclass(frozen=True)
class Special:
    """A kind of node with its own emitter.

    launch         (node, its used results, target, threads) -> the launch
    updates_first  the result starts as a copy of the first argument, which the launch then changes
    """

    launch: Callable[[Node, Sequence[Node], Target, int], SpecialLaunch]
    updates_first: bool = False


def line_extents(shape: Sequence[int], axis: int) -> tuple[int, int, int]:
    """(outer, n, inner) of lines along an axis."""
    extents = [dims.settled(d) for d in shape]
    return dims.product(extents[:axis]), extents[axis], dims.product(extents[axis + 1 :])
