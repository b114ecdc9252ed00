"""The relocations that LLVM writes for our code, by processor: how an address becomes part of an instruction or a word."""

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from penstock._src.util.dataclass import dataclass


class Site(NamedTuple):
    """Bytes of an image to be changed: at `at` in its content, at `address` when it runs."""

    content: bytearray
    at: int
    address: int


@dataclass(frozen=True)
class Rule:
    """A kind of relocation.

    apply       changes the site for the address of the target; raises OverflowError if that is out of reach
    width       bytes of the site
    takes_slot  True if the target is a word with the address of the symbol
    calls       bits of the distance of a call, which goes by a jump near it if the symbol is farther; 0: it is not a call
    """

    apply: Callable[[Site, int], None]
    width: int = 4
    takes_slot: bool = False
    calls: int = 0


@dataclass(frozen=True)
class Processor:
    """ELF's number of a processor, its relocations by their numbers, and jumps by a word that holds an address."""

    machine: int
    rules: Mapping[int, Rule]
    stub_bytes: int
    write_stub: Callable[[Site, int], None]


def overflows(value: int, bits: int) -> bool:
    """True if a number does not fit into this number of bits, with a sign."""
    return not -(1 << bits - 1) <= value < 1 << bits - 1


def _signed(value: int, bits: int) -> int:
    """The lowest bits of a number, which must fit into them with its sign."""
    if overflows(value, bits):
        raise OverflowError
    return value & (1 << bits) - 1


def _word(site: Site, target: int) -> None:
    struct.pack_into("<Q", site.content, site.at, target & (1 << 64) - 1)


def _distance(bits: int) -> Callable[[Site, int], None]:
    form = {32: "<I", 64: "<Q"}[bits]

    def apply(site: Site, target: int) -> None:
        struct.pack_into(form, site.content, site.at, _signed(target - site.address, bits))

    return apply


def _write_jump(site: Site, slot: int) -> None:
    site.content[site.at : site.at + 2] = b"\xff\x25"  # jmp [rip + distance]
    # From the end of the instruction, which has six bytes.
    distance = _signed(slot - (site.address + 6), 32)
    struct.pack_into("<I", site.content, site.at + 2, distance)


_X86_64 = Processor(
    62,
    {
        1: Rule(_word, 8),  # R_X86_64_64
        2: Rule(_distance(32)),  # PC32
        4: Rule(_distance(32), calls=32),  # PLT32
        9: Rule(_distance(32), takes_slot=True),  # GOTPCREL
        24: Rule(_distance(64), 8),  # PC64
        41: Rule(_distance(32), takes_slot=True),  # GOTPCRELX
        42: Rule(_distance(32), takes_slot=True),  # REX_GOTPCRELX
    },
    8,
    _write_jump,
)


def _change(site: Site, bits: int, shift: int, value: int) -> None:
    """Replaces bits of an instruction."""
    (instruction,) = struct.unpack_from("<I", site.content, site.at)
    mask = (1 << bits) - 1 << shift
    struct.pack_into("<I", site.content, site.at, instruction & ~mask | value << shift & mask)


def _page(site: Site, target: int) -> None:
    """The distance of the target's page of 4096 bytes, in ADRP: two bits apart from nineteen."""
    pages = _signed((target >> 12) - (site.address >> 12), 21)
    _change(site, 2, 29, pages & 3)
    _change(site, 19, 5, pages >> 2)


def _in_page(size: int) -> Callable[[Site, int], None]:
    """The offset in its page of a target of a number of bytes, in the immediate of ADD or of a load or store."""

    def apply(site: Site, target: int) -> None:
        offset = target & 0xFFF
        # The instruction counts in units of what it loads.
        if offset % size:
            raise OverflowError
        _change(site, 12, 10, offset // size)

    return apply


def _branch(bits: int, shift: int) -> Callable[[Site, int], None]:
    """The distance of a target in instructions."""

    def apply(site: Site, target: int) -> None:
        distance = target - site.address
        if distance & 3:
            raise OverflowError
        _change(site, bits, shift, _signed(distance >> 2, bits))

    return apply


def _address(site: Site, target: int) -> None:
    """The distance of a target in ADR."""
    distance = _signed(target - site.address, 21)
    _change(site, 2, 29, distance & 3)
    _change(site, 19, 5, distance >> 2)


def _write_branch(site: Site, slot: int) -> None:
    """adrp x16, page; ldr x16, [x16, offset]; br x16"""
    struct.pack_into("<III", site.content, site.at, 0x90000010, 0xF9400210, 0xD61F0200)
    _page(site, slot)
    _in_page(8)(Site(site.content, site.at + 4, site.address + 4), slot)


_AARCH64 = Processor(
    183,
    {
        257: Rule(_word, 8),  # R_AARCH64_ABS64
        260: Rule(_distance(64), 8),  # PREL64
        261: Rule(_distance(32)),  # PREL32
        273: Rule(_branch(19, 5)),  # LD_PREL_LO19
        274: Rule(_address),  # ADR_PREL_LO21
        275: Rule(_page),  # ADR_PREL_PG_HI21
        277: Rule(_in_page(1)),  # ADD_ABS_LO12_NC
        278: Rule(_in_page(1)),  # LDST8_ABS_LO12_NC
        279: Rule(_branch(14, 5)),  # TSTBR14
        280: Rule(_branch(19, 5)),  # CONDBR19
        282: Rule(_branch(26, 0), calls=28),  # JUMP26
        283: Rule(_branch(26, 0), calls=28),  # CALL26
        284: Rule(_in_page(2)),  # LDST16_ABS_LO12_NC
        285: Rule(_in_page(4)),  # LDST32_ABS_LO12_NC
        286: Rule(_in_page(8)),  # LDST64_ABS_LO12_NC
        299: Rule(_in_page(16)),  # LDST128_ABS_LO12_NC
        311: Rule(_page, takes_slot=True),  # ADR_GOT_PAGE
        312: Rule(_in_page(8), takes_slot=True),  # LD64_GOT_LO12_NC
    },
    12,
    _write_branch,
)

PROCESSORS = {"x86_64": _X86_64, "aarch64": _AARCH64}
