"""Links relocatable ELF objects of Linux: sections laid out in one image, relocations applied to it, symbols found in this process.

All numbers of the object are held to its bounds before they are used, and what is not known is refused: sections and relocations of kinds that LLVM does not
write for our code, alignments beyond a page, thread-local and common symbols. `relocations.py` has the processors.
"""

import ctypes
import functools
import struct
from collections.abc import Mapping
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
_SYMBOLS, _RELOCATIONS, _EMPTY = (
    2,
    4,
    8,
)  # types of sections: a table of symbols, of relocations; without bytes
_WRITTEN, _ALLOCATED, _EXECUTED, _THREAD_LOCAL = 1, 2, 4, 0x400  # flags of sections
_UNDEFINED, _ABSOLUTE, _RESERVED = 0, 0xFFF1, 0xFF00  # numbers of symbols' sections
_WEAK = 2
_OF_THREADS = 6  # type of a symbol
_UNWINDING = ".eh_frame"  # our code never unwinds
_MOST_ALIGNMENT = 4096
_MOST_BYTES = 1 << 30  # of an image
_FALLBACKS = (
    "libm.so.6",
    "libgcc_s.so.1",
)  # libraries of functions that Python need not have loaded


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


class _Object:
    """The tables of an object."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        if len(code) < _HEADER.size or code[: len(_IDENTITY)] != _IDENTITY:
            raise _refuse("it is not a 64-bit ELF object")
        fields = _HEADER.unpack_from(code)
        kind, self.machine, start = fields[1], fields[2], fields[6]
        width, count, names = fields[11], fields[12], fields[13]
        if kind != _RELOCATABLE or width != _SECTION.size or names >= count:
            raise _refuse("it is not a relocatable object")
        self.piece(start, count * width)
        raw = [_SECTION.unpack_from(code, start + i * width) for i in range(count)]
        texts = self._texts(raw[names][4], raw[names][5])
        self.sections = [
            _Section(self._text(texts, s[0]), s[1], s[2], s[4], s[5], s[6], s[7], s[8]) for s in raw
        ]
        for section in self.sections:
            if section.type != _EMPTY and section.type:
                self.piece(section.start, section.size)
        tables = [s for s in self.sections if s.type == _SYMBOLS]
        if len(tables) != 1 or tables[0].link >= count:
            raise _refuse("it has no table of symbols")
        self.symbols = self._symbols(tables[0], raw[tables[0].link])

    def piece(self, start: int, size: int) -> bytes:
        """Bytes of the object."""
        if start + size > len(self.code):
            raise _refuse(f"it is truncated: {start + size} bytes of {len(self.code)}")
        return self.code[start : start + size]

    def _texts(self, start: int, size: int) -> bytes:
        return self.piece(start, size)

    def _text(self, texts: bytes, at: int) -> str:
        end = texts.find(b"\0", at)
        if at >= len(texts) or end < 0:
            raise _refuse("a name lies outside")
        return texts[at:end].decode("ascii", "replace")

    def _symbols(self, table: _Section, names: tuple[int, ...]) -> list[_Symbol]:
        texts, content = self._texts(names[4], names[5]), self.piece(table.start, table.size)
        if len(content) % _SYMBOL.size:
            raise _refuse("its table of symbols is cut")
        symbols = []
        for name, info, _, section, value, _ in _SYMBOL.iter_unpack(content):
            symbols.append(_Symbol(self._text(texts, name), info >> 4, info & 15, section, value))
        return symbols

    def relocations(self, table: _Section) -> list[tuple[int, int, _Symbol, int]]:
        """(offset, type, symbol, addend) of each relocation of a table."""
        content = self.piece(table.start, table.size)
        if len(content) % _RELOCATION.size:
            raise _refuse("a table of relocations is cut")
        rows = []
        for offset, info, addend in _RELOCATION.iter_unpack(content):
            number = info >> 32
            if number >= len(self.symbols):
                raise _refuse("a relocation names no symbol")
            rows.append((offset, info & 0xFFFFFFFF, self.symbols[number], addend))
        return rows


@dataclass
class _Layout:
    """Where sections lie in the image, by number, and what follows them: addresses of symbols, and jumps to those outside of the image."""

    places: dict[int, int]
    parts: list[tuple[int, int, int]]
    stubs: int
    slots: int
    size: int


class ElfImage:
    """Object code in memory that this process has linked.

    Args:
      code: the object.
      exports: names of its functions.
      symbols: addresses of what it refers to, besides what the process exports.

    Raises:
      DataLossError: it is damaged, or has what is not known.
      InternalError: a symbol is not defined.
    """

    def __init__(self, code: bytes, exports: tuple[str, ...], symbols: Mapping[str, int]) -> None:
        self._object = _Object(code)
        processor = PROCESSORS.get(_machine_of_host())
        if processor is None or self._object.machine != processor.machine:
            raise _refuse(f"it is for another processor (ELF machine {self._object.machine})")
        self._processor: Processor = processor
        self._given = symbols
        tables = [s for s in self._object.sections if s.type == _RELOCATIONS]
        self._tables = [(t, self._object.relocations(t)) for t in tables if self._is_kept(t.info)]
        referred = [symbol for _, rows in self._tables for _, _, symbol, _ in rows]
        self._slots = {symbol: i for i, symbol in enumerate(dict.fromkeys(referred))}
        self._layout = self._laid_out()
        self._image = Image(self._layout.size)
        self._content = bytearray(self._layout.size)
        self._copy_sections()
        self._addresses: dict[str, int] = {}
        for table, rows in self._tables:
            for row in rows:
                self._relocate(table.info, *row)
        self.addresses = {name: self._export(name) for name in exports}
        self._image.fill(bytes(self._content), self._layout.parts)
        del self._content, self._object, self._tables

    def _is_kept(self, number: int) -> bool:
        """True if a section becomes part of the image."""
        if number >= len(self._object.sections):
            raise _refuse("relocations are of no section")
        section = self._object.sections[number]
        return bool(section.flags & _ALLOCATED) and section.name != _UNWINDING

    def _laid_out(self) -> _Layout:
        places, parts, end = dict[int, int](), list[tuple[int, int, int]](), 0
        stubs = slots = 0
        for rights in (CODE, CONSTANTS, DATA):
            start = end
            for number, section in enumerate(self._object.sections):
                if self._is_kept(number) and _rights(section) == rights:
                    alignment = section.alignment or 1
                    if alignment & (alignment - 1) or alignment > _MOST_ALIGNMENT:
                        raise _refuse(f"section {section.name} is aligned to {alignment} bytes")
                    end = -(-end // alignment) * alignment
                    places[number] = end
                    end += section.size
                    if end > _MOST_BYTES:
                        raise _refuse(f"it has more than {_MOST_BYTES} bytes")
            if rights == CODE:
                stubs = end = -(-end // 16) * 16
                end += len(self._slots) * self._processor.stub_bytes
            if rights == CONSTANTS:
                slots = end = -(-end // 8) * 8
                end += 8 * len(self._slots)
            end = pages(end)
            if end > start:
                parts.append((start, end, rights))
        return _Layout(places, parts, stubs, slots, max(end, pages(1)))

    def _copy_sections(self) -> None:
        for number, at in self._layout.places.items():
            section = self._object.sections[number]
            if section.type != _EMPTY:
                self._content[at : at + section.size] = self._object.piece(
                    section.start, section.size
                )

    def _address(self, symbol: _Symbol) -> int:
        """Where a symbol lies."""
        if symbol.type == _OF_THREADS:
            raise _refuse(f"symbol {symbol.name} is of threads")
        if symbol.section == _ABSOLUTE:
            return symbol.value
        if symbol.section == _UNDEFINED:
            return self._outside(symbol)
        at = self._layout.places.get(symbol.section)
        if at is None:
            raise _refuse(f"symbol {symbol.name!r} lies in no section of the image")
        if symbol.value > self._object.sections[symbol.section].size:
            raise _refuse(f"symbol {symbol.name!r} lies outside of its section")
        return self._image.address + at + symbol.value

    def _outside(self, symbol: _Symbol) -> int:
        address = self._given.get(symbol.name) or _address_in_process(symbol.name)
        if not address and symbol.binding != _WEAK:
            raise errors.InternalError(
                None, None, f"Machine code refers to {symbol.name!r}, which is not defined."
            )
        return address

    def _relocate(self, number: int, offset: int, kind: int, symbol: _Symbol, addend: int) -> None:
        rule = self._processor.rules.get(kind)
        if rule is None:
            raise _refuse(f"relocation {kind} is not known")
        if (
            offset + rule.width > self._object.sections[number].size
            or self._object.sections[number].type == _EMPTY
        ):
            raise _refuse("a relocation lies outside of its section")
        at = self._layout.places[number] + offset
        site = Site(self._content, at, self._image.address + at)
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
        at = self._layout.slots + 8 * self._slots[symbol]
        struct.pack_into("<Q", self._content, at, target)
        return self._image.address + at

    def _stub(self, symbol: _Symbol, target: int) -> int:
        """The address of a jump to a symbol."""
        slot = self._slot(symbol, target)
        at = self._layout.stubs + self._processor.stub_bytes * self._slots[symbol]
        self._processor.write_stub(Site(self._content, at, self._image.address + at), slot)
        return self._image.address + at

    def _export(self, name: str) -> int:
        for symbol in self._object.symbols:
            if symbol.name == name and 0 < symbol.section < _RESERVED:
                if symbol.section >= len(self._object.sections):
                    raise _refuse(f"symbol {name!r} lies in no section")
                if self._object.sections[symbol.section].flags & _EXECUTED:
                    return self._address(symbol)
        raise errors.InternalError(None, None, f"Machine code has no function {name!r}.")


def _rights(section: _Section) -> int:
    if section.flags & _THREAD_LOCAL or section.flags & _EXECUTED and section.flags & _WRITTEN:
        raise _refuse(f"section {section.name} has flags {section.flags:#x}")
    if section.flags & _EXECUTED:
        return CODE
    return DATA if section.flags & _WRITTEN else CONSTANTS


@functools.cache
def _machine_of_host() -> str:
    import platform  # for installations without LLVM only

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
