"""The outside of MLIR's bytecode: header, sections, and the tables of strings, dialects, attributes and types.

header    "MLïR", version, producer
section   a byte (number; the highest bit: aligned), length, alignment and padding if aligned, data
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.stablehlo.bytecode.stream import MalformedBytecode, Stream

MAGIC = b"ML\xefR"
# Versions of the container: 1 has versions of dialects, 4 the number of names, 5 properties, 6 is the present one.
VERSIONS = range(7)
DIALECT_FLAGS, NAME_COUNTS, NATIVE_PROPERTIES = 1, 4, 5

STRINGS, DIALECTS, ENTRIES, OFFSETS, OPERATIONS = 0, 1, 2, 3, 4
RESOURCES, RESOURCE_OFFSETS, DIALECT_VERSIONS, PROPERTIES = 5, 6, 7, 8

# Reads an attribute or type of a dialect: (stream, tables) -> value.
Decoder = Callable[[Stream, "Tables"], Any]


def sections(stream: Stream) -> dict[int, Stream]:
    """The sections in the rest of a stream, by number."""
    by_number = {}
    while stream:
        number, section = read_section(stream)
        by_number[number] = section
    return by_number


def read_section(stream: Stream) -> tuple[int, Stream]:
    """The section that starts here."""
    head = stream.byte()
    length = stream.number()
    if head & 0x80:
        alignment = stream.number()
        stream.position += -stream.position % alignment
    start = stream.position
    stream.take(length)
    return head & 0x7F, Stream(stream.data, start, start + length)


class Tables:
    """Tables that operations refer to by number: strings, names, attributes and types."""

    def __init__(
        self,
        data: bytes,
        decoders: Mapping[str, tuple[Decoder, Decoder]],
        parse: Callable[[str], Any],
    ) -> None:
        stream = Stream(data)
        if stream.take(4) != MAGIC:
            raise MalformedBytecode("expected MLIR bytecode, which begins with 'ML\\xefR'.")
        self.version = stream.number()
        if self.version not in VERSIONS:
            raise MalformedBytecode(
                f"bytecode of version {VERSIONS[0]} to {VERSIONS[-1]} can be read. Received {self.version}."
            )
        self.producer = stream.text()
        self.sections = sections(stream)
        missing = {STRINGS, DIALECTS, ENTRIES, OFFSETS, OPERATIONS} - set(self.sections)
        if missing:
            raise MalformedBytecode(f"sections {sorted(missing)} are missing.")
        self.strings = _strings(self.sections[STRINGS])
        self.dialects: list[str] = []
        self.names: list[str] = []  # of operations: "vhlo.add_v1"
        self._read_dialects(self.sections[DIALECTS])
        self._decoders, self._parse = decoders, parse
        self._attributes, self._types = self._places(self.sections[OFFSETS])
        self._known: dict[tuple[bool, int], Any] = {}
        self._properties = self._property_places()

    def attribute(self, index: int) -> Any:
        """The attribute with a number."""
        return self._entry(self._attributes, index, False)

    def type(self, index: int) -> Any:
        """The type with a number."""
        return self._entry(self._types, index, True)

    def properties(self, index: int) -> Stream:
        """The bytes of the properties with a number."""
        start, length = self._properties[index]
        return Stream(self.sections[PROPERTIES].data, start, start + length)

    def _entry(self, places: list[tuple[str, int, int, bool]], index: int, is_type: bool) -> Any:
        key = is_type, index
        if key not in self._known:
            if index >= len(places):
                raise MalformedBytecode(f"there is no entry {index}: the file has {len(places)}.")
            dialect, start, end, is_coded = places[index]
            stream = Stream(self.sections[ENTRIES].data, start, end)
            if not is_coded:
                self._known[key] = self._parse(stream.text())
            elif dialect not in self._decoders:
                # an attribute of another dialect, such as a sharding
                self._known[key] = self._parse(f"#{dialect}")
            else:
                self._known[key] = self._decoders[dialect][is_type](stream, self)
        return self._known[key]

    def _read_dialects(self, stream: Stream) -> None:
        for _ in range(stream.number()):
            has_flag = self.version >= DIALECT_FLAGS
            name, is_versioned = stream.flagged() if has_flag else (stream.number(), False)
            self.dialects.append(self.strings[name])
            if is_versioned:
                read_section(stream)
        if not stream:
            return
        if self.version >= NAME_COUNTS:
            stream.number()
        while stream:
            dialect = self.dialects[stream.number()]
            for _ in range(stream.number()):
                name = stream.flagged()[0] if self.version >= NATIVE_PROPERTIES else stream.number()
                self.names.append(f"{dialect}.{self.strings[name]}")

    def _places(self, stream: Stream) -> tuple[list, list]:
        counts = [stream.number(), stream.number()]
        position = self.sections[ENTRIES].position
        tables: list[list[tuple[str, int, int, bool]]] = [[], []]
        for table, count in zip(tables, counts):
            while len(table) < count:
                dialect = self.dialects[stream.number()]
                for _ in range(stream.number()):
                    size, is_coded = stream.flagged()
                    table.append((dialect, position, position + size, is_coded))
                    position += size
        return tables[0], tables[1]

    def _property_places(self) -> list[tuple[int, int]]:
        if PROPERTIES not in self.sections:
            return []
        section = self.sections[PROPERTIES]
        stream = Stream(section.data, section.position, section.end)
        places = []
        for _ in range(stream.number()):
            length = stream.number()
            places.append((stream.position, length))
            stream.take(length)
        return places


def _strings(stream: Stream) -> list[str]:
    """The table of strings: lengths from last to first, then all characters."""
    lengths = [stream.number() for _ in range(stream.number())]
    texts = []
    for length in reversed(lengths):
        texts.append(stream.take(length)[:-1].decode("utf-8", "surrogateescape"))
    return texts
