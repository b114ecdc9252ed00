"""Static libraries: archives in the form of System V, with the index of symbols that linkers look into."""

import struct
from collections.abc import Mapping, Sequence

_MAGIC = b"!<arch>\n"
_HEADER = 60  # bytes before each member


def archive(members: Mapping[str, bytes], symbols: Mapping[str, Sequence[str]]) -> bytes:
    """An archive.

    Args:
      members: name -> object.
      symbols: name -> the symbols that this object defines.
    """
    listed = [(symbol, name) for name in members for symbol in symbols[name]]
    names = b"".join(symbol.encode() + b"\0" for symbol, _ in listed)
    index = 4 + 4 * len(listed) + len(names)
    long_names, places = b"", {}
    for name in members:
        places[name] = len(long_names)
        long_names += name.encode() + b"/\n"
    at = len(_MAGIC) + _HEADER + _even(index) + _HEADER + _even(len(long_names))
    offsets = {}
    for name, data in members.items():
        offsets[name] = at
        at += _HEADER + _even(len(data))
    table = struct.pack(">I", len(listed))
    table += b"".join(struct.pack(">I", offsets[name]) for _, name in listed) + names
    parts = [_MAGIC, _member("/", table), _member("//", long_names)]
    parts += [_member(f"/{places[name]}", data) for name, data in members.items()]
    return b"".join(parts)


def _even(size: int) -> int:
    return size + size % 2


def _member(name: str, data: bytes) -> bytes:
    """A member with its header; dates, owners and modes are 0, so equal models give equal files."""
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)
