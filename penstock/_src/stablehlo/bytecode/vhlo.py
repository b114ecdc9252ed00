"""Attributes and types of VHLO, the versioned form of StableHLO, in bytecode.

An entry begins with its number; `ATTRIBUTES` and `TYPES` say what follows. The numbers never change meaning: what
changes gets a new one.
"""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode import builtin
from penstock._src.stablehlo.bytecode.builtin import Reader, entry
from penstock._src.stablehlo.bytecode.container import Tables
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream
from penstock._src.stablehlo.module import (
    WORDS,
    Dense,
    Enum,
    FunctionType,
    OtherType,
    TensorType,
    TupleType,
)


def attribute(stream: Stream, tables: Tables) -> Any:
    """The VHLO attribute that starts here."""
    return entry(ATTRIBUTES, "attribute number {} of VHLO", stream, tables)


def type_(stream: Stream, tables: Tables) -> Any:
    """The VHLO type that starts here."""
    return entry(TYPES, "type number {} of VHLO", stream, tables)


def _word(kind: str) -> Reader:
    words = WORDS[kind].split()

    def read(stream: Stream, _tables: Tables) -> Enum:
        number = stream.number()
        if number >= len(words):
            raise MalformedBytecode(f"{kind} has no word number {number}.")
        return Enum(kind, words[number])

    return read


def _signed_list(stream: Stream) -> tuple[int, ...]:
    return tuple([stream.signed() for _ in range(stream.number())])


def _alias(stream: Stream, _tables: Tables) -> dict[str, Any]:
    return {
        "output_tuple_indices": _signed_list(stream),
        "operand_index": stream.signed(),
        "operand_tuple_indices": _signed_list(stream),
    }


def _pairs(stream: Stream, tables: Tables) -> dict[str, Any]:
    return {
        str(tables.attribute(stream.number())): tables.attribute(stream.number())
        for _ in range(stream.number())
    }


def _tensor_value(stream: Stream, tables: Tables) -> Dense:
    return builtin.dense(tables.type(stream.number()), stream.blob())


def _tensor(stream: Stream, tables: Tables) -> TensorType:
    return TensorType(builtin.shape(stream), tables.type(stream.number()))


def _bounded_tensor(stream: Stream, tables: Tables) -> TensorType:
    plain = _tensor(stream, tables)
    bounds = tables.attribute(stream.number())
    return TensorType(plain.shape, plain.dtype, bounds if isinstance(bounds, tuple) else ())


def _accuracy(stream: Stream, tables: Tables) -> Enum:
    """The required accuracy of a function: its mode. Tolerances are skipped: no mode that is read here has any."""
    for _ in range(3):  # absolute, relative, in units of the last place
        stream.signed()
    return tables.attribute(stream.number())


def _constant(value: Any) -> Reader:
    return lambda _stream, _tables: value


ATTRIBUTES: dict[int, Reader] = {
    1: builtin.attributes,
    2: lambda stream, _tables: bool(stream.number()),
    3: _word("comparison_direction"),
    4: _word("comparison_type"),
    5: _word("custom_call_api_version"),
    6: _pairs,
    7: _word("fft_type"),
    8: builtin.floating,
    9: builtin.integer,
    10: _alias,
    11: _word("precision"),
    12: _word("rng_algorithm"),
    13: _word("rng_distribution"),
    14: lambda stream, tables: tables.strings[stream.number()],
    15: _tensor_value,
    16: _word("transpose"),
    17: lambda stream, tables: tables.type(stream.number()),
    18: lambda stream, _tables: builtin.shape(stream),
    19: _word("result_accuracy_mode"),
    20: _accuracy,
}
TYPES: dict[int, Reader] = {
    0: _constant(dtypes.bool_),
    1: lambda stream, tables: builtin.complex_of(tables.type(stream.number())),
    2: _constant(dtypes.bfloat16),
    3: _constant(dtypes.float16),
    4: _constant(dtypes.float32),
    5: _constant(dtypes.float64),
    6: _constant(dtypes.float8_e4m3fn),
    7: _constant(dtypes.float8_e5m2),
    8: lambda stream, tables: FunctionType(
        builtin.types(stream, tables), builtin.types(stream, tables)
    ),
    9: _constant(OtherType("index")),
    10: _constant(dtypes.int4),
    11: _constant(dtypes.int8),
    12: _constant(dtypes.int16),
    13: _constant(dtypes.int32),
    14: _constant(dtypes.int64),
    15: _constant(dtypes.uint4),
    16: _constant(dtypes.uint8),
    17: _constant(dtypes.uint16),
    18: _constant(dtypes.uint32),
    19: _constant(dtypes.uint64),
    20: _tensor,
    21: _bounded_tensor,
    22: _constant(OtherType("token")),
    23: lambda stream, tables: TupleType(builtin.types(stream, tables)),
    27: _constant(dtypes.float8_e4m3fnuz),
    28: _constant(dtypes.float8_e5m2fnuz),
    29: _constant(dtypes.float8_e4m3b11fnuz),
    33: _constant(OtherType("none")),
}
