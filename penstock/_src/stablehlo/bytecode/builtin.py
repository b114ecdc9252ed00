"""Attributes, types and locations of MLIR's builtin dialect in bytecode.

An entry begins with its number; `ATTRIBUTES` and `TYPES` say what follows. Locations become short texts.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.stablehlo.bytecode.container import Tables
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream
from penstock._src.stablehlo.module import (
    Dense,
    FunctionType,
    OtherType,
    Scalar,
    SymbolRef,
    TensorType,
    TupleType,
)

Reader = Callable[[Stream, Tables], Any]
# The integer type of the same width in which a float type is stored.
_BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64, 1: np.uint8}


def attribute(stream: Stream, tables: Tables) -> Any:
    """The builtin attribute (or location) that starts here."""
    return entry(ATTRIBUTES, "builtin attribute number {}", stream, tables)


def type_(stream: Stream, tables: Tables) -> Any:
    """The builtin type that starts here."""
    return entry(TYPES, "builtin type number {}", stream, tables)


def entry(table: dict[int, Reader], what: str, stream: Stream, tables: Tables) -> Any:
    """The entry that starts here, by its number in a dialect's table.

    Raises:
      MalformedBytecode: the table has no such number; `what` names it.
    """
    number = stream.number()
    if number not in table:
        raise MalformedBytecode(f"the {what.format(number)} is not known.")
    return table[number](stream, tables)


def parse(text: str) -> Any:
    """An attribute or type that is written as text, which dialects without numbers are. It is kept as it is."""
    return OtherType(text)


def attributes(stream: Stream, tables: Tables) -> tuple[Any, ...]:
    """A counted list of attributes."""
    return tuple([tables.attribute(i) for i in stream.numbers()])


def types(stream: Stream, tables: Tables) -> tuple[Any, ...]:
    """A counted list of types."""
    return tuple([tables.type(i) for i in stream.numbers()])


def dictionary(stream: Stream, tables: Tables) -> dict[str, Any]:
    """A counted list of names and attributes."""
    return {
        _text(stream, tables): tables.attribute(stream.number()) for _ in range(stream.number())
    }


def shape(stream: Stream) -> tuple[int | None, ...]:
    """A counted list of extents; the least number means that an extent is not known."""
    extents = [stream.signed() for _ in range(stream.number())]
    return tuple([None if d < 0 else d for d in extents])


def integer(stream: Stream, tables: Tables) -> Any:
    """A type and a number; a bool for a bit, a plain int for 64 bits."""
    dtype = tables.type(stream.number())
    if isinstance(dtype, OtherType):  # index
        return stream.integer(64)
    if dtype.is_bool:
        return bool(stream.integer(1))
    value = stream.integer(dtype.size * 8)
    if dtype.name.startswith("uint"):
        value %= 1 << dtype.size * 8
    return value if dtype == dtypes.int64 else Scalar(value, dtype)


def floating(stream: Stream, tables: Tables) -> Scalar:
    """Read a type and a number, which is stored as bits."""
    dtype = tables.type(stream.number())
    bits = stream.integer(dtype.size * 8) % (1 << dtype.size * 8)
    return Scalar(float(np.array(bits, _BITS[dtype.size]).view(dtype.np)), dtype)


def dense(type_: TensorType, data: bytes) -> Dense:
    """An array of a tensor's type from its bytes: of all elements, or of one that repeats."""
    shape = tuple([d or 0 for d in type_.shape])
    count = int(np.prod(shape, dtype=np.int64))
    if isinstance(type_.dtype, OtherType):  # index
        array = np.frombuffer(data, np.int64)
    elif type_.dtype.is_bool:
        return Dense(type_, _bits(data, count).reshape(shape))
    elif type_.dtype.name in ("int4", "uint4"):
        wide = np.frombuffer(data, np.int8 if type_.dtype.name == "int4" else np.uint8)
        array = wide.astype(type_.dtype.np)
    else:
        array = np.frombuffer(data, type_.dtype.np)
    if array.size == count:
        return Dense(type_, array.reshape(shape))
    if array.size != 1:
        raise MalformedBytecode(f"expected {count} elements of {type_}. Received {array.size}.")
    return Dense(type_, np.broadcast_to(array.reshape(()), shape))


def _bits(data: bytes, count: int) -> np.ndarray:
    """Bools: a byte of ones (all true) or zeros, or eight in each byte."""
    if len(data) == 1 and data[0] in (0, 0xFF):
        return np.broadcast_to(np.array(data[0] != 0), (count,))
    if len(data) * 8 < count:
        raise MalformedBytecode(f"expected {count} bits. Received {len(data)} bytes.")
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count].astype(bool)


