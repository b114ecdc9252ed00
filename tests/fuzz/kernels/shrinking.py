"""A smaller case that fails in the same way."""

import dataclasses
from collections.abc import Iterator

from tests.fuzz.kernels.case import Case
from tests.fuzz.kernels.running import failure


def shrink(case: Case, wanted: str) -> Case:
    """Takes away steps, options and elements as long as the case fails with the same kind of fault."""
    shrinking = True
    while shrinking:
        shrinking = False
        for smaller in _smaller(case):
            if _kind(_failure(smaller)) == _kind(wanted):
                case, shrinking = smaller, True
                break
    return case


def _failure(case: Case) -> str | None:
    try:
        return failure(case)
    except (
        Exception
    ):  # `failure` returns those of the compiler: the steps of this case do not fit together
        return None


def _kind(text: str | None) -> str:
    return (text or "").split(":")[0].split(" ")[0]


def _smaller(case: Case) -> Iterator[Case]:
    for i in range(len(case.tail)):
        yield dataclasses.replace(case, tail=case.tail[:i] + case.tail[i + 1 :])
    for side in range(len(case.views)):
        steps = case.views[side]
        for i in range(len(steps)):
            views = list(case.views)
            views[side] = steps[:i] + steps[i + 1 :]
            yield dataclasses.replace(case, views=tuple(views))
    if case.options:
        yield dataclasses.replace(case, options={})
    if case.symbolic:
        yield dataclasses.replace(case, symbolic="")
    if case.dtype != "float32":
        yield dataclasses.replace(case, dtype="float32")
    for letter, extent in case.extents.items():
        for less in (1, 2, 3, extent // 2, extent - 1):
            if 0 < less < extent:
                yield dataclasses.replace(case, extents={**case.extents, letter: less})
