"""Random calls of every op with a lowering: eager, interpreted and compiled agree, gradients are those of differences.

FUZZ_EXAMPLES draws more calls of each op; without it the calls are the same in every run.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from penstock._src.core import registry
from tests.conformance.checks import check
from tests.conformance.draws import DRAWS

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))


@pytest.mark.parametrize("op", sorted(DRAWS))
def test_op(op):
    @settings(
        max_examples=EXAMPLES,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data):
        check(data.draw(DRAWS[op]), data)

    run()


# Ops that are not drawn, and why.
APART = {
    "Relayout": "does nothing to values but in processes with layouts (tests/distribute/dtensor)",
    "RelayoutLike": "as well",
    "XlaCallModule": "takes modules of StableHLO, which tests/ops/xla has recorded",
    "CollectiveReduce": "needs other processes (tests/ops/collective, tests/distribute/workers)",
    "CollectiveReduceV2": "needs other processes as well",
    "TreeEnsemble": "takes tables of constants, which tests/ops/trees draws",
    "KeyPositions": "takes sorted constants, which tests/ops/lookup has",
}


def test_every_op_with_a_lowering_is_drawn():
    # Other tests define ops of their own.
    ours = [cls for cls in registry.load_all().values() if cls.__module__.startswith("penstock.")]
    lowering = {cls.op_type for cls in ours if cls.has_lowering}
    assert lowering == set(DRAWS) | set(APART)
