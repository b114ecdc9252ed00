"""The launch table: what a program runs, record by record. This file owns its format.

    Launch   runs the tasks of a kernel's function      address of the function, how many tasks
    Jump     goes on elsewhere, perhaps                 operation of native/runner.py, target
    Label    a place in the table that jumps name       no words at all

The words of a record are those two, the record's length, its time (which timed runs add to), then its arguments. A
label's offset is the number of words before it. What an argument's word is, only the device knows: buffers have
addresses there.
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
    LANES,
    NANOSECONDS,
    SWITCH,
    A,
)
from penstock._src.util.dataclass import dataclass

CONTROL = {JUMP: "jump", JUMP_UNLESS: "jump unless", SWITCH: "switch", HOLD: "hold", LANES: "lanes"}


class _Status:
    """Stands for the address of the program's status words among a launch's arguments."""


STATUS = _Status()


# A few words for reports: in a plan with unknown extents, what makes them when these have numbers.
LaunchLabel = str | Callable[[], str]


@dataclass(frozen=True, eq=False)
class Launch:
    """A fork-join over tasks. `args` are numbers, Buffers, STATUS, or one of these with a byte offset.

    `made` are the nodes that its kernel stores (or checks): one list for all launches of a kernel. One that `holds` is the first
    that updates a variable: from here on the run is not interrupted. `lane` counts from 1 where launches run side by side. `schedule` names
    how a contraction is cut, for reports: "gemm 8x48".
    """

    code: Code
    function: str
    tasks: Any  # an extent
    args: Sequence[Any]
    label: LaunchLabel
    made: Sequence[Node]
    holds: bool = False
    lane: int = 0
    schedule: str = ""


@dataclass(frozen=True, eq=False)
class Label:
    """A place in the table."""


@dataclass(frozen=True, eq=False)
class Jump:
    """A control record: `operation` of the runner, its target (a Label, or a number), further arguments.

    rounds  of a loop's condition: how often it holds before it does not, if that is known before the run
    """

    operation: int
    target: Any
    args: Sequence[Any] = ()
    rounds: int | None = None


Record = Launch | Jump | Label


def offsets(records: Sequence[Record]) -> Iterator[tuple[Record, int]]:
    """Each record with the word at which it begins."""
    at = 0
    for record in records:
        if isinstance(record, Launch) and record.holds:
            at += HEADER
        yield record, at
        if not isinstance(record, Label):
            at += HEADER + len(record.args)


def time_words(records: Sequence[Record]) -> list[tuple[Launch, int]]:
    """The launches, each with the word to which timed runs add its nanoseconds."""
    return [(r, at + NANOSECONDS) for r, at in offsets(records) if isinstance(r, Launch)]


def text(records: Sequence[Record]) -> str:
    """A line for each record, with the word at which it begins."""
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
      records: what to run, in order.
      address: of a launch's function.
      word: what an argument, or a number of tasks, is; given the number of its word in the table (where a call may patch it).
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
            known = isinstance(argument, Label)
            words.append(labels[argument] if known else word(argument, start + HEADER + i))
    return words
