"""Recorded calls traced for unknown dimensions give for each of five sizes what eager ones give, run as users run them.

A fixed share of what `make fuzz WHICH=shapes` judges.
"""

import pytest

from penstock._src.util import flags
from tests.fuzz.programs.oracles import USERS
from tests.fuzz.shapes.calls import conformance_calls, golden_calls
from tests.fuzz.shapes.judging import KNOWN, judge
from tests.fuzz.shapes.static import contradictions, is_vaguer, static_shapes

EACH = 40  # of so many calls one is judged
EACH_STATIC = 12  # of so many calls one is traced for its static shapes
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


@pytest.mark.parametrize("source", [golden_calls, conformance_calls])
def test_static_shapes_of_recorded_calls_admit_the_results(source):
    calls = [call for i, call in enumerate(source()) if i % EACH_STATIC == 0]
    assert len(calls) > 100
    assert not [text for call in calls for text in contradictions(call)]


def test_gradients_have_the_static_shapes_of_what_they_are_gradients_of():
    vague = []
    for call in conformance_calls():
        if call.has_gradients and call.name.startswith(("Concat", "RFFT", "IRFFT", "GatherV2/55")):
            said = static_shapes(call, "whole")
            floats = [list(a.shape) for a in call.arrays if a.dtype.kind in "fcV"]
            found = said[len(said) - len(floats) :]
            vague += [(call.name, said) for pair in zip(found, floats) if is_vaguer(*pair)]
    assert not vague
