"""Random calls of every op with a lowering: eager, interpreted and compiled agree, gradients are those of differences.

FUZZ_EXAMPLES draws more calls of each op; without it the calls are the same in every run.
"""

import dataclasses
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock._src.core import registry
from tests.conformance.drawn import DRAWS
from tests.harness.op_case import check

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))


@pytest.mark.parametrize("op", sorted(DRAWS))
def test_op(op):
    @settings(
        max_examples=EXAMPLES,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data):
        case = data.draw(DRAWS[op])
        check(case if is_exact(case) else dataclasses.replace(case, gradient=False))

    run()


def is_exact(case):
    """Whether differences of outputs tell gradients: all floats among the inputs have 64 bits."""
    parts = [a for x in case.inputs for a in (x if isinstance(x, list) else [x])]
    return all(np.asarray(a).dtype.itemsize >= 8 for a in parts if np.asarray(a).dtype.kind in "fc")


def test_each_lowers():
    assert not [op for op in DRAWS if not registry.find(op).has_lowering]
