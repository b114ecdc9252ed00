"""Digests of the sources that write code: what is kept on disk has a name that contains one.

They are of contents, so that a digest is the same in every installation of the same sources, whatever sizes and times its files have. To read the 1,200
sources of plans takes a process some 12 ms, once; to read their sizes and times took 5 (EPYC, two busy cores, Dec 2026).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from penstock._src.util.files.scanned import PACKAGE
from penstock._src.util.files.scanned import digest_of as digest_of_folder

# Folders of the package with the sources that decide what is kept, and all that they import (tests/layout/test_circles.py):
# of modules, which native code for this process consists of;
OF_MODULES = ("cluster", "core", "native", "util")
# of texts of kernels;
OF_KERNELS = ("compiler", "core", "ir", "native", "util")
# of plans, which come from graphs and their ops, and so of what packs have;
OF_PLANS = (
    "autodiff", "cluster", "compiler", "core", "devices/cpu", "filesystems", "function", "graph", "ir", "native", "ops", "proto", "runtime",
    "saving", "stablehlo", "util",
)  # fmt: skip
# and of object code, given its text.
OF_OBJECTS = ("native/llvm",)


def digest_of(folders: Sequence[str], package: Path = PACKAGE) -> str | None:
    """Returns a digest of the sources in some folders of a package; None if they are not available as files."""
    digest = hashlib.sha256()
    try:
        for folder in folders:
            digest.update(folder.encode() + digest_of_folder(package / folder))
    except OSError:
        return None
    return digest.hexdigest()