def _text(stream: Stream, tables: Tables) -> str:
    """Read the number of a string attribute, and return its text."""
    attribute = tables.attribute(stream.number())
    return attribute.name if isinstance(attribute, SymbolRef) else str(attribute)


def _string(stream: Stream, tables: Tables) -> str:
    return tables.strings[stream.number()]


def _typed_string(stream: Stream, tables: Tables) -> str:
    text = _string(stream, tables)
    stream.number()  # its type
    return text


def _nested_symbol(stream: Stream, tables: Tables) -> SymbolRef:
    words = [_text(stream, tables)]
    words += [str(getattr(a, "name", a)) for a in attributes(stream, tables)]
    return SymbolRef("::".join(words))


def _dense_array(stream: Stream, tables: Tables) -> Dense:
    dtype, count = tables.type(stream.number()), stream.number()
    data = stream.blob()
    stored = np.bool_ if dtype.is_bool else dtype.np
    return Dense(TensorType((count,), dtype), np.frombuffer(data, stored))


def _dense_elements(stream: Stream, tables: Tables) -> Dense:
    return dense(tables.type(stream.number()), stream.blob())


def _call_site(stream: Stream, tables: Tables) -> str:
    callee, caller = _text(stream, tables), _text(stream, tables)
    return callee or caller


def _file_place(stream: Stream, tables: Tables) -> str:
    return f"{_text(stream, tables)}:{stream.number()}:{stream.number()}"


def _file_range(stream: Stream, tables: Tables) -> str:
    name = _text(stream, tables)
    numbers = stream.numbers()
    return ":".join([name, *map(str, numbers[:2])])


def _fused(stream: Stream, tables: Tables) -> str:
    return "; ".join(dict.fromkeys(str(a) for a in attributes(stream, tables) if a))


def _fused_with_data(stream: Stream, tables: Tables) -> str:
    text = _fused(stream, tables)
    stream.number()
    return text


def _named_place(stream: Stream, tables: Tables) -> str:
    name = _text(stream, tables)
    stream.number()  # the location itself
    return name


_INTEGERS = {
    (0, 1): dtypes.bool_,
    (0, 4): dtypes.int4,
    (0, 8): dtypes.int8,
    (0, 16): dtypes.int16,
    (0, 32): dtypes.int32,
    (0, 64): dtypes.int64,
    (2, 4): dtypes.uint4,
    (2, 8): dtypes.uint8,
    (2, 16): dtypes.uint16,
    (2, 32): dtypes.uint32,
    (2, 64): dtypes.uint64,
}


def _integer_type(stream: Stream, _tables: Tables) -> Any:
    code = stream.number()
    sign, width = code & 3, code >> 2
    sign = 0 if sign == 1 else sign
    return _INTEGERS.get((sign, width)) or OtherType(f"i{width}")


def _tensor(stream: Stream, tables: Tables) -> TensorType:
    return TensorType(shape(stream), tables.type(stream.number()))


def _encoded_tensor(stream: Stream, tables: Tables) -> TensorType:
    stream.number()  # the encoding
    return _tensor(stream, tables)


def complex_of(dtype: Any) -> Any:
    """Return the type of complex numbers with parts of a type."""
    return dtypes.complex128 if dtype == dtypes.float64 else dtypes.complex64


def _constant(value: Any) -> Reader:
    return lambda _stream, _tables: value


ATTRIBUTES: dict[int, Reader] = {
    0: attributes,
    1: dictionary,
    2: _string,
    3: _typed_string,
    4: lambda stream, tables: SymbolRef(_text(stream, tables)),
    5: _nested_symbol,
    6: lambda stream, tables: tables.type(stream.number()),
    7: _constant(True),  # unit: the attribute is present
    8: integer,
    9: floating,
    10: _call_site,
    11: _file_place,
    12: _fused,
    13: _fused_with_data,
    14: _named_place,
    15: _constant(""),  # an unknown location
    17: _dense_array,
    18: _dense_elements,
    22: _file_range,
}
TYPES: dict[int, Reader] = {
    0: _integer_type,
    1: _constant(OtherType("index")),
    2: lambda stream, tables: FunctionType(types(stream, tables), types(stream, tables)),
    3: _constant(dtypes.bfloat16),
    4: _constant(dtypes.float16),
    5: _constant(dtypes.float32),
    6: _constant(dtypes.float64),
    9: lambda stream, tables: complex_of(tables.type(stream.number())),
    12: _constant(OtherType("none")),
    13: _tensor,
    14: _encoded_tensor,
    15: lambda stream, tables: TupleType(types(stream, tables)),
}
