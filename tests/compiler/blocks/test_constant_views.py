"""Constants that one program of a block folds and later ones take."""

import numpy as np
import pytest

from penstock._src.compiler.blocks.results import ProgramResults
from penstock._src.core import dtypes
from penstock._src.ir.builder import Builder


@pytest.mark.parametrize("shape", [(3, 3, 8, 4), (5, 2)])
def test_later_programs_get_folded_views_without_gaps(shape):
    p = Builder()
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    turned = p.transpose(p.constant(values, dtypes.float32), list(range(len(shape)))[::-1])
    assert turned.kind == "constant"
    kind, known = ProgramResults(None, None).source(turned)
    assert kind == "known"
    # They were copied in each call.
    assert known.flags.c_contiguous and not known.flags.writeable
    np.testing.assert_array_equal(known, values.T)
