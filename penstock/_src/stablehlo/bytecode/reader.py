"""Reads a module from MLIR bytecode: operations, their blocks and regions.

    operation   name, mask, place, then by the mask: attributes, properties, result types, operands, successors,
                orders of uses, regions
    region      number of blocks and values; blocks. Regions that see no outer values are a section of their own
    block       number of operations, whether there are arguments; arguments; operations

Values are numbered in the order in which they are defined, starting again in regions that see no outer values.
"""

import re
from typing import Any

from penstock._src.stablehlo.bytecode import builtin, vhlo
from penstock._src.stablehlo.bytecode.container import (
    NATIVE_PROPERTIES,
    OPERATIONS,
    Tables,
    read_section,
)
from penstock._src.stablehlo.bytecode.schema import attribute_names
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream
from penstock._src.stablehlo.module import HloBlock, HloModule, HloOperation, HloValue, Region

_HAS_ATTRIBUTES, _HAS_RESULTS, _HAS_OPERANDS, _HAS_SUCCESSORS = 0x01, 0x02, 0x04, 0x08
_HAS_REGIONS, _HAS_USE_ORDERS, _HAS_PROPERTIES = 0x10, 0x20, 0x40
# Versions of the container from which on blocks list the order of uses, and omit unknown locations.
_LAZY_REGIONS, _USE_ORDERS, _ELIDED_PLACES = 2, 3, 4
# Exceptions of reading where an index points to an entry of another kind, or to none.
_CONFUSIONS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_UNDEFINED = object()
_VERSIONED = re.compile(r"(.+)_v(\d+)")


def read_module(data: bytes) -> HloModule:
    """Returns the module in an artifact. Raises MalformedBytecode where the bytes are none."""
    try:
        return _read(data)
    except MalformedBytecode:
        raise
    except _CONFUSIONS as error:
        raise MalformedBytecode(f"an entry has an invalid reference: {error!r}") from error


def _read(data: bytes) -> HloModule:
    decoders = {"builtin": (builtin.attribute, builtin.type_), "vhlo": (vhlo.attribute, vhlo.type_)}
    tables = Tables(data, decoders, builtin.parse)
    reader = _Reader(tables)
    block = reader.block(tables.sections[OPERATIONS], _Scope(len(data)))
    roots = [operation for operation in block.operations if operation.name == "module"]
    if len(roots) != 1:
        raise MalformedBytecode(f"expected one module. Received {len(roots)}.")
    functions = {}
    for operation in roots[0].regions[0].block.operations:
        functions[str(operation.attribute("sym_name"))] = operation
    return HloModule(functions, roots[0].attributes, tables.producer)


class _Scope:
    """The values that operations may refer to, by number; some are used before they are defined.

    A region's values follow all those of the region around it, also those that are defined after it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.values: list[HloValue] = []
        self.next: list[int] = []  # of each region that is open, the number of the value to come

    def open(self, count: int) -> None:
        if count > self.most:
            raise MalformedBytecode(f"{count} values in {self.most} bytes.")
        self.next.append(len(self.values))
        self.values += [HloValue(_UNDEFINED) for _ in range(count)]

    def close(self, count: int) -> None:
        self.next.pop()
        end = len(self.values) - count
        if any(value.type is _UNDEFINED for value in self.values[end:]):
            raise MalformedBytecode("a region has fewer values than it declares.")
        del self.values[end:]

    def define(self, type_: Any) -> HloValue:
        value = self.values[self.next[-1]]
        value.type = type_
        self.next[-1] += 1
        return value


class _Reader:
    """Walks through the section of operations."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.version = tables.version

    def block(self, stream: Stream, scope: _Scope) -> HloBlock:
        count, has_arguments = stream.flagged()
        block = HloBlock()
        if has_arguments:
            for _ in range(stream.number()):
                block.arguments.append(scope.define(self._argument_type(stream)))
            if self.version >= _USE_ORDERS and stream.byte():
                _skip_use_orders(stream, len(block.arguments))
        for _ in range(count):
            block.operations.append(self.operation(stream, scope))
        return block

    def _argument_type(self, stream: Stream) -> Any:
        if self.version < _ELIDED_PLACES:
            argument_type = self.tables.type(stream.number())
            stream.number()
            return argument_type
        number, has_place = stream.flagged()
        if has_place:
            stream.number()
        return self.tables.type(number)

    def operation(self, stream: Stream, scope: _Scope) -> HloOperation:
        tables = self.tables
        name, version = _plain_name(tables.names[stream.number()])
        mask = stream.byte()
        location = tables.attribute(stream.number())
        attributes = {}
        if mask & _HAS_ATTRIBUTES:
            attributes.update(tables.attribute(stream.number()))
        if mask & _HAS_PROPERTIES:
            number = stream.number()
            if version:  # those of builtin.module are its name alone
                attributes.update(self._properties(name, version, number))
        types = builtin.types(stream, tables) if mask & _HAS_RESULTS else ()
        operands = stream.numbers() if mask & _HAS_OPERANDS else []
        if mask & _HAS_SUCCESSORS:
            stream.numbers()
        results = [scope.define(t) for t in types]
        if mask & _HAS_USE_ORDERS:
            _skip_use_orders(stream, len(results))
        operation = HloOperation(
            name, [scope.values[n] for n in operands], results, attributes, [], str(location)
        )
        for value in results:
            value.owner = operation
        if mask & _HAS_REGIONS:
            count, is_isolated = stream.flagged()
            if is_isolated and self.version >= _LAZY_REGIONS:
                stream = read_section(stream)[1]
            for _ in range(count):
                inner = _Scope(scope.most) if is_isolated else scope
                operation.regions.append(self._region(stream, inner))
        return operation

    def _region(self, stream: Stream, scope: _Scope) -> Region:
        region = Region()
        count = stream.number()
        if not count:
            return region
        values = stream.number()
        scope.open(values)
        for _ in range(count):
            region.blocks.append(self.block(stream, scope))
        scope.close(values)
        return region

    def _properties(self, name: str, version: int, number: int) -> dict[str, Any]:
        tables = self.tables
        if self.version < NATIVE_PROPERTIES:
            return tables.attribute(number)
        stream = tables.properties(number)
        names = attribute_names(name, version)
        values = [tables.attribute(n) for n in _until_end(stream)]
        if len(values) != len(names):
            raise MalformedBytecode(
                f"{name} of version {version} has the attributes {list(names)}. Received {len(values)}."
            )
        return dict(zip(names, values))


def _until_end(stream: Stream) -> list[int]:
    numbers = []
    while stream:
        numbers.append(stream.number())
    return numbers


def _plain_name(name: str) -> tuple[str, int]:
    """ "vhlo.add_v1" -> ("add", 1)."""
    dialect, _, rest = name.partition(".")
    match = _VERSIONED.fullmatch(rest)
    if dialect == "vhlo" and match:
        return match[1], int(match[2])
    return rest if dialect == "builtin" else name, 0


def _skip_use_orders(stream: Stream, count: int) -> None:
    """Skips the order in which uses of values are listed."""
    for _ in range(stream.number() if count > 1 else 1):
        if count > 1:
            stream.number()
        for _ in range(stream.flagged()[0]):
            stream.number()
