"""Attributes and types, entry by entry: what their bytes say, and which bytes are refused."""

import ml_dtypes
import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode import builtin, vhlo
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream
from penstock._src.stablehlo.module import (
    Dense,
    Enum,
    FunctionType,
    OtherType,
    Scalar,
    SymbolRef,
    TensorType,
    TupleType,
)


class Known:
    """Tables whose entries are given as they are."""

    strings = ("file.py", "add", "main")
    attributes = ("file.py", SymbolRef("main"), "inner", "", (4, None), Enum("precision", "HIGH"))
    types = (
        dtypes.int32, dtypes.bool_, dtypes.uint8, dtypes.float64, OtherType("index"),
        TensorType((2,), dtypes.int4), TensorType((9,), dtypes.bool_), TensorType((3,), dtypes.float32),
        TensorType((2,), OtherType("index")), dtypes.int64, dtypes.bfloat16,
    )  # fmt: skip

    def attribute(self, index):
        return self.attributes[index]

    def type(self, index):
        return self.types[index]


def number(value):
    """A number below 128 as it is written."""
    return 2 * value + 1


def read(reader, *numbers, data=b""):
    """What is read of small numbers, then bytes; nothing may be left."""
    stream = Stream(bytes(map(number, numbers)) + data)
    found = reader(stream, Known())
    assert not stream
    return found


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0, 2, 1, 4), (SymbolRef("main"), (4, None))),
        ((1, 1, 0, 2), {"file.py": "inner"}),
        ((2, 1), "add"),
        ((3, 1, 0), "add"),
        ((4, 2), SymbolRef("inner")),
        ((5, 1, 2, 2, 0), SymbolRef("main::inner::file.py")),
        ((6, 3), dtypes.float64),
        ((7,), True),
        ((8, 4, 5), -3),
        ((8, 9, 6), 3),
        ((8, 0, 5), Scalar(-3, dtypes.int32)),
        ((10, 2, 0), "inner"),
        ((10, 3, 0), "file.py"),
        ((11, 0, 12, 7), "file.py:12:7"),
        ((12, 3, 0, 3, 2), "file.py; inner"),
        ((13, 2, 0, 2, 1), "file.py; inner"),
        ((14, 2, 0), "inner"),
        ((15,), ""),
        ((22, 0, 4, 12, 7, 13, 9), "file.py:12:7"),
    ],
)
def test_builtin_attributes(numbers, expected):
    found = read(builtin.attribute, *numbers)
    assert found == expected
    assert type(found) is type(expected)


def test_bits_and_bytes_have_their_own_width():
    assert read(builtin.attribute, 8, 1, data=b"\x01") is True
    assert read(builtin.attribute, 8, 2, data=b"\xc8") == Scalar(200, dtypes.uint8)
    # a number of three bytes, which end with two zeros and a one; its own lowest bit is its sign
    bits = ((0x3FC0 << 1) << 3 | 0b100).to_bytes(3, "little")
    assert read(builtin.attribute, 9, 10, data=bits) == Scalar(1.5, dtypes.bfloat16)


@pytest.mark.parametrize(
    ("entry", "numbers", "data", "type_", "array"),
    [
        (17, (0, 2, 8), b"\1\0\0\0\xff\xff\xff\xff", TensorType((2,), dtypes.int32), np.int32([1, -1])),
        (17, (1, 2, 2), b"\1\0", TensorType((2,), dtypes.bool_), np.array([True, False])),
        (18, (5, 2), b"\xfd\x04", Known.types[5], np.array([-3, 4], ml_dtypes.int4)),
        (18, (6, 2), b"\x85\x01", Known.types[6], np.array([1, 0, 1, 0, 0, 0, 0, 1, 1], bool)),
        (18, (6, 1), b"\xff", Known.types[6], np.ones(9, bool)),
        (18, (6, 1), b"\x00", Known.types[6], np.zeros(9, bool)),
        (18, (7, 4), b"\0\0\x80\x3f", Known.types[7], np.ones(3, np.float32)),
        (18, (8, 16), b"\7" + bytes(7) + b"\xff" * 8, Known.types[8], np.array([7, -1])),
    ],
)  # fmt: skip
def test_dense_attributes_are_read_as_arrays(entry, numbers, data, type_, array):
    found = read(builtin.attribute, entry, *numbers, data=data)
    assert isinstance(found, Dense)
    assert found.type == type_
    np.testing.assert_array_equal(found.array, array)
    assert found.array.dtype == array.dtype


