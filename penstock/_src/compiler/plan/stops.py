"""Where a run ends that a check refuses: before variables change that are assigned after the check.

Nodes are numbered as the program makes them, which is how eager code comes to them. A check is looked at as soon as a
kernel has made its condition, so that kernels after it have not run. What is assigned after a check and yet made by no
later kernel is made aside, and copied into the variable when all checks hold.
"""

from __future__ import annotations

from penstock._src.compiler.fusion.partition import Partition, home
from penstock._src.ir.function import Check, Function
from penstock._src.ir.node import Node


class Stops:
    """The checks of a function that changes variables, by the number of the kernel before which they are looked at."""

    def __init__(self, function: Function, part: Partition) -> None:
        checks = function.checks if function.updates else ()
        self.makers = {n.id: i for i, k in enumerate(part.kernels) for n in k.outputs if checks}
        self.before: dict[int, list[Check]] = {}
        for check in checks:
            made = self.makers.get(home(check.condition).id, -1)
            self.before.setdefault(made + 1, []).append(check)

    def is_early(self, value: Node) -> bool:
        """Whether a kernel makes a variable's new value before a check that precedes the assignment is looked at."""
        made = self.makers.get(value.id, -1)
        return any(
            made < number and (made == number - 1 or value.id > check.condition.id)
            for number, checks in self.before.items()
            for check in checks
        )
