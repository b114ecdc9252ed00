"""What is done with an operation's result: elementwise steps, sums, turns, a second contraction."""

import random
from math import prod

from tests.fuzz.kernels.case import Step

Axis = tuple[int, bool]  # its extent, and whether that is known only when the program runs


def tail(r: random.Random, axes: list[Axis], dtype: str) -> tuple[Step, ...]:
    """Returns steps for a result of these axes."""
    steps: list[Step] = []
    for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4])):
        found = _after(r, axes, dtype)
        if found is not None:
            step, axes = found
            steps.append(step)
            if step[0] == "narrow":
                break
    return tuple(steps)


def _after(r: random.Random, axes: list[Axis], dtype: str) -> tuple[Step, list[Axis]] | None:
    rank = len(axes)
    some = sorted(r.sample(range(rank), r.randint(0, rank)))
    kind = r.choice(["scale", "square", "bias", "bias", "bias", "residual", "total", "total", "moments", "centered",
                     "turn", "flat", "narrow", "cut", "again"])  # fmt: skip
    if kind in ("scale", "square"):
        return (kind,), axes
    if kind == "bias":
        return (kind, *some), axes
    if kind == "residual":
        return (kind, *r.sample(range(rank), rank)), axes
    if kind == "total" and some:
        keep = r.random() < 0.5
        left = axes if keep else [x for a, x in enumerate(axes) if a not in some]
        return (kind, r.choice(["sum", "sum", "sum", "max", "min"]), keep, *some), left
    if kind == "moments" and some and dtype in ("float32", "float64"):
        return (kind, *some), axes
    if kind == "centered" and some:
        return (kind, *some), axes
    if kind == "turn":
        perm = r.sample(range(rank), rank)
        return (kind, *perm), [axes[a] for a in perm]
    if kind == "flat" and rank > 1:
        axis = r.randrange(rank - 1)
        (n, first), (m, second) = axes[axis : axis + 2]
        return (kind, axis), [*axes[:axis], (n * m, first or second), *axes[axis + 2 :]]
    if kind == "narrow":
        return (kind, "float32" if dtype != "float32" else r.choice(["bfloat16", "float16"])), axes
    if kind == "cut" and rank:
        axis = r.randrange(rank)
        n, is_symbolic = axes[axis]
        if n > 1 and not is_symbolic:
            low = r.randrange(n)
            return (kind, axis, low), [*axes[:axis], (n - low, False), *axes[axis + 1 :]]
    if kind == "again" and rank and rank < 7 and prod(n for n, _ in axes) < 4000:
        return (kind,), [*axes[:-1], (3, False)]
    return None
