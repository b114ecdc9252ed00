"""Random operations on operands seen through views, followed by tails, give what the interpreter gives.

A fixed share of what `make fuzz WHICH=kernels` draws; FUZZ_KERNELS draws that many others, from FUZZ_SEED on.
"""

import os

import pytest

from penstock._src.compiler.codegen.contraction.images.convolution import Convolution
from penstock._src.util import flags
from tests.fuzz.kernels.case import Case
from tests.fuzz.kernels.drawing import draw
from tests.fuzz.kernels.loops import failure_of_loop
from tests.fuzz.kernels.running import failure
from tests.fuzz.kernels.shrinking import shrink

FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FUZZ_KERNELS", "120")))
LOOPS = range(FIRST, FIRST + int(os.environ.get("FUZZ_KERNELS", "150")))
GPU_SEEDS = 12  # of the seeds are tried on the emulated GPU, too


@pytest.mark.parametrize("seed", SEEDS)
def test_case(seed):
    with flags.override(optimize=0):
        text = failure(draw(seed))
    assert text is None, f"{text}\n(make fuzz WHICH=kernels SEED={seed} makes it smaller)"


@pytest.mark.parametrize("seed", SEEDS[:GPU_SEEDS])
def test_case_on_a_gpu(seed):
    with flags.override(optimize=0, device="GPU_emulated", tensor_float_32=0):
        text = failure(draw(seed))
    assert text is None, (
        f"{text}\n(make fuzz WHICH=kernels DEVICE=GPU_emulated SEED={seed} makes it smaller)"
    )


@pytest.mark.parametrize("seed", LOOPS)
def test_loop(seed):
    with flags.override(optimize=0):
        text = failure_of_loop(seed)
    assert text is None, f"{text}\n(python -m tests.fuzz.kernels --loops --seed {seed})"


def test_a_planted_fault_is_found_and_made_smaller(monkeypatch):
    monkeypatch.setattr(Convolution, "has_dense_columns", True)
    extents = {"a": 4, "b": 3, "c": 5, "k": 8}
    tail = (("scale",), ("bias", 2))
    views = ((), (("transposed", 1, 0, 2, 3),))
    case = Case(("contract", "abc"), ("ak", "abck"), extents, views, tail, "float32")
    found = failure(case)
    assert found is not None and found.startswith("InternalError: convolution")
    small = shrink(case, found)
    assert small.work < case.work and len(small.tail) < len(case.tail)
