"""The stages of the pipeline: their order, what they write, what they take."""

import numpy as np
import pytest

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import compile_function
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.util.flags import override

WRITTEN = (
    "lower simplify loops products heads weights recognize partition merge schedule plan".split()
)


def layer():
    p = LoweringContext()
    x, w = p.parameter(0, (9, 40), dtypes.float32), p.parameter(1, (40, 30), dtypes.float32)
    return p.function("layer", [x, w], [p.maximum(p.matmul(x, w), 0.0)])


def test_every_stage_writes_what_it_made_in_order(tmp_path):
    with override(dump=str(tmp_path)):
        compile_function(layer())
    files = sorted(tmp_path.iterdir())
    assert [path.stem.split("_")[-1] for path in files] == WRITTEN
    texts = {path.stem.split("_")[-1]: path.read_text() for path in files}
    assert "contract(%0, %1)" in texts["loops"]
    assert "product[9, 30] + epilogue" in texts["schedule"]
    assert "product[9, 30] + epilogue: 1 tasks" in texts["plan"]


def test_every_stage_is_timed():
    seconds = compile_function(layer()).seconds
    assert list(seconds) == [*WRITTEN[1:], "emit", "load"]
    assert all(spent >= 0 for spent in seconds.values())


def test_a_device_without_a_code_generator_takes_the_function_as_it_is():
    with override(device="reference"):
        assert list(compile_function(layer()).seconds) == ["simplify", "loops", "load"]


def without_code():
    p = LoweringContext()
    x = p.parameter(0, (4,), dtypes.complex64)
    return p.function("without_code", [x], [p.maximum(x, x * 2.0)])


def test_what_there_is_no_code_for_is_interpreted(capsys):
    with override(verify=0):
        compiled = compile_function(without_code())
    assert "maximum of complex numbers" in compiled.why_interpreted
    assert "without_code is interpreted: maximum" in capsys.readouterr().err
    np.testing.assert_allclose(compiled.run([np.ones(4, np.complex64)])[0], 2.0)


def test_nothing_is_interpreted_in_tests():
    with override(verify=1), pytest.raises(UnimplementedError, match="maximum of complex numbers"):
        compile_function(without_code())
