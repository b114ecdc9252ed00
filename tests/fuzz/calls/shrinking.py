"""Takes back the changes of a call that a finding does not need."""

from typing import Any

from tests.fuzz.calls import peer
from tests.fuzz.calls.drawing import Case
from tests.fuzz.calls.judging import judged


def finding_of(call: Any, ways: tuple[str, ...], seed: int) -> str:
    """What is found of a call, "" if nothing."""
    answer = judged(call, ways, seed)
    eager = answer.pop("eager", None)
    if answer["finding"] or eager is None:
        return answer["finding"]
    return peer.compared(call, eager)[0]


def shrink(case: Case, finding: str, ways: tuple[str, ...], seed: int) -> Case:
    """The case with as few changes as the same finding needs."""
    changes = list(case.changes)
    for change in list(changes):
        fewer = [one for one in changes if one is not change]
        if finding_of(Case(case.base, fewer).call(), ways, seed) == finding:
            changes = fewer
    return Case(case.base, changes)
