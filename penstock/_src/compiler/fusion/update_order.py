"""The order of updates of variables among a function's kernels: each as soon as its inputs are stored.

A program computes all gradients before its optimizer reads the first. In this order the arena holds the gradients of all variables at once, as
many bytes as the variables have. A kernel that stores new values of variables therefore moves up to where its last input is stored and all others
have read the old values: the memory of its gradients is free again, and some of them are still in a cache. Small kernels that it needs (rates,
corrections of moments) move with it. All other kernels keep their order.

If a check fails, variables assigned after it must keep their values, so no update moves above a check; checks move up in the same way.
"""

import heapq
import math
from collections.abc import Mapping, Sequence

from penstock._src.compiler.fusion.exchange_order import needs_of
from penstock._src.compiler.kernels.kernel import BoundsKernel, Kernel, NestKernel, SpecialKernel
from penstock._src.compiler.kernels.memory import home
from penstock._src.ir.function import Function
from penstock._src.util.dataclass import dataclass

SMALL = 1024  # most elements of each output of a kernel that moves because an update needs it
_HAS_FUNCTIONS = ("while", "case")  # their functions may have checks of their own


def in_update_order(kernels: Sequence[Kernel], function: Function) -> tuple[Kernel, ...]:
    """The kernels of a function that makes no exchanges, each update of a variable where it frees memory soonest."""
    if not function.updates:
        return tuple(kernels)
    roles = _roles(kernels, function)
    needs = _needs(kernels, roles)
    return tuple([kernels[number] for number in _order(needs, _movable(kernels, roles, needs))])


@dataclass(frozen=True)
class _Role:
    """Facts about a kernel's part in the order.

    updates   ids of the handles of the variables whose new values it stores
    reads     ids of the handles of the variables whose old values it reads
    may_end   True if a check of it, or after it, may end the run
    """

    updates: frozenset[int]
    reads: frozenset[int]
    may_end: bool


def _roles(kernels: Sequence[Kernel], function: Function) -> list[_Role]:
    handles: dict[int, set[int]] = {}
    for handle, value in function.updates:
        handles.setdefault(home(value).id, set()).add(handle.id)
    conditions = {home(check.condition).id for check in function.checks}
    return [_role(kernel, handles, conditions) for kernel in kernels]


def _role(kernel: Kernel, handles: Mapping[int, set[int]], conditions: set[int]) -> _Role:
    """A kernel's role; `handles`: by the id of a new value, `conditions`: ids of what is checked."""
    stored = [node.id for node in kernel.outputs]
    return _Role(
        frozenset[int]().union(*[handles.get(one, ()) for one in stored]),
        frozenset(leaf.args[0].id for leaf in map(home, kernel.inputs) if leaf.kind == "read"),
        isinstance(kernel, BoundsKernel)
        or (isinstance(kernel, SpecialKernel) and kernel.node.kind in _HAS_FUNCTIONS)
        or not conditions.isdisjoint(stored),
    )


def _needs(kernels: Sequence[Kernel], roles: Sequence[_Role]) -> list[set[int]]:
    """For each kernel the numbers of those that store its inputs and, before an update, of those that may end the run or read the old value."""
    needs = needs_of(kernels)
    readers: dict[int, set[int]] = {}
    ending: set[int] = set()
    for number, role in enumerate(roles):
        if role.updates:
            # A new value may take the place of the old one, which earlier readers must have seen.
            needs[number].update(ending, *[readers.get(handle, ()) for handle in role.updates])
        for handle in role.reads:
            readers.setdefault(handle, set()).add(number)
        if role.may_end:
            ending.add(number)
    return needs


def _movable(
    kernels: Sequence[Kernel], roles: Sequence[_Role], needs: Sequence[set[int]]
) -> set[int]:
    """The numbers of the kernels that update variables or check something, and of small ones that these need."""
    movable: set[int] = set()
    wanted: set[int] = set()
    # Backwards: what an update needs is known before the kernels that may move with it.
    for number in reversed(range(len(kernels))):
        kernel, role = kernels[number], roles[number]
        if isinstance(kernel, BoundsKernel) or (
            isinstance(kernel, NestKernel)
            and (role.updates or role.may_end or (number in wanted and _is_small(kernel)))
        ):
            movable.add(number)
            wanted |= needs[number]
    return movable


def _is_small(kernel: Kernel) -> bool:
    """True if a kernel's outputs have few elements, whatever unknown extents are."""
    return all(
        all(isinstance(extent, int) for extent in node.shape) and math.prod(node.shape) <= SMALL
        for node in kernel.outputs
    )


def _order(needs: Sequence[set[int]], movable: set[int]) -> list[int]:
    """The numbers of the kernels: those in `movable` as soon as all that they need are placed, others in their order."""
    left = [len(needed) for needed in needs]
    dependents: dict[int, list[int]] = {}
    for number, needed in enumerate(needs):
        for one in needed:
            dependents.setdefault(one, []).append(number)
    ready = [number for number in sorted(movable) if not left[number]]
    order: list[int] = []
    placed: set[int] = set()

    def place(number: int) -> None:
        order.append(number)
        placed.add(number)
        for other in dependents.get(number, ()):
            left[other] -= 1
            if not left[other] and other in movable:
                heapq.heappush(ready, other)

    for number in range(len(needs)):
        while ready:
            place(heapq.heappop(ready))
        if number not in placed:
            place(number)
    return order
