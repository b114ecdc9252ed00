"""Long reductions in stretches: sums of floats restart periodically, since the error of a running sum grows with its number of steps.

A sum of stretches is a running sum as well, so it is divided again if it is long. This does not depend on the number of loops of the reduction or of
lanes of the processor's vectors: 16 and 8 lanes then have similar errors.
"""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.nests.reductions import Running
from penstock._src.native.language.function import Fn
from penstock._src.native.language.value import Val

STRETCH = 128  # additions to one running result
UNKNOWN = 2  # levels of stretches for a loop whose trip count is known only at run time

Run = Callable[..., tuple]  # (low, high, *carried) -> carried


def split_carried(values: Sequence[Any], work: Sequence[Running]) -> list[tuple]:
    """The values that loops carry, for each reduction."""
    out, start = [], 0
    for r in work:
        out.append(tuple(values[start : start + r.carried]))
        start += r.carried
    return out


def initial(work: Sequence[Running]) -> list[Val]:
    """The initial values of all reductions."""
    return [value for r in work for value in r.initial()]


def combined(work: Sequence[Running], a: Sequence[Any], b: Sequence[Any]) -> tuple:
    """Two partial results of all reductions as one."""
    out = []
    for r, x, y in zip(work, split_carried(a, work), split_carried(b, work)):
        out += r.combined(x, y)
    return tuple(out)


def rounds(running: Running) -> bool:
    """True if each step of a reduction rounds, as sums of floats do."""
    return running.op == "sum" and (running.dtype.is_floating or running.dtype.is_complex)


def steps_of(end: Any, width: int) -> int | None:
    """The number of steps of a loop over some elements; None if it is known only at run time."""
    return -(-end // width) if isinstance(end, int) else None


def lengths(steps: int | None, additions: int) -> list[int]:
    """The lengths of a stretch in steps, of a stretch of stretches, and so on.

    Args:
      steps: number of steps of the loop; None if unknown.
      additions: number of additions to a running result in each step.
    """
    if steps is not None and steps * additions <= STRETCH:
        return []
    # Counted in additions, not in steps: a step of an inner loop may add many terms.
    sizes = [max(1, STRETCH // additions)]
    while len(sizes) < UNKNOWN if steps is None else steps > sizes[-1] * STRETCH:
        sizes.append(sizes[-1] * STRETCH)
    return sizes


def additions(steps: int | None, of_each: int) -> int:
    """The number of additions to the running result of a loop with `of_each` in each step."""
    sizes = lengths(steps, of_each)
    if steps is None:
        return 1
    return -(-steps // sizes[-1]) if sizes else steps * of_each


def in_stretches(
    f: Fn,
    work: Sequence[Running],
    run: Run,
    limits: tuple[Any, Any],
    sizes: Sequence[int],
    carried: Sequence[Val],
) -> tuple:
    """run(low, high, *carried), a loop of reductions, divided into stretches that restart from the initial value.

    Args:
      f: the function that is written.
      work: the reductions.
      run: writes the loop from and to a number.
      limits: where the loop begins and ends, numbers of Python or of the function.
      sizes: lengths of stretches, as differences of the loop's variable.
      carried: the results so far.
    """

    def cut(left: Sequence[int], low: Any, end: Any, *values: Any) -> tuple:
        if not left:
            return run(low, end, *values)
        *inner, length = left

        def stretch(at: Any, *so_far: Any) -> tuple:
            part = cut(inner, at, f.min(at + length, end), *initial(work))
            return combined(work, so_far, part)

        return f.loop(low, end, length, stretch, *values)

    return cut(sizes, *limits, *carried)
