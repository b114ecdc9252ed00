"""Random bits on the emulated GPU are the interpreter's."""

import numpy as np
import pytest

from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.core import dtypes
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function


@pytest.mark.parametrize("count", [1, 3, 4, 1024, 5003])
@pytest.mark.parametrize("algorithm", ["philox", "threefry"])
@pytest.mark.parametrize("start", [[5], [2**64 - 1, 7], [2**64 - 300, 2**64 - 1]])
def test_words_of_each_counter(algorithm, count, start):
    p = Builder(rules=False, fold=False)
    key = p.parameter(0, (1,), dtypes.uint64)
    counter = p.parameter(1, (len(start),), dtypes.uint64)
    bits = p.make("random_bits", [key, counter], count=count, algorithm=algorithm)
    function = Function("f", (key, counter), (bits,))
    given = [np.array([0x123456789ABCDEF0], np.uint64), np.array(start, np.uint64)]
    plan = plan_function(function, DEVICE.generator, DEVICE.threads)
    (launch,) = [r for r in plan.launches if isinstance(r, Launch)]
    assert launch.code.threads > 1
    (found,) = DEVICE.load(plan).run(given)
    (wanted,), _ = interpreter.run(function, given)
    np.testing.assert_array_equal(found, wanted)
