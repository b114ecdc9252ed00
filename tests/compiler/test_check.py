"""PENSTOCK_CHECK."""

import numpy as np
import pytest

from penstock._src.compiler.check import CheckedProgram, differs
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.core.registry import raw
from penstock._src.ir.builder import Builder
from penstock._src.util.flags import override
from tests.compiler.graphs import executable_of


def test_a_right_program_passes():
    with override(check=1):
        run = executable_of(lambda x: [raw.Tanh(x=x)], (dtypes.float32, [None]))
        x = np.linspace(-2, 2, 9, dtype=np.float32)
        np.testing.assert_allclose(run([x])[0], np.tanh(x), rtol=1e-5)


def test_a_wrong_program_is_named():
    class Wrong:
        def run(self, arguments):
            return [np.array([0.0, 5.0], np.float32)]

    p = Builder()
    x = p.parameter(0, (2,), dtypes.float32)
    checked = CheckedProgram(p.function("f", [x], [p.exp(x)]), Wrong())
    with pytest.raises(
        InternalError, match=r"result 0, .*exp.* differs at \[0\]: 0.0 instead of 1.0"
    ):
        checked.run([np.zeros(2, np.float32)])


def test_rounding_is_no_difference():
    x = np.array([1.0, np.nan, np.inf, 1e-9], np.float32)
    assert differs(x, x + np.float32(1e-6)) is None
    assert differs(x, np.array([1.0, np.nan, -np.inf, 0], np.float32)) == (2,)
    assert differs(np.array([1, 2]), np.array([1, 3])) == (1,)
