"""The launch table: the records of a program. This file defines their format.

    Launch   runs the tasks of a kernel's function      address of the function, number of tasks
    Jump     continues elsewhere, perhaps conditionally operation of native/runner.py, target
    Label    the target of jumps                        no words

A record consists of those two words, its length in words, its time (to which timed runs add), then its arguments. A
label's offset is the number of words before it. The device encodes arguments, as it knows the addresses of buffers.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.ir.node import Node
from penstock._src.native import Code
from penstock._src.native.runner import (
    HEADER,
    HOLD,
    JUMP,
    JUMP_UNLESS,
    NANOSECONDS,
    STREAMS,
    SWITCH,
    A,
)
from penstock._src.util.dataclass import dataclass

CONTROL = {
    JUMP: "jump",
    JUMP_UNLESS: "jump unless",
    SWITCH: "switch",
    HOLD: "hold",
    STREAMS: "streams",
}


class _Status:
    """The argument of a launch for the address of the program's status words."""


STATUS = _Status()


# The name of a launch in reports; in a plan with unknown extents a function, called when extents have numbers.
LaunchLabel = str | Callable[[], str]


@dataclass(frozen=True, eq=False)
class Launch:
    """A fork-join over tasks.

    args      numbers, Buffers, STATUS, or one of these with a byte offset
    nodes     the nodes that its kernel stores or checks: one list for all launches of a kernel
    holds     True for the first launch that updates a variable: from here the run is not interrupted
    stream    the stream, counted from 1, where launches run side by side; else 0
    schedule  the tiling of a contraction, for reports: "gemm 8x48"
    """

    code: Code
    function: str
    tasks: Any  # an extent
    args: Sequence[Any]
    label: LaunchLabel
    nodes: Sequence[Node]
    holds: bool = False
    stream: int = 0
    schedule: str = ""


@dataclass(frozen=True, eq=False)
class Label:
    """A position in the table, between two records."""


@dataclass(frozen=True, eq=False)
class Jump:
    """A control record: `operation` of the runner, its target (a Label, or a number), further arguments.

    rounds  for the condition of a loop with a known trip count: this count
    """

    operation: int
    target: Any
    args: Sequence[Any] = ()
    rounds: int | None = None


Record = Launch | Jump | Label


def offsets(records: Sequence[Record]) -> Iterator[tuple[Record, int]]:
    """Each record with its offset in words."""
    at = 0
    for record in records:
        if isinstance(record, Launch) and record.holds:
            at += HEADER  # size of the HOLD record that `encode` puts before it
        yield record, at
        if not isinstance(record, Label):
            at += HEADER + len(record.args)


def time_words(records: Sequence[Record]) -> list[tuple[Launch, int]]:
    """The launches, each with the offset of the word to which timed runs add its nanoseconds."""
    return [(r, at + NANOSECONDS) for r, at in offsets(records) if isinstance(r, Launch)]


def text(records: Sequence[Record]) -> str:
    """A line for each record, with its offset in words."""
    labels = {r: at for r, at in offsets(records) if isinstance(r, Label)}
    lines = []
    for record, at in offsets(records):
        if isinstance(record, Launch):
            lines.append(f"{at:6}  {record.label}: {record.tasks} tasks")
        elif isinstance(record, Jump):
            targets = [labels[x] for x in (record.target, *record.args) if isinstance(x, Label)]
            lines.append(f"{at:6}  {CONTROL[record.operation]} {' '.join(map(str, targets))}")
    return "\n".join(lines)


def encode(
    records: Sequence[Record], address: Callable[[Launch], int], word: Callable[[Any, int], int]
) -> list[int]:
    """The words of a table.

    Args:
      records: the records in order.
      address: returns the address of a launch's function.
      word: returns the word of an argument or a count of tasks; also takes the word's offset in the table, where a call may patch it.
    """
    labels = {r: at for r, at in offsets(records) if isinstance(r, Label)}
    words: list[int] = []
    for record in records:
        if isinstance(record, Label):
            continue
        if isinstance(record, Launch) and record.holds:
            words += [HOLD, 1, HEADER, 0]
        start = len(words)
        if isinstance(record, Jump):
            target = record.target
            words += [record.operation, labels[target] if isinstance(target, Label) else target]
        else:
            words.append(address(record))
            words.append(word(record.tasks, start + A))
        words += [HEADER + len(record.args), 0]
        for i, argument in enumerate(record.args):
            is_label = isinstance(argument, Label)
            words.append(labels[argument] if is_label else word(argument, start + HEADER + i))
    return words
