"""Links relocatable ELF objects of Linux: sections laid out in one image, relocations applied to it, symbols found in this process.

All numbers of the object are held to its bounds before they are used, and what is not known is refused: sections and relocations of kinds that LLVM does not
write for our code, alignments beyond a page, thread-local and common symbols. `relocations.py` has the processors.
"""

import ctypes
import functools
import platform
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from penstock._src.core import errors
from penstock._src.util.dataclass import dataclass

from .image import CODE, CONSTANTS, DATA, Image, pages
from .relocations import PROCESSORS, Processor, Site, overflows

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_IDENTITY = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
_RELOCATABLE = 1
# Types of sections: none, a table of symbols, one of relocations, and a section without bytes.
_NONE, _SYMBOLS, _RELOCATIONS, _EMPTY = 0, 2, 4, 8
_WRITTEN, _ALLOCATED, _EXECUTED, _THREAD_LOCAL = 1, 2, 4, 0x400  # flags of sections
_UNDEFINED, _ABSOLUTE, _RESERVED = 0, 0xFFF1, 0xFF00  # numbers of symbols' sections
_WEAK = 2
_OF_THREADS = 6  # type of a symbol
_UNWINDING = ".eh_frame"  # our code never unwinds
_MOST_ALIGNMENT = 4096
_MOST_BYTES = 1 << 30  # of an image
# Libraries of functions that Python need not have loaded.
_FALLBACKS = (
    "libm.so.6",
    "libgcc_s.so.1",
)


class _Section(NamedTuple):
    name: str
    type: int
    flags: int
    start: int
    size: int
    link: int
    info: int
    alignment: int


class _Symbol(NamedTuple):
    name: str
    binding: int
    type: int
    section: int
    value: int


def _refuse(why: str) -> errors.OpError:
    return errors.DataLossError(None, None, f"Machine code cannot be loaded: {why}.")


def _piece(code: bytes, start: int, size: int) -> bytes:
    """Bytes of an object."""
    if start + size > len(code):
        raise _refuse(f"it is truncated: {start + size} bytes of {len(code)}")
    return code[start : start + size]


def _text(texts: bytes, at: int) -> str:
    """The name at an offset of a table of names."""
    end = texts.find(b"\0", at)
    if at >= len(texts) or end < 0:
        raise _refuse("a name lies outside")
    return texts[at:end].decode("ascii", "replace")


def _rows(form: struct.Struct, content: bytes) -> list[tuple[int, ...]]:
    if len(content) % form.size:
        raise _refuse("a table is cut")
    return list(form.iter_unpack(content))


@dataclass
class ElfObject:
    """The tables of an object, all within its bounds."""

    code: bytes
    machine: int
    sections: Sequence[_Section]
    symbols: Sequence[_Symbol]

    @classmethod
    def of(cls, code: bytes) -> "ElfObject":
        """Reads an object; raises DataLossError if it is damaged."""
        if len(code) < _HEADER.size or code[: len(_IDENTITY)] != _IDENTITY:
            raise _refuse("it is not a 64-bit ELF object")
        fields = _HEADER.unpack_from(code)
        kind, machine, start = fields[1], fields[2], fields[6]
        width, count, names = fields[11], fields[12], fields[13]
        if kind != _RELOCATABLE or width != _SECTION.size or names >= count:
            raise _refuse("it is not a relocatable object")
        raw = _rows(_SECTION, _piece(code, start, count * width))
        texts = _piece(code, raw[names][4], raw[names][5])
        sections = [_Section(_text(texts, s[0]), s[1], s[2], *s[4:9]) for s in raw]
        for section in sections:
            if section.type not in (_NONE, _EMPTY):
                _piece(code, section.start, section.size)
        tables = [s for s in sections if s.type == _SYMBOLS]
        if len(tables) != 1 or tables[0].link >= count:
            raise _refuse("it has no table of symbols")
        texts = _piece(code, raw[tables[0].link][4], raw[tables[0].link][5])
        symbols = [
            _Symbol(_text(texts, name), info >> 4, info & 15, section, value)
            for name, info, _, section, value, _ in _rows(
                _SYMBOL, _piece(code, tables[0].start, tables[0].size)
            )
        ]
        return cls(code, machine, sections, symbols)

    def content(self, section: _Section) -> bytes:
        """The bytes of a section that has some."""
        return _piece(self.code, section.start, section.size)

    def relocations(self, table: _Section) -> list[tuple[int, int, _Symbol, int]]:
        """(offset, type, symbol, addend) of each relocation of a table."""
        rows = []
        for offset, info, addend in _rows(_RELOCATION, self.content(table)):
            number = info >> 32
            if number >= len(self.symbols):
                raise _refuse("a relocation names no symbol")
            rows.append((offset, info & 0xFFFFFFFF, self.symbols[number], addend))
        return rows

    def is_kept(self, number: int) -> bool:
        """True if a section becomes part of the image."""
        if number >= len(self.sections):
            raise _refuse("relocations are of no section")
        section = self.sections[number]
        return bool(section.flags & _ALLOCATED) and section.name != _UNWINDING


