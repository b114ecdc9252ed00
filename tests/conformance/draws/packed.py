"""Calls of the ops of packed weights: random blocks of every format, whose scales keep values small."""

import numpy as np
from hypothesis import strategies as st

from penstock._src.ir.meaning.packed import FORMATS
from tests.conformance.draws.values import SEED, drawn, numbers
from tests.harness.op_case import OpCase

DRAWS: dict = {}


@st.composite
def weights(draw, rows):
    """(the format's name, rows of one or two blocks)."""
    name = draw(st.sampled_from(sorted(FORMATS)))
    form, random = FORMATS[name], np.random.default_rng(draw(SEED))
    blocks = random.integers(0, 256, (rows, draw(st.integers(1, 2)), form.size), dtype=np.uint8)
    largest = 0.0005 if form.factors else 0.02
    for at, dtype in ((form.scale, form.scale_dtype), (form.minimum, np.float16)):
        if at is not None:
            scales = random.uniform(-largest, largest, (*blocks.shape[:2], 1)).astype(dtype)
            blocks[..., at : at + scales.itemsize] = scales.view(np.uint8)
    return name, blocks.reshape(rows, blocks.shape[1] * form.size)


@drawn(DRAWS)
def PackedMatMul(draw):
    name, packed = draw(weights(draw(st.integers(1, 9))))
    transposed = draw(st.booleans())
    depth = FORMATS[name].row_elements(packed.shape[1]) if transposed else len(packed)
    x = numbers(draw(SEED), (draw(st.sampled_from([0, 1, 3, 7])), depth), np.float32)
    attributes = {"format": name, "transpose_b": transposed}
    return OpCase("PackedMatMul", [x, packed], attributes, gradient=False, tolerance=(1e-4, 1e-4))


@drawn(DRAWS)
def PackedGather(draw):
    name, packed = draw(weights(draw(st.integers(1, 9))))
    rows = np.array(draw(st.lists(st.integers(0, len(packed) - 1), max_size=5)), np.int32)
    return OpCase("PackedGather", [packed, rows], {"format": name})


@drawn(DRAWS)
def PackedDequantize(draw):
    name, packed = draw(weights(draw(st.integers(0, 9))))
    dtype = draw(st.sampled_from(["float32", "bfloat16", "float16"]))
    return OpCase("PackedDequantize", [packed], {"format": name, "dtype": dtype})


@drawn(DRAWS)
def RoundToBfloat16(draw):
    x = numbers(draw(SEED), (draw(st.sampled_from([0, 3])), 5), np.float32)
    counted = np.zeros(draw(st.sampled_from([(3,), (2, 2), (5, 1)])), np.int32)
    return OpCase("RoundToBfloat16", [x, counted], {"rows": 4}, gradient=False)
