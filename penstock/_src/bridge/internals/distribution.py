"""Contexts and classes for distribution that Keras refers to; they have no effect on one machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock._src.util.export import export


@export("__internal__.distribute.variable_sync_on_read_context", v1=[])
@contextlib.contextmanager
def variable_sync_on_read_context() -> Iterator[None]:
    """A context in which replicas read their own copies: they always do.

    Returns:
      A context manager.
    """
    yield


@contextlib.contextmanager
def cache_variable_reads() -> Iterator[None]:
    """A context in which variables are read once; it has no effect here, where reads are free."""
    yield


class Sharding:
    """The sharding of a tensor over XLA's devices. There is one device here, which has all of it."""

    def __init__(self, proto: Any = None) -> None:
        self.proto = proto

    def apply_to_tensor(
        self,
        tensor: Any,
        assign_tuple_sharding: bool = False,
        use_sharding_op: bool = False,
        unspecified_dims: Any = None,
        sharding_v2_proto: Any = None,
    ) -> Any:
        """Returns the tensor."""
        return tensor


def replicate(
    tensor: Any, assign_tuple_sharding: bool = False, use_sharding_op: bool = False
) -> Any:
    """Returns the tensor: the only device holds it already."""
    return tensor
