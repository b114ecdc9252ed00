"""The launch table as nested regions: launches in order, loops, and choices, in place of the equivalent jumps.

`compiler/plan/launchers/control.py` writes the jumps, in one form for loops and one for choices.
"""

from collections.abc import Sequence

from penstock._src.compiler.plan.launch_table import (
    STATUS,
    Jump,
    Label,
    Launch,
    Record,
    offsets,
)
from penstock._src.core.errors import InternalError
from penstock._src.native.runner import HEADER, HOLD, JUMP, JUMP_UNLESS, SWITCH
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Kernel:
    """A launch, and the word of the table at which its record begins."""

    launch: Launch
    at: int

    @property
    def is_check(self) -> bool:
        """True if it may end the run."""
        return any(argument is STATUS for argument in self.launch.args)


@dataclass(frozen=True)
class Loop:
    """`condition`, then `body` and `condition` again, as long as the byte that the condition computes is not 0.

    holds    the word of the table with the byte's address
    rounds   number of iterations, if known before the run
    """

    condition: "tuple[Region, ...]"
    body: "tuple[Region, ...]"
    holds: int
    rounds: int | None


@dataclass(frozen=True)
class Choice:
    """One of the branches: that of an int32's number, or the last if it is outside.

    index   the word of the table with the number's address
    """

    branches: "tuple[tuple[Region, ...], ...]"
    index: int


Region = Kernel | Loop | Choice


def regions_of(records: Sequence[Record]) -> tuple[Region, ...]:
    """The regions of a launch table.

    Raises:
      InternalError: its jumps form neither loops nor choices.
    """
    reader = _Reader(records)
    regions = reader.regions()
    if reader.at != len(reader.records):
        raise reader.refusal()
    return regions


def asks(regions: Sequence[Region]) -> bool:
    """True if results on the GPU control what runs next."""
    return any(
        isinstance(r, Choice)
        or (isinstance(r, Loop) and (r.rounds is None or asks(r.condition) or asks(r.body)))
        for r in regions
    )


def kernels_of(regions: Sequence[Region]) -> list[Kernel]:
    """All launches, each once."""
    kernels: list[Kernel] = []
    for region in regions:
        if isinstance(region, Kernel):
            kernels.append(region)
        else:
            for part in parts(region):
                kernels += kernels_of(part)
    return kernels


def depth(regions: Sequence[Region]) -> int:
    """The nesting depth of loops and choices."""
    inner = (depth(part) for r in regions if not isinstance(r, Kernel) for part in parts(r))
    return max((1 + d for d in inner), default=0)


def parts(region: Loop | Choice) -> tuple[tuple[Region, ...], ...]:
    """The regions within one."""
    return (region.condition, region.body) if isinstance(region, Loop) else region.branches


def unrolled(region: Region) -> int:
    """The number of launches of a region with loops of known trip counts unrolled; other loops count once."""
    if isinstance(region, Kernel):
        return 1
    if isinstance(region, Choice):
        # A graph holds all branches, whichever is taken.
        return sum(unrolled(r) for branch in region.branches for r in branch)
    # The condition runs once more than the body.
    rounds = 1 if region.rounds is None else region.rounds
    return sum(map(unrolled, region.condition)) * (rounds + 1) + rounds * sum(
        map(unrolled, region.body)
    )


class _Reader:
    """Reads a table from its begin to its end; `at` is the record that comes next."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = [
            (r, at)
            for r, at in offsets(records)
            if not (isinstance(r, Jump) and r.operation == HOLD)  # GPUs are not interrupted
        ]
        self.at = 0

    def regions(self) -> tuple[Region, ...]:
        """The regions before the next jump that belongs to an enclosing region."""
        regions_: list[Region] = []
        while self.at < len(self.records):
            record, word = self.records[self.at]
            if isinstance(record, Launch):
                regions_.append(Kernel(record, word))
                self.at += 1
            elif isinstance(record, Label):
                regions_.append(self._loop(record))
            elif record.operation == SWITCH:
                regions_.append(self._choice(record, word))
            else:
                break
        return tuple(regions_)

    def _loop(self, again: Label) -> Loop:
        self.at += 1
        # Launches up to the jump that leaves the loop compute the condition.
        condition = self.regions()
        leave, word = self._jump(JUMP_UNLESS)
        body = self.regions()
        back, _ = self._jump(JUMP)
        # The table's jumps are read by their form; another form would be another meaning.
        if back.target is not again:
            raise self.refusal()
        self._label(leave.target)
        return Loop(condition, body, word + HEADER, leave.rounds)

    def _choice(self, switch: Jump, word: int) -> Choice:
        self.at += 1
        _, *labels = switch.args
        branches, end = [], None
        for label in labels:
            self._label(label)
            # A branch ends at its jump to the common end.
            branches.append(self.regions())
            end = self._jump(JUMP)[0].target
        self._label(end)
        return Choice(tuple(branches), word + HEADER)

    def _jump(self, operation: int) -> tuple[Jump, int]:
        if self.at < len(self.records):
            record, word = self.records[self.at]
            if isinstance(record, Jump) and record.operation == operation:
                self.at += 1
                return record, word
        raise self.refusal()

    def _label(self, label: object) -> None:
        if self.at == len(self.records) or self.records[self.at][0] is not label:
            raise self.refusal()
        self.at += 1

    def refusal(self) -> InternalError:
        """The error for jumps that mean neither."""
        return InternalError(
            None, None, f"record {self.at} of a launch table is part of no loop and no choice."
        )


__all__ = [
    "Choice",
    "Kernel",
    "Loop",
    "Region",
    "asks",
    "depth",
    "kernels_of",
    "regions_of",
    "unrolled",
]
