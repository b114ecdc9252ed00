"""Weights of few bits with a scale for each block: beside ONNX Runtime."""

import numpy as np
import pytest

from penstock._src.formats.onnx.reading.model import read_proto
from penstock.errors import InvalidArgumentError, UnimplementedError
from tests.formats.onnx.reading.ops.microsoft.beside import floats, node_model, numbers, same


def packed(rows, columns, bits, block, zeros):
    """Inputs of a product: a tensor, packed weights, scales, zero points."""
    blocks = -(-columns // block)
    given = {
        "x": floats(2, 3, columns),
        "w": numbers(rows, blocks, block * bits // 8, seed=1),
        "s": np.abs(floats(rows * blocks, seed=2, scale=0.1)) + np.float32(0.01),
    }
    if zeros == "packed":
        given["z"] = numbers(rows * -(-blocks * bits // 8), seed=3)
    elif zeros == "floats":
        given["z"] = np.random.default_rng(4).uniform(0, 2**bits, rows * blocks).astype(np.float32)
    return given


@pytest.mark.parametrize("zeros", ["none", "packed", "floats"])
@pytest.mark.parametrize(
    ("columns", "bits", "block"), [(64, 4, 32), (80, 4, 16), (48, 8, 32), (96, 4, 32)]
)
def test_products(columns, bits, block, zeros):
    if bits == 8 and zeros == "floats":
        pytest.skip("ONNX Runtime has none")
    given = packed(5, columns, bits, block, zeros)
    settings = {"K": columns, "N": 5, "bits": bits, "block_size": block}
    same("MatMulNBits", given, weights=("w", "s", "z"), rtol=1e-4, atol=1e-3, **settings)


@pytest.mark.parametrize("zeros", [True, False])
def test_rows(zeros):
    rows, columns, block = 7, 64, 16
    given = {
        "w": numbers(rows, columns // 2),
        "i": np.array([[0, 6], [3, 3]]),
        "s": np.abs(floats(rows, columns // block, seed=2)),
        "z": numbers(rows, columns // block // 2, seed=3) if zeros else None,
    }
    settings = {"bits": 4, "block_size": block, "quantize_axis": 1, "gather_axis": 0}
    same("GatherBlockQuantized", given, weights=("w", "s", "z"), **settings)


def test_weights_that_do_not_fit_are_refused():
    given = packed(5, 64, 4, 32, "none")
    settings = {"K": 64, "N": 6, "bits": 4, "block_size": 32}
    proto = node_model("MatMulNBits", given, {"y": np.float32}, ("w", "s"), **settings)
    with pytest.raises(InvalidArgumentError, match=r"node 0 .*MatMulNBits.* are not 6 rows of 2"):
        read_proto(proto)


def test_other_layouts_are_refused():
    given = packed(5, 64, 4, 32, "none")
    settings = {"K": 64, "N": 5, "bits": 4, "block_size": 32, "weight_prepacked": 1}
    proto = node_model("MatMulNBits", given, {"y": np.float32}, ("w", "s"), **settings)
    with pytest.raises(UnimplementedError, match="weight_prepacked=1 is not supported"):
        read_proto(proto)
