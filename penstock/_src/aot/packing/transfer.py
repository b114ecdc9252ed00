"""This user's cache of kernels as a signed file, and back: for other users, machines and images that have the same sources.

The file is a pack without targets. Its codes are those of the cache that the current sources have named, and it counts for processors of the kind that they
were compiled on, which their identities name.
"""

import ast
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock._src.aot.packing.signing import Maker
from penstock._src.compiler.codegen import names
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.filesystems.files import open_file
from penstock._src.filesystems.whole import write_whole
from penstock._src.native import code, kernels
from penstock._src.native.cache import ObjectCache
from penstock._src.native.cache.packs import Pack, PackRefused, open_pack
from penstock._src.native.cache.packs.format import Entry, Manifest, sealed
from penstock._src.native.cache.sources import OF_PLANS, digest_of
from penstock._src.version import OWN_VERSION


def export_cache(path: Any, key: Path | str) -> tuple[int, int]:
    """Writes the cache to a file.

    Args:
      path: of the file.
      key: the file of the secret key that signs it.

    Returns:
      (kernels, bytes) that it has.

    Raises:
      FailedPreconditionError: there is no cache.
    """
    maker, cache = Maker(key), _cache()
    numbers: dict[bytes, int] = {}
    entries = {}
    for identity, exports, facts, content in _named(cache):
        number = numbers.setdefault(content, len(numbers))
        entries[identity] = Entry(number, exports, repr(facts))
    table = [(hashlib.sha256(each).hexdigest(), len(each)) for each in numbers]
    manifest = Manifest(code.FORMAT, OWN_VERSION, _sources(), {}, table, entries)
    data = sealed(manifest, list(numbers), maker.key, maker.sign)
    write_whole(os.fsdecode(path), data)
    return len(entries), len(data)


def import_cache(path: Any) -> int:
    """Merges a file into the cache; returns the number of kernels that it lacked.

    Args:
      path: of a file that `export_cache` has written, or of a model's pack.

    Raises:
      PackRefused: it is damaged, or not signed by a key that the user trusts.
      FailedPreconditionError: there is no cache.
    """
    cache, pack, added = _cache(), opened(path), 0
    for identity, entry in pack.manifest.codes.items():
        name = _name(identity)
        if name is None or cache.read(name) is not None:
            continue
        content = pack.content(entry.object)
        key = hashlib.sha256(content).hexdigest()[:40]
        cache.write(code.file_of(key), content)
        facts = pack.code(identity)
        assert facts is not None
        code.note(cache, name, (facts.exports, facts.facts), key, identity)
        added += 1
    return added


def opened(path: Any) -> Pack:
    """A file that may be used here.

    Raises:
      PackRefused: it may not.
    """
    place = os.fsdecode(path)
    with open_file(place) as file:
        return open_pack(file, place, code.FORMAT, _sources())


def _named(cache: ObjectCache) -> Iterator[tuple[str, tuple[str, ...], tuple[Any, ...], bytes]]:
    """(identity, exports, facts, object code) of each code of the cache that the current sources name."""
    for name in sorted(cache.keys()):
        lines = (cache.read(name) or b"").split(b"\n")
        if len(lines) != 3 or not lines[2].startswith((b"kernel-", b"module-")):
            continue  # object code, under its own key
        identity = lines[2].decode()
        content = cache.read(code.file_of(lines[1].decode()))
        if _name(identity) == name and content is not None:
            exports, facts = ast.literal_eval(lines[0].decode())
            yield identity, exports, facts, content


def _name(identity: str) -> str | None:
    """The name of an identity in this user's cache."""
    if identity.startswith("kernel-"):
        return names.name_of(identity)
    return code.name_of_module(identity)


def _cache() -> ObjectCache:
    cache = kernels().cache
    if cache.folder is None:
        raise FailedPreconditionError(
            None,
            None,
            "There is no cache of kernels: PENSTOCK_CACHE_DIR is none, or no home is known.",
        )
    return cache


def _sources() -> str:
    sources = digest_of(OF_PLANS)
    if sources is None:
        raise PackRefused("this installation's sources cannot be read, to name them")
    return sources
