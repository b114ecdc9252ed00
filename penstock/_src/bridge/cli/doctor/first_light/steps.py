"""The table of steps, and the doctor's checks as one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from penstock._src.bridge.cli.doctor.checks import CHECKS, findings_of
from penstock._src.bridge.cli.doctor.first_light import calls, models, rates
from penstock._src.bridge.cli.doctor.first_light.findings import (
    Found,
    Subject,
    failed,
    measured,
    passed,
)


class Step(NamedTuple):
    """One part of the report.

    Args:
      run: yields what it finds.
      limit: seconds after which it is taken for stuck.
    """

    run: Callable[[Subject], Iterator[Found]]
    limit: int


def doctor(subject: Subject) -> Iterator[Found]:
    """Report of `penstock doctor`."""
    for room, checks in CHECKS.items():
        for each in findings_of(checks):
            text = f"{room}: {each.what}{f' -> {each.remedy}' if each.remedy else ''}"
            if each.level == "problem":
                yield failed(text)
            else:
                yield passed(text) if each.level == "ok" else measured(text)


# All limits together are ten minutes.
STEPS: dict[str, Step] = {
    "doctor": Step(doctor, 60),
    "calls": Step(calls.conformance, 120),
    **{name: Step(run, 40) for name, run in models.STEPS_OF_MODELS.items()},
    "products": Step(rates.products, 60),
    "convolutions": Step(rates.convolutions, 40),
    "attention": Step(rates.attention, 40),
    "memory": Step(rates.memory, 30),
    "profile": Step(rates.profile, 30),
    "peers": Step(rates.peers, 20),
}
