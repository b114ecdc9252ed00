"""Recorded calls traced for unknown dimensions give for each of five sizes what eager ones give, run as users run them.

A fixed share of what `make fuzz-shapes` judges.
"""

import pytest

from penstock._src.util import flags
from tests.fuzz.programs.oracles import USERS
from tests.fuzz.shapes.calls import conformance_calls, golden_calls
from tests.fuzz.shapes.judging import KNOWN, judge

EACH = 40  # of so many calls one is judged
# What TensorFlow does not trace either, where it does not know ranks or extents.
REFUSED = ("must be known", "known rank", "no shape", "Cannot infer", "not been implemented", "not implemented", "unknown TensorShape",
           "'NoneType'", "known statically")  # fmt: skip


@pytest.mark.parametrize("source", [golden_calls, conformance_calls])
def test_recorded_calls(source):
    compared, finds = 0, []
    with flags.override(**USERS):
        for seed, call in enumerate(source()):
            if seed % EACH:
                continue
            runs, found = judge(call, seed, KNOWN[seed // EACH % 2])
            compared += runs
            finds += [(call.name, f) for f in found if not any(r in f.text for r in REFUSED)]
    assert compared > 100
    assert not finds
