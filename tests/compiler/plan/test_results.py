"""Where results come from."""

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.util import flags


def test_one_constant_in_several_results():
    """It is computed for the first, and copied for the others when that is done."""
    p = LoweringContext()
    x = p.parameter(0, (2,), dtypes.float32)
    known = p.constant(np.array([3.0], np.float32))
    function = p.function("f", [x], [known, x + 1.0, known, p.reshape(known, ())])
    with flags.override(verify=1, check=1):
        first, _, second, third = build_program(function)(np.ones(2, np.float32))
    assert (first, second, third) == (3, 3, 3)
