"""In which order a stage computes the forward and backward passes of a step's micro-batches."""

from __future__ import annotations

from typing import NamedTuple

SCHEDULES = ("1F1B", "GPipe")


class Task(NamedTuple):
    """A pass of a micro-batch through a stage."""

    is_forward: bool
    index: int


def order(schedule: str, stage: int, stages: int, count: int) -> list[Task]:
    """Returns the actions of a stage in a step. Backward passes run in the order of the micro-batches, so sums are equal in all schedules.

    Args:
      schedule: "GPipe": all forward passes, then all backward passes (Huang et al., 2019). "1F1B": each backward pass as soon as
        it can be, so that a stage holds the activations of at most as many micro-batches as there are stages from it to the last (Narayanan et
        al., 2019).
      stage: its number.
      stages: how many there are.
      count: of micro-batches.
    """
    ahead = count if schedule == "GPipe" else min(stages - stage - 1, count)
    tasks = [Task(True, index) for index in range(ahead)]
    for index in range(count):
        if ahead + index < count:
            tasks.append(Task(True, ahead + index))
        tasks.append(Task(False, index))
    return tasks


def parts(rows: int, count: int) -> list[tuple[int, int]]:
    """Return the bounds of at most `count` non-empty parts of some rows, with sizes that differ by at most one."""
    count = min(count, rows)
    return [(rows * i // count, rows * (i + 1) // count) for i in range(count)]
