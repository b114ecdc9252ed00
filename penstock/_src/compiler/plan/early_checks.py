"""Early checks: end a run before it changes variables that the user's program assigns after the check, as eager code does.

The ids of nodes follow the order of the user's program. A check is evaluated directly after the kernel that computes its condition, before any later
kernel runs. If a variable's new value belongs after a check but is computed by the same or an earlier kernel, it is computed into
a temporary, which is copied to the variable when all checks have passed.
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
    """The checks of a function that changes variables, by the index of the kernel before which they are evaluated.

    makers            indices of the kernels that compute a node, by its id
    are_side_by_side  True for two kernels of different streams of one section
    """

    before: Mapping[int, Sequence[Check]]
    makers: Mapping[int, Sequence[int]]
    are_side_by_side: Callable[[int, int], bool] = lambda _one, _other: False

    @classmethod
    def of(cls, schedule: Schedule) -> "EarlyChecks":
        """The checks of a schedule's function."""
        function = schedule.function
        before: dict[int, list[Check]] = {}
        for check in function.checks if function.updates else ():
            # Directly after the kernel that completes the condition.
            last_maker = schedule.makers.get(home(check.condition).id, NEVER)[-1]
            before.setdefault(last_maker + 1, []).append(check)
        return cls(before, schedule.makers, schedule.are_side_by_side)

    def is_early(self, value: Node) -> bool:
        """True if a kernel computes a variable's new value before, or beside, the evaluation of a check that precedes the assignment."""
        last_maker = self.makers.get(value.id, NEVER)[-1]
        # `number - 1` is the kernel that computes the condition. A kernel that computes both is early whatever the ids are: it stores
        # the value before the condition can be read.
        return any(
            self.are_side_by_side(last_maker, number - 1)
            or (last_maker < number and (last_maker == number - 1 or value.id > check.condition.id))
            for number, checks in self.before.items()
            for check in checks
        )
