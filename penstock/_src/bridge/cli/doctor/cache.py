"""The cache of compiled kernels, and the key that signs them."""

from __future__ import annotations

import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterator

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem

MB = 1 << 20
LITTLE = 500 * MB


def folder() -> Iterator[Finding]:
    """The folder of kernels: writable, with room, and not too large."""
    from penstock._src.native.cache import objects  # LLVM may be broken

    place = objects.ObjectCache.from_flags().folder
    if place is None:
        yield note(
            "compiled kernels are not kept: every start compiles again",
            "Unset PENSTOCK_CACHE_DIR=none, or set it to a folder.",
        )
        return
    nearest = next(p for p in (place, *place.parents) if p.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        yield problem(
            f"{nearest} is not writable ({error.strerror}): kernels are not kept, and every start compiles again",
            "Set PENSTOCK_CACHE_DIR to a folder that is.",
        )
        return
    sizes = [size for _, size, _ in objects.files(place)] if place.is_dir() else []
    yield _size(place, sizes, objects.LIMIT)
    free = shutil.disk_usage(nearest).free
    if free < LITTLE:
        yield problem(f"{nearest} is on a disk with {free / MB:.0f} MB left", "Free some.")


def _size(place: pathlib.Path, sizes: list[int], limit: int) -> Finding:
    total = sum(sizes)
    text = f"{place}: {len(sizes):,} files, {total / MB:.0f} MB of at most {limit / MB:.0f} MB"
    if total > limit * 5 // 4:
        return problem(f"{text}: nothing prunes it", "Remove the folder; it is made again.")
    return ok(text)


def key() -> Iterator[Finding]:
    """The key by which this user's kernels are known."""
    from penstock._src.native.cache import signing  # LLVM may be broken
    from penstock._src.util.flags import flags

    path = pathlib.Path(flags.cache_key) if flags.cache_key else signing.default_path()
    if path is None:
        yield problem(
            "there is no home folder for the key of kernels", "Set PENSTOCK_CACHE_KEY to a file."
        )
    elif path.exists() and sys.platform != "win32" and path.stat().st_mode & 0o077:
        yield problem(f"others may read {path}: kernels are not kept", f"chmod 600 {path}")
    elif path.exists() and path.stat().st_size != signing.LENGTH:
        yield problem(f"{path} is not a key: kernels are not kept", "Remove it; a new one is made.")
    elif signing.user_key() is None:
        yield problem(
            f"{path} cannot be made or read: kernels are not kept", "Mend its folder's rights."
        )
    else:
        yield ok(f"the key of kernels is {path}")


CHECKS = (folder, key)
