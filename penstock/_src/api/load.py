"""Imported before the first public name is resolved: eager execution, operators, variables."""

import penstock._src.core.tracking.data_structures
import penstock._src.eager.execute
import penstock._src.eager.tensor
import penstock._src.graph.graph  # noqa: F401
from penstock._src.core.calls.placement import has_gpus
from penstock._src.util.files import crc32c
from penstock._src.util.flags import flags

from . import operators, ragged_overrides, variables  # noqa: F401
from .sparse import overrides  # noqa: F401


def _native_crc32c():
    from penstock._src.native.readers.checksum import native_crc32c  # loads LLVM, when large

    return native_crc32c()


if has_gpus():
    from penstock._src.eager.placed.hooks import install

    install()
crc32c.use_native(_native_crc32c)
if flags.memory_limit:
    from penstock._src.native.pool import pool

    pool()  # it counts arrays from now on
