"""What is written as ONNX computes the same in ONNX Runtime, and when it is read back."""

import pytest

from tests.formats.onnx.runtime import check, concrete
from tests.formats.onnx.writing.written import CASES

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

LESS_EXACT = {"erfc": 1e-5, "resize_bicubic": 2e-3, "upsample_bicubic": 2e-3}


@pytest.mark.parametrize("name", CASES)
def test_functions_have_the_same_values(name):
    function, *inputs = CASES[name]
    tolerance = LESS_EXACT.get(name, 1e-5)
    check(concrete(function, inputs), inputs, tolerance, tolerance)
