"""Which call, form of signature and number a seed stands for."""

from __future__ import annotations

import itertools

from tests.fuzz.shapes.calls import Call, conformance_calls, golden_calls
from tests.fuzz.shapes.judging import KNOWN

Choice = tuple[Call, int]  # a call, and the position of its number that comes from an extent, or -1


def choices(only: str, numbers: bool) -> list[Choice]:
    """What seeds choose from: calls whose names contain a text, with each of their numbers or as they are."""
    calls = [c for c in itertools.chain(golden_calls(), conformance_calls()) if only in c.name]
    return [(c, i) for c in calls for i in (range(c.numbers) if numbers else [-1])]


def trial(choices: list[Choice], seed: int) -> tuple[Call, int, str]:
    """(call, position of a number, what is known) of a seed."""
    call, number = choices[seed % len(choices)]
    return call, number, KNOWN[(seed + seed // len(choices)) % len(KNOWN)]
