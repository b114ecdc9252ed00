"""Which dtypes ops take on the CPU, as messages: `tensorflow.python.framework.kernels`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from penstock._src.core import registry
from penstock._src.graph.serialize.op_definitions import op_def
from penstock._src.proto.graph import KernelDef, KernelList


def get_all_registered_kernels() -> Any:
    """Returns a KernelList of all ops."""
    return KernelList(kernel=[k for name in sorted(registry.index()) for k in _kernels(name)])


def get_registered_kernels_for_op(name: str) -> Any:
    """Returns a KernelList with a kernel for each choice of dtypes that an op takes; empty for unknown ops.

    Args:
      name: of the op.
    """
    return KernelList(kernel=_kernels(name))


def _kernels(name: str) -> Iterator[Any]:
    definition = registry.lookup(name)
    if definition is None:
        return
    # attributes of any dtype do not constrain a kernel
    limited = [
        attr
        for attr in op_def(definition).attr
        if attr.type == "type" and attr.allowed_values.list.type
    ]
    for chosen in itertools.product(*(attr.allowed_values.list.type for attr in limited)):
        kernel = KernelDef(op=name, device_type="CPU")
        for attr, dtype in zip(limited, chosen, strict=True):
            kernel.constraint.add(name=attr.name).allowed_values.list.type.append(dtype)
        yield kernel
