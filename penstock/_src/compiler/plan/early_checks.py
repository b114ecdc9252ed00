"""Checks that end a run early: before variables change that are assigned after the check.

Nodes are numbered as the program makes them, which is how eager code comes to them. A check is looked at as soon as a
kernel has made its condition, so that kernels after it have not run. What is assigned after a check and yet made by no
later kernel is made aside, and copied into the variable when all checks hold.
"""

from collections.abc import Callable, Mapping, Sequence

from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.memory import home
from penstock._src.ir.function import Check
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

NEVER = (-1,)


@dataclass(frozen=True)
class EarlyChecks:
    """The checks of a function that changes variables, by the number of the kernel before which they are looked at.

    `makers` are the numbers of the kernels that make nodes, `are_side_by_side` tells of two kernels whether they run in two lanes.
    """

    before: Mapping[int, Sequence[Check]]
    makers: Mapping[int, Sequence[int]]
    are_side_by_side: Callable[[int, int], bool] = lambda _one, _other: False

    @classmethod
    def of(cls, schedule: Schedule) -> "EarlyChecks":
        """Those of a function."""
        function = schedule.function
        before: dict[int, list[Check]] = {}
        for check in function.checks if function.updates else ():
            made = schedule.makers.get(home(check.condition).id, NEVER)[-1]
            before.setdefault(made + 1, []).append(check)
        return cls(before, schedule.makers, schedule.are_side_by_side)

    def is_early(self, value: Node) -> bool:
        """True if a kernel computes a variable's new value before, or beside, the evaluation of a check that precedes the assignment."""
        made = self.makers.get(value.id, NEVER)[-1]
        return any(
            self.are_side_by_side(made, number - 1)
            or (made < number and (made == number - 1 or value.id > check.condition.id))
            for number, checks in self.before.items()
            for check in checks
        )
