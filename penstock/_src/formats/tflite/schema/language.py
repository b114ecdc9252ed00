"""The schema language of FlatBuffers tables: parses declarations, and creates classes for their records.

A schema is a text like

    Tensor
        shape=0 int32*, type=1 TensorType, buffer=2 uint32, name=3 string
    Buffer
        data=0 uint8*@16
    union SparseIndexVector
        Int32Vector=1, Uint16Vector=2
    enum TensorType int8
        FLOAT32=0, FLOAT16=1

A line without indentation begins a table, a union or an enum with the type that stores it; the indented
ones hold `name=number type`. Behind a type, `*` means a vector, `@16` the alignment of its elements,
`:1` the default. A field of a union's type takes two numbers: the one written, and the one before it for
the tag. A member of a union that no table declares is a table without fields.

Records of tables are instances of classes made from the schema: `schema["Tensor"](shape=[2], name="x")`.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

SCALARS = {
    name: f"<{code}{size}"
    for name, code, size in (
        ("bool", "b", 1), ("int8", "i", 1), ("uint8", "u", 1), ("int16", "i", 2),
        ("uint16", "u", 2), ("int32", "i", 4), ("uint32", "u", 4), ("int64", "i", 8),
        ("uint64", "u", 8), ("float32", "f", 4), ("float64", "f", 8),
    )
}  # fmt: skip
_FIELD = re.compile(r"(\w+)=(\d+) ([A-Za-z]\w*)(\*)?(?:@(\d+))?(?::(-?\d+))?(?:, ?|$)")


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a table.

    Attributes:
      kind: "scalar", "string", "table" or "union".
      type: the scalar's type, or the name of the table or union.
    """

    name: str
    number: int
    kind: str
    type: str
    is_vector: bool = False
    align: int = 0
    default: int = 0


@dataclasses.dataclass(frozen=True)
class Table:
    """A table's name and fields; `slots` counts the numbers that its fields take."""

    name: str
    fields: tuple[Field, ...]

    @property
    def slots(self) -> int:
        return max((field.number + 1 for field in self.fields), default=0)


class Record:
    """A table's values; fields without a value are None, scalars are their defaults."""

    TABLE: Table
    __slots__ = ()

    def __init__(self, **values: Any) -> None:
        for field in self.TABLE.fields:
            plain = field.kind == "scalar" and not field.is_vector
            setattr(self, field.name, values.pop(field.name, field.default if plain else None))
        if values:
            raise TypeError(f"{self.TABLE.name} has no field '{next(iter(values))}'.")

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in self.TABLE.fields)
        return f"{self.TABLE.name}({shown})"


class Enum:
    """Names and numbers of an enum: `TensorType.INT8`, `TensorType.name(9)`."""

    def __init__(self, title: str, numbers: dict[str, int]) -> None:
        self.title, self.numbers = title, numbers
        self._names = {number: name for name, number in numbers.items()}

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["numbers"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __contains__(self, number: int) -> bool:
        return number in self._names

    def name(self, number: int) -> str:
        """Returns the name of a number, or the number itself if it has none."""
        return self._names.get(number, f"{self.title} {number}")


class Schema:
    """The tables, unions and enums of some schema texts; `schema["Tensor"]` is the class of its records."""

    def __init__(self, *texts: str) -> None:
        sections = [section for text in texts for section in _sections(text)]
        self.enums: dict[str, Enum] = {}
        self.unions: dict[str, dict[int, str]] = {}
        self._storage: dict[str, str] = {}  # the underlying type of an enum
        declared = {header for header, _ in sections if " " not in header}
        for header, body in sections:
            word, *rest = header.split(" ")
            if word == "enum":
                self._storage[rest[0]] = rest[1]
                self.enums[rest[0]] = Enum(rest[0], dict(_numbers(body)))
            elif word == "union":
                self.unions[rest[0]] = {number: name for name, number in _numbers(body)}
        self.tables = {
            header: Table(header, tuple(self._fields(header, body, declared)))
            for header, body in sections
            if " " not in header
        }
        for members in self.unions.values():
            for name in members.values():
                self.tables.setdefault(name, Table(name, ()))
        self.tags = {
            union: {name: number for number, name in members.items()}
            for union, members in self.unions.items()
        }
        self._classes = {name: _record_class(table) for name, table in self.tables.items()}

    def __getitem__(self, name: str) -> Any:
        """The class of a table's records."""
        return self._classes[name]

    def _fields(self, table: str, body: str, declared: set[str]) -> Iterator[Field]:
        end = 0
        for match in _FIELD.finditer(body):
            if match.start() != end:
                break
            end = match.end()
            name, number, kind, vector, align, default = match.groups()
            kind = self._storage.get(kind, kind)
            if kind in SCALARS:
                form = "scalar"
            elif kind == "string":
                form = "string"
            elif kind in self.unions:
                form = "union"
            elif kind in declared:
                form = "table"
            else:
                raise ValueError(f"Schema: unknown type '{kind}' of '{name}' in {table}.")
            value = bool(int(default or 0)) if kind == "bool" else int(default or 0)
            yield Field(name, int(number), form, kind, bool(vector), int(align or 0), value)
        if end != len(body):
            raise ValueError(f"Schema: expected a field in {table}. Received: {body[end:]}")


def _record_class(table: Table) -> type[Record]:
    slots = tuple(field.name for field in table.fields)
    return type(table.name, (Record,), {"__slots__": slots, "TABLE": table})


def _numbers(body: str) -> Iterator[tuple[str, int]]:
    for item in body.split(", "):
        name, _, number = item.partition("=")
        yield name, int(number)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(header, indented text under it) for every table, union and enum."""
    header, body = "", list[str]()
    for line in text.strip("\n").splitlines():
        if line[:1].strip():
            if header:
                yield header, " ".join(body)
            header, body = line.strip(), []
        else:
            body.append(line.strip())
    if header:
        yield header, " ".join(body)
