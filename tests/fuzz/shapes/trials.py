"""Which call, form of signature and number a seed stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.fuzz.shapes.calls import Call, conformance_calls, golden_calls
from tests.fuzz.shapes.judging import KNOWN


def trials(only: str, numbers: bool, first: int) -> Iterator[tuple[Call, int, str, int]]:
    """(call, seed, what is known, position of the number that comes from an extent or -1) from a first seed on."""
    calls = [c for c in itertools.chain(golden_calls(), conformance_calls()) if only in c.name]
    chosen = [(c, i) for c in calls for i in (range(c.numbers) if numbers else [-1])]
    while chosen:
        for place in range(first % len(chosen), len(chosen)):
            call, number = chosen[place]
            yield call, first, KNOWN[(first + first // len(chosen)) % len(KNOWN)], number
            first += 1
