"""MLIR bytecode: numbers, tables, and what becomes of damaged bytes."""

import pathlib
import random

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode.reader import read_module
from penstock._src.stablehlo.bytecode.schema import attribute_names
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream
from penstock._src.stablehlo.module import TensorType

RECORDED = np.load(pathlib.Path(__file__).parents[1] / "ops" / "xla" / "modules.npz")
MODULE = RECORDED["any batch/module"].tobytes()


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\x01", 0),
        (b"\xff", 127),
        (b"\x02\x02", 128),
        (b"\xfe\xff", (1 << 14) - 1),
        (b"\x04\x00\x02", 1 << 14),
        (b"\x00" + b"\xff" * 8, (1 << 64) - 1),
    ],
)
def test_numbers_take_as_many_bytes_as_they_need(data, number):
    assert Stream(data).number() == number


def test_signs_are_the_lowest_bit():
    assert [Stream(bytes([byte])).signed() for byte in (0x01, 0x03, 0x05, 0x07)] == [0, -1, 1, -2]


@pytest.mark.parametrize(("data", "width", "number"), [(b"\xff", 8, -1), (b"\x0b", 32, -3)])
def test_integers_have_a_width(data, width, number):
    assert Stream(data).integer(width) == number


def test_a_module_has_functions_of_typed_operations():
    module = read_module(MODULE)
    assert module.producer.startswith("StableHLO")
    main = module.main
    assert main.attribute("sym_visibility") == "public"
    (argument,) = main.regions[0].block.arguments
    assert argument.type == TensorType((None, 4), dtypes.float32)
    (size,) = [o for o in main.regions[0].block.operations if o.name == "get_dimension_size"]
    assert size.attribute("dimension") == 0
    assert size.operands == [argument]
    assert size.results[0].owner is size
    assert main.regions[0].block.operations[-1].name == "return"


def test_every_value_is_defined_where_it_is_used():
    for name in RECORDED.files:
        if name.endswith("/module"):
            for operation in read_module(RECORDED[name].tobytes()).operations():
                assert all(value.type is not None for value in operation.operands)


def test_attributes_of_later_versions():
    assert attribute_names("tanh", 1) == []
    assert attribute_names("tanh", 2) == ["result_accuracy"]
    assert len(attribute_names("gather", 2)) == len(attribute_names("gather", 1)) + 2


def test_damaged_bytes_are_told_apart():
    draw = random.Random(0)
    for _ in range(300):
        data = bytearray(MODULE)
        if draw.random() < 0.3:
            del data[draw.randrange(len(data)) :]
        else:
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            read_module(bytes(data))
        except MalformedBytecode:
            continue
