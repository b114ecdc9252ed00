"""Weights of few bits with a scale for each block: beside ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest

import penstock as tf
from penstock._src.formats import table
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


def formats(op_type, given, weights, **settings):
    """The formats of the packed weights that a node is read with."""
    proto = node_model(op_type, given, {"y": np.float32}, weights, **settings)
    function = read_proto(proto).signatures["serving_default"]
    operations = function.graph.get_operations()
    return [x.get_attr("format").decode() for x in operations if x.type.startswith("Packed")]


@pytest.mark.parametrize(
    ("bits", "block", "zeros", "halves", "expected"),
    [
        (4, 32, "none", True, "Q4_0"),
        (4, 64, "none", False, "Q4_0_F32"),
        (4, 32, "packed", False, "Q5_0_F32"),
        (4, 128, "packed", True, "Q5_0"),
        (8, 32, "none", False, "Q8_0_F32"),
        (2, 32, "none", True, "Q4_0"),
        (4, 32, "floats", True, None),
        (4, 16, "none", True, None),
        (8, 32, "packed", True, None),
    ],
)
def test_weights_stay_packed_where_a_format_holds_them(bits, block, zeros, halves, expected):
    given = packed(5, 128, bits, block, zeros)
    if halves:
        given["s"] = given["s"].astype(np.float16).astype(np.float32)
    settings = {"K": 128, "N": 5, "bits": bits, "block_size": block}
    found = formats("MatMulNBits", given, ("w", "s", "z"), **settings)
    assert found == ([expected] if expected else [])


def test_rows_that_are_looked_up_stay_packed():
    given = {"w": numbers(7, 64), "i": np.array([0, 6, -1]), "s": np.abs(floats(7, 4, seed=2))}
    settings = {"bits": 4, "block_size": 32, "quantize_axis": 1, "gather_axis": 0}
    weights = ("w", "s", "z")
    assert formats("GatherBlockQuantized", given, weights, **settings) == ["Q4_0_F32"]
    same("GatherBlockQuantized", given, weights=weights, **settings)


def test_packed_weights_are_written_unpacked(tmp_path):
    given = packed(5, 64, 4, 32, "packed")
    settings = {"K": 64, "N": 5, "bits": 4, "block_size": 32}
    proto = node_model("MatMulNBits", given, {"y": np.float32}, ("w", "s", "z"), **settings)
    first, second = str(tmp_path / "first.onnx"), str(tmp_path / "second.onnx")
    (tmp_path / "first.onnx").write_bytes(proto.SerializeToString())
    model = table.read(first)
    table.FORMATS["onnx"].write(model, second)
    session = onnxruntime.InferenceSession(second, providers=["CPUExecutionProvider"])
    (there,) = session.run(None, {"x": given["x"]})
    here = model.signatures["serving_default"](x=tf.constant(given["x"]))["y"]
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("zeros", [True, False])
def test_rows_of_block_quantized_tables_are_gathered(zeros):
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


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize(("rows", "columns", "block"), [(8, 16, 16), (8, 16, 32), (7, 48, 64)])
def test_numbers_of_four_bits_of_bitsandbytes(kind, rows, columns, block):
    given = {
        "x": floats(2, 3, columns),
        "w": numbers(rows * columns // 2),
        "s": np.abs(floats(-(-rows * columns // block), seed=1)),
    }
    settings = {"N": rows, "K": columns, "block_size": block, "quant_type": kind}
    same("MatMulBnb4", given, weights=("w", "s"), **settings)


def test_scales_that_do_not_fit_numbers_of_bitsandbytes_are_refused():
    given = {"x": floats(2, 16), "w": numbers(64), "s": floats(3)}
    settings = {"N": 8, "K": 16, "block_size": 16, "quant_type": 1}
    proto = node_model("MatMulBnb4", given, {"y": np.float32}, ("w", "s"), **settings)
    with pytest.raises(InvalidArgumentError, match=r"are not \[8, 16\] in blocks of 16"):
        read_proto(proto)
