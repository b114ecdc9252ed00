"""What Keras asks of distribution: contexts and classes that one machine has no use for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.export import export


@export("__internal__.distribute.ShardedVariable", v1=[])
class ShardedVariable:
    """A variable kept in parts on several parameter servers: there are none here."""

    def __init__(self, variables: Any, name: str = "ShardedVariable") -> None:
        raise UnimplementedError(f"{name}: there are no parameter servers to keep shards on.")


@export("__internal__.distribute.variable_sync_on_read_context", v1=[])
@contextlib.contextmanager
def variable_sync_on_read_context() -> Iterator[None]:
    """A context in which replicas read their own copies: they always do."""
    yield


@contextlib.contextmanager
def cache_variable_reads() -> Iterator[None]:
    """A context in which variables are read once: reading costs nothing here."""
    yield


class Sharding:
    """How a tensor is cut into the parts of XLA's devices. There is one device here, which holds it whole."""

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
    """Returns a tensor, which every device (there is one) holds."""
    return tensor
