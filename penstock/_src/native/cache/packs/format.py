"""The file of a pack.

    MAGIC | bytes of the manifest (8, little-endian) | the maker's public key (32) | signature (64) | manifest | objects, one after another

The manifest is JSON:

    abi       FORMAT of native/code.py: what object code takes from the process
    penstock  the version that wrote it, for people
    sources   hash of the sources that wrote the code (sources.py)
    targets   {name: numbers of threads that kernels are laid out for}
    objects   [[SHA-256, bytes], ...] in the order of the file
    codes     {identity: [number of its object, exports, facts]}
    model     SHA-256 of the SavedModel that it was made for, or ""
    plans     {what they are for: numbers of the objects with their records (runtime/packed)}

The signature is of CONTEXT and the manifest. All of the file is signed by that: the objects by their hashes, and no other byte may follow.
"""

import ast
import hashlib
import itertools
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, BinaryIO

from penstock._src.util.dataclass import dataclass

from .ed25519 import KEY_BYTES, SIGNATURE_BYTES, verifies

MAGIC = b"PENSTOCK PACK 1\n"
CONTEXT = b"penstock pack 1\n"
# Read as a whole before it is verified: a length out of a forged head must not exhaust memory.
MOST_MANIFEST = 64 << 20  # bytes
MOST_OBJECTS = 1 << 30  # bytes of all objects
_LENGTH = struct.Struct("<Q")
_HEAD = len(MAGIC) + _LENGTH.size + KEY_BYTES + SIGNATURE_BYTES
_UNSIGNED = bytes(KEY_BYTES)


class PackRefused(Exception):
    """A pack is not used; the message says why in one sentence."""


@dataclass(frozen=True)
class Entry:
    """A code of a pack.

    object   the number of its object
    exports  names of its functions
    facts    the text of its other facts: a Python literal
    """

    object: int
    exports: tuple[str, ...]
    facts: str


@dataclass(frozen=True)
class Manifest:
    """Manifest of a pack; see above."""

    abi: str
    penstock: str
    sources: str
    targets: Mapping[str, tuple[int, ...]]
    objects: Sequence[tuple[str, int]]
    codes: Mapping[str, Entry]
    model: str = ""
    plans: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def fingerprint(key: bytes) -> str:
    """The name of a public key."""
    return hashlib.sha256(key).hexdigest()[:16]


def sealed(
    manifest: Manifest, objects: Sequence[bytes], key: bytes, sign: Callable[[bytes], bytes]
) -> bytes:
    """The bytes of a pack.

    Args:
      manifest: with the hashes of the objects.
      objects: object code.
      key: the maker's public key.
      sign: returns the signature of a message by that key.
    """
    content = {
        "abi": manifest.abi,
        "penstock": manifest.penstock,
        "sources": manifest.sources,
        "targets": {name: list(threads) for name, threads in manifest.targets.items()},
        "objects": [list(each) for each in manifest.objects],
        "codes": {
            identity: [entry.object, list(entry.exports), entry.facts]
            for identity, entry in sorted(manifest.codes.items())
        },
        "model": manifest.model,
        "plans": {place: list(numbers) for place, numbers in manifest.plans.items()},
    }
    text = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    if len(text) > MOST_MANIFEST:
        raise PackRefused(f"its manifest would have {len(text):,} bytes, above {MOST_MANIFEST:,}")
    head = MAGIC + _LENGTH.pack(len(text)) + key + sign(CONTEXT + text)
    return b"".join([head, text, *objects])


def unsealed(
    file: BinaryIO, trusted: Callable[[bytes], bool]
) -> tuple[Manifest, bytes, Sequence[int]]:
    """The manifest of a pack, its objects, and where each begins. The objects' hashes remain to be verified.

    What a stranger wrote is not read beyond its head, and nothing beyond what the maker has signed.

    Args:
      file: at its start.
      trusted: True for public keys of makers whose code may run.

    Raises:
      PackRefused: it is damaged, unsigned, or signed by another.
    """
    head = file.read(_HEAD)
    if head[: len(MAGIC)] != MAGIC:
        raise PackRefused("it is not a pack of a version that this Penstock reads")
    if len(head) < _HEAD:
        raise PackRefused(f"it is truncated: it has {len(head)} bytes, and its head alone {_HEAD}")
    at = len(MAGIC)
    (length,) = _LENGTH.unpack_from(head, at)
    key = head[at + _LENGTH.size :][:KEY_BYTES]
    if key == _UNSIGNED:
        raise PackRefused("it is not signed")
    if not trusted(key):
        raise PackRefused(
            f"its maker's key {fingerprint(key)} is not trusted (penstock trust, with the maker's .pub file)"
        )
    text = file.read(length) if length <= MOST_MANIFEST else b""
    if len(text) < length:
        raise PackRefused(f"it is truncated or damaged: its manifest would have {length:,} bytes")
    if not verifies(key, CONTEXT + text, head[-SIGNATURE_BYTES:]):
        raise PackRefused("its signature is not that of its content: it is damaged or was changed")
    manifest = _parsed(text)
    starts = [0, *itertools.accumulate(size for _, size in manifest.objects)]
    # One byte more than there should be, to find out that nothing follows.
    content = file.read(starts[-1] + 1) if starts[-1] <= MOST_OBJECTS else b""
    if len(content) != starts[-1]:
        raise PackRefused(
            f"its objects are not the {starts[-1]:,} bytes of its manifest: it is truncated or damaged"
        )
    return manifest, content, starts


def _parsed(text: bytes) -> Manifest:
    """The manifest of a text that a trusted key has signed. It may still be a mistake of its maker's."""
    try:
        content: Any = json.loads(text)
        objects = [(_text(sha), _count(size)) for sha, size in content["objects"]]
        codes = {
            identity: Entry(_count(number), tuple(map(_text, exports)), _text(facts))
            for identity, (number, exports, facts) in content["codes"].items()
        }
        if any(entry.object >= len(objects) for entry in codes.values()):
            raise ValueError("a code has no object")
        targets = {
            name: tuple(map(_count, threads)) for name, threads in content["targets"].items()
        }
        plans = {
            place: tuple(map(_count, numbers))
            for place, numbers in content.get("plans", {}).items()
        }
        if any(number >= len(objects) for numbers in plans.values() for number in numbers):
            raise ValueError("a plan has no object")
        abi, penstock, sources = (_text(content[name]) for name in ("abi", "penstock", "sources"))
        model = _text(content.get("model", ""))
        return Manifest(
            abi=abi,
            penstock=penstock,
            sources=sources,
            targets=targets,
            objects=objects,
            codes=codes,
            model=model,
            plans=plans,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackRefused(f"its manifest is not one ({type(error).__name__}: {error})") from error


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"expected a string, received {type(value).__name__}")
    return value


def _count(value: Any) -> int:
    # Not isinstance: JSON's true would be a number.
    if type(value) is not int or value < 0:
        raise TypeError(f"expected a number of at least 0, received {value!r}")
    return value


def facts_of(entry: Entry) -> tuple[Any, ...]:
    """The facts of a code.

    Raises:
      PackRefused: they are not a literal.
    """
    try:
        facts = ast.literal_eval(entry.facts)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise PackRefused(f"the facts of a code are not a literal ({error})") from error
    if type(facts) is not tuple:
        raise PackRefused("the facts of a code are not a tuple")
    return facts