@pytest.mark.parametrize(
    ("numbers", "data", "message"),
    [
        ((99,), b"", "builtin attribute number 99 is not known"),
        ((18, 7, 8), bytes(8), "expected 3 elements of .* Received 2"),
        ((18, 6, 1), b"\x85", "expected 9 bits. Received 1 bytes"),
        ((18, 7, 12), bytes(4), "expected 12 more bytes"),
    ],
)
def test_refused_attributes(numbers, data, message):
    with pytest.raises(MalformedBytecode, match=message):
        read(builtin.attribute, *numbers, data=data)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0, 1 << 2), dtypes.bool_),
        ((0, 4 << 2 | 2), dtypes.uint4),
        ((0, 16 << 2 | 1), dtypes.int16),
        ((0, 17 << 2), OtherType("i17")),
        ((1,), OtherType("index")),
        ((2, 1, 0, 2, 1, 2), FunctionType((dtypes.int32,), (dtypes.bool_, dtypes.uint8))),
        ((4,), dtypes.float16),
        ((9, 3), dtypes.complex128),
        ((9, 0), dtypes.complex64),
        ((13, 2, 4, 6, 0), TensorType((2, 3), dtypes.int32)),
        ((14, 0, 2, 1, 6, 0), TensorType((None, 3), dtypes.int32)),
        ((15, 2, 0, 4), TupleType((dtypes.int32, OtherType("index")))),
    ],
)
def test_builtin_types(numbers, expected):
    assert read(builtin.type_, *numbers) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((2, 1), True),
        ((3, 3), Enum("comparison_direction", "GT")),
        ((6, 1, 0, 2), {"file.py": "inner"}),
        (
            (10, 1, 2, 3, 2, 0, 2),
            {"output_tuple_indices": (1,), "operand_index": -2, "operand_tuple_indices": (0, 1)},
        ),
        ((14, 2), "main"),
        ((18, 3, 4, 1, 0), (2, None, 0)),
        ((20, 0, 2, 4, 5), Enum("precision", "HIGH")),
    ],
)
def test_attributes_of_vhlo(numbers, expected):
    assert read(vhlo.attribute, *numbers) == expected


def test_types_of_vhlo():
    assert read(vhlo.type_, 21, 1, 4, 0, 4) == TensorType((2,), dtypes.int32, (4, None))
    assert read(vhlo.type_, 21, 1, 4, 0, 0) == TensorType((2,), dtypes.int32)
    assert read(vhlo.type_, 23, 1, 0) == TupleType((dtypes.int32,))
    assert read(vhlo.type_, 27) == dtypes.float8_e4m3fnuz


def test_a_word_that_an_enumeration_does_not_have_is_refused():
    with pytest.raises(MalformedBytecode, match="precision has no word number 3"):
        read(vhlo.attribute, 11, 3)


def test_wide_integers_are_words_of_64_bits():
    words = Stream(bytes([number(2), number(2), number(2)]))
    assert words.integer(128) == 1 + (1 << 64)
    assert Stream(bytes([number(2), number(1), number(1)])).integer(128) == -1
    assert not words


def test_a_string_without_an_end_is_refused():
    stream = Stream(b"word\0rest")
    assert stream.text() == "word"
    with pytest.raises(MalformedBytecode, match="a string at byte 5 has no end"):
        stream.text()