@dataclass
class _Layout:
    """Offsets of sections in the image, by number, and of the data after them: addresses of symbols, and jumps to those outside of the image."""

    places: dict[int, int]
    parts: list[tuple[int, int, int]]
    stubs: int
    slots: int
    size: int


def _laid_out(parsed: ElfObject, symbols: int, processor: Processor) -> _Layout:
    places, parts, end = dict[int, int](), list[tuple[int, int, int]](), 0
    stubs = slots = 0
    for rights in (CODE, CONSTANTS, DATA):
        start = end
        for number, section in enumerate(parsed.sections):
            if parsed.is_kept(number) and _rights(section) == rights:
                alignment = section.alignment or 1
                if alignment & (alignment - 1) or alignment > _MOST_ALIGNMENT:
                    raise _refuse(f"section {section.name} is aligned to {alignment} bytes")
                end = -(-end // alignment) * alignment
                places[number] = end
                end += section.size
                if end > _MOST_BYTES:
                    raise _refuse(f"it has more than {_MOST_BYTES} bytes")
        if rights == CODE:
            # A jump for each symbol: which are out of reach is known only in the image's place.
            stubs = end = -(-end // 16) * 16
            end += symbols * processor.stub_bytes
        # Among constants: slots are written before the image is mapped, never afterwards.
        if rights == CONSTANTS:
            slots = end = -(-end // 8) * 8
            end += 8 * symbols
        # Rights are of whole pages.
        end = pages(end)
        if end > start:
            parts.append((start, end, rights))
    return _Layout(places, parts, stubs, slots, max(end, pages(1)))


class _Linking:
    """An object on the way into memory."""

    def __init__(
        self,
        parsed: ElfObject,
        processor: Processor,
        provided: Mapping[str, int],
        layout: _Layout,
        slots: Mapping[_Symbol, int],
        image: Image,
    ) -> None:
        self.parsed, self.processor, self.given = parsed, processor, provided
        self.layout, self.slots, self.image = layout, slots, image
        self.content = bytearray(layout.size)

    def copy_sections(self) -> None:
        for number, at in self.layout.places.items():
            section = self.parsed.sections[number]
            if section.type != _EMPTY:
                self.content[at : at + section.size] = self.parsed.content(section)

    def _address(self, symbol: _Symbol) -> int:
        """Address of a symbol."""
        if symbol.type == _OF_THREADS:
            raise _refuse(f"symbol {symbol.name} is of threads")
        if symbol.section == _ABSOLUTE:
            return symbol.value
        if symbol.section == _UNDEFINED:
            return self._outside(symbol)
        at = self.layout.places.get(symbol.section)
        if at is None:
            raise _refuse(f"symbol {symbol.name!r} lies in no section of the image")
        # The end itself is a valid address, of a table without entries.
        if symbol.value > self.parsed.sections[symbol.section].size:
            raise _refuse(f"symbol {symbol.name!r} lies outside of its section")
        return self.image.address + at + symbol.value

    def _outside(self, symbol: _Symbol) -> int:
        address = self.given.get(symbol.name) or _address_in_process(symbol.name)
        # A weak symbol that is missing is 0, which code tests before it calls.
        if not address and symbol.binding != _WEAK:
            raise errors.InternalError(
                None, None, f"Machine code refers to {symbol.name!r}, which is not defined."
            )
        return address

    def relocate(self, number: int, offset: int, kind: int, symbol: _Symbol, addend: int) -> None:
        rule = self.processor.rules.get(kind)
        if rule is None:
            raise _refuse(f"relocation {kind} is not known")
        if (
            offset + rule.width > self.parsed.sections[number].size
            or self.parsed.sections[number].type == _EMPTY
        ):
            raise _refuse("a relocation lies outside of its section")
        at = self.layout.places[number] + offset
        site = Site(self.content, at, self.image.address + at)
        target = self._address(symbol)
        if rule.takes_slot:
            target = self._slot(symbol, target)
        elif rule.calls and overflows(target + addend - site.address, rule.calls):
            target = self._stub(symbol, target)
        try:
            rule.apply(site, target + addend)
        except OverflowError as error:
            raise _refuse(f"{symbol.name!r} is out of reach of relocation {kind}") from error

    def _slot(self, symbol: _Symbol, target: int) -> int:
        """The address of a word that holds the address of a symbol."""
        at = self.layout.slots + 8 * self.slots[symbol]
        struct.pack_into("<Q", self.content, at, target)
        return self.image.address + at

    def _stub(self, symbol: _Symbol, target: int) -> int:
        """The address of a jump to a symbol."""
        slot = self._slot(symbol, target)
        at = self.layout.stubs + self.processor.stub_bytes * self.slots[symbol]
        self.processor.write_stub(Site(self.content, at, self.image.address + at), slot)
        return self.image.address + at

    def export(self, name: str) -> int:
        for symbol in self.parsed.symbols:
            if symbol.name == name and 0 < symbol.section < _RESERVED:
                if symbol.section >= len(self.parsed.sections):
                    raise _refuse(f"symbol {name!r} lies in no section")
                if self.parsed.sections[symbol.section].flags & _EXECUTED:
                    return self._address(symbol)
        raise errors.InternalError(None, None, f"Machine code has no function {name!r}.")


class ElfImage:
    """Object code in memory that this process has linked.

    Args:
      image: the memory.
      addresses: of its functions, by name.
    """

    def __init__(self, image: Image, addresses: dict[str, int]) -> None:
        self._image, self.addresses = image, addresses


def link(code: bytes, exports: tuple[str, ...], symbols: Mapping[str, int]) -> ElfImage:
    """Loads object code.

    Args:
      code: the object.
      exports: names of its functions.
      symbols: addresses of external symbols that the process does not export.

    Raises:
      DataLossError: it is damaged, or has what is not known.
      InternalError: a symbol is not defined.
    """
    parsed = ElfObject.of(code)
    processor = PROCESSORS.get(_machine_of_host())
    if processor is None or parsed.machine != processor.machine:
        raise _refuse(f"it is for another processor (ELF machine {parsed.machine})")
    tables = [
        (table.info, parsed.relocations(table))
        for table in parsed.sections
        if table.type == _RELOCATIONS and parsed.is_kept(table.info)
    ]
    referred = dict.fromkeys(row[2] for _, rows in tables for row in rows)
    layout = _laid_out(parsed, len(referred), processor)
    slots = {symbol: number for number, symbol in enumerate(referred)}
    linking = _Linking(parsed, processor, symbols, layout, slots, Image(layout.size))
    linking.copy_sections()
    for number, rows in tables:
        for row in rows:
            linking.relocate(number, *row)
    addresses = {name: linking.export(name) for name in exports}
    linking.image.fill(bytes(linking.content), layout.parts)
    return ElfImage(linking.image, addresses)


def is_known_system() -> bool:
    """True if object code of this process's system can be linked here."""
    return sys.platform == "linux" and sys.maxsize > 1 << 32 and _machine_of_host() in PROCESSORS


def _rights(section: _Section) -> int:
    if section.flags & _THREAD_LOCAL or section.flags & _EXECUTED and section.flags & _WRITTEN:
        raise _refuse(f"section {section.name} has flags {section.flags:#x}")
    if section.flags & _EXECUTED:
        return CODE
    return DATA if section.flags & _WRITTEN else CONSTANTS


@functools.cache
def _machine_of_host() -> str:
    name = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


@functools.cache
def _libraries() -> list[ctypes.CDLL]:
    libraries = [ctypes.CDLL(None)]
    for name in _FALLBACKS:
        try:
            libraries.append(ctypes.CDLL(name))
        except OSError:
            continue  # a system without it: a symbol that is missing then is reported
    return libraries


@functools.cache
def _address_in_process(name: str) -> int:
    """The address of what the process exports under a name; 0 if it does not."""
    for library in _libraries():
        try:
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        except AttributeError:
            continue
    return 0
