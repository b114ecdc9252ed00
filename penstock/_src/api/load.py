"""Imported before the first public name is resolved: eager execution, operators, variables."""

import sys

import penstock._src.core.tracking.data_structures
import penstock._src.eager.execute
import penstock._src.eager.tensor
import penstock._src.graph.graph  # noqa: F401
from penstock._src.core.calls.placement import has_gpus
from penstock._src.util import slots
from penstock._src.util.files import crc32c
from penstock._src.util.flags import flags

from . import operators, variables  # noqa: F401
from .extending.dispatch import NOT_SUPPORTED, register_fallback


def _native_crc32c():
    from penstock._src.native.readers.checksum import native_crc32c  # loads LLVM, when large

    return native_crc32c()


# What handles calls with tensors of a class, by the module without which there are none.
_OF_COMPOSITES = {
    "api.ragged.row_partition": "call_with_ragged_tensors",
    "api.sparse.sparse_tensor": "call_with_sparse_tensors",
}


def _call_with_composites(api, args, kwargs):
    for module, handler in _OF_COMPOSITES.items():
        if f"penstock._src.{module}" in sys.modules:
            result = slots.above(handler)(api, args, kwargs)
            if result is not NOT_SUPPORTED:
                return result
    return NOT_SUPPORTED


register_fallback(_call_with_composites)
if has_gpus():
    from penstock._src.eager.placed.hooks import install

    install()
crc32c.use_native(_native_crc32c)
if flags.memory_limit:
    from penstock._src.native.pool import pool

    pool()  # it counts arrays from now on
