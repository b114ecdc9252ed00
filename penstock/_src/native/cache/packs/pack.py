"""Packs in use: object code by identity, verified when it is taken."""

import hashlib
from collections.abc import Sequence
from typing import Any, BinaryIO

from penstock._src.util.dataclass import dataclass

from .format import Manifest, PackRefused, facts_of, unsealed
from .trust import is_trusted


@dataclass(frozen=True)
class PackedCode:
    """Object code of a pack, with what its text would say of it."""

    exports: tuple[str, ...]
    facts: tuple[Any, ...]
    content: bytes


class Pack:
    """A pack, in memory.

    Args:
      origin: where it comes from, for messages.
      manifest: what it says of itself.
      objects: their bytes, one after another.
      starts: where each begins.
    """

    def __init__(
        self, origin: str, manifest: Manifest, objects: bytes, starts: Sequence[int]
    ) -> None:
        self.origin, self.manifest = origin, manifest
        self._objects, self._starts = objects, starts

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the processors that it has code for."""
        return tuple(self.manifest.targets)

    def threads_for(self, target: str, threads: int) -> int | None:
        """The number of threads to plan for, so that a pool of `threads` runs the code; None if there is no code for as many."""
        # A larger number only means more scratch than the pool's threads use.
        return min((n for n in self.manifest.targets[target] if n >= threads), default=None)

    def plans(self, place: str) -> list[bytes]:
        """The records of plans for a place: a target, a number of threads, and a section of the model's graph."""
        return [self.content(number) for number in self.manifest.plans.get(place, ())]

    @property
    def objects(self) -> int:
        """The number of objects."""
        return len(self.manifest.objects)

    def code(self, identity: str) -> PackedCode | None:
        """The code of an identity, or None."""
        entry = self.manifest.codes.get(identity)
        if entry is None:
            return None
        return PackedCode(entry.exports, facts_of(entry), self.content(entry.object))

    def content(self, number: int) -> bytes:
        """The object code with a number."""
        start = self._starts[number]
        return self._objects[start : start + self.manifest.objects[number][1]]

    def verify(self) -> None:
        """Raises PackRefused unless each object is the one that was signed."""
        for number, (sha, _) in enumerate(self.manifest.objects):
            if hashlib.sha256(self.content(number)).hexdigest() != sha:
                raise PackRefused(f"object {number} is not the one that was signed")


MOST_IN_USE = 16  # a server loads version after version, with a pack each
# The packs of the process's models: they have the code that a process needs once.
_in_use: list[Pack] = []


def packs_in_use() -> Sequence[Pack]:
    """The packs whose code serves the whole process."""
    return _in_use


def open_pack(file: BinaryIO, origin: str, abi: str, sources: str) -> Pack:
    """A pack that may be used in this process, with all objects verified.

    Args:
      file: at its start.
      origin: its path, for messages.
      abi: the interface to the process that its code must have been written for.
      sources: the hash of the sources that would write its code here.

    Raises:
      PackRefused: it may not be used.
    """
    manifest, objects, starts = unsealed(file, is_trusted)
    if (manifest.abi, manifest.sources) != (abi, sources):
        raise PackRefused(
            f"it was made by other sources of Penstock ({manifest.penstock}): pack the model anew with this version"
        )
    pack = Pack(origin, manifest, objects, starts)
    pack.verify()
    return pack


def use_for_process(pack: Pack) -> Pack:
    """Takes the process's own code from a pack, too; returns an equal one that is in use already, if there is one."""
    for other in _in_use:
        # It has the hashes of all objects: equal manifests are equal packs.
        if other.manifest == pack.manifest:
            return other
    _in_use.append(pack)
    del _in_use[:-MOST_IN_USE]
    return pack
