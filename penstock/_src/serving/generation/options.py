"""Limits of generation, and its precision."""

from __future__ import annotations

from typing import get_args

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.architecture import Activations, CacheType
from penstock._src.serving.servables.servable import ROOM, Room
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export


@export("serving.GenerationOptions", v1=[])
@dataclass(frozen=True)
class GenerationOptions:
    """Options of generation. The number of concurrent sequences depends on the model: the slots of its cache.

    Args:
      max_waiting: sequences that may wait for a slot of one model; further requests are refused.
      max_tokens: of a reply; 0: as many as fit in the model's cache.
      max_seconds: that a sequence may take, waiting included; 0 for no limit.
      room: sequences that are generated at a time, and their tokens, where a model's file says neither.
      same_tokens: whether a sequence gets the same tokens alone and among others. If not, a sequence alone is computed faster, by
        products that add up in another order.

    Raises:
      InvalidArgumentError: a limit is negative.
    """

    max_waiting: int = 64
    max_tokens: int = 0
    max_seconds: float = 600.0
    same_tokens: bool = True
    room: Room = ROOM

    def __post_init__(self) -> None:
        for name in ("max_waiting", "max_tokens", "max_seconds"):
            value = getattr(self, name)
            if value < 0:
                raise InvalidArgumentError(f"{name}: expected at least 0. Received {value}.")
        if min(self.room.slots, self.room.length) < 1 or self.room.prefix_bytes < 0:
            raise InvalidArgumentError(
                f"room: expected at least 1 slot and token, and no negative number. Received {tuple(self.room)}."
            )
        for name, kinds in (("cache", CacheType), ("activations", Activations)):
            value, expected = getattr(self.room, name), " or ".join(get_args(kinds))
            if value not in get_args(kinds):
                raise InvalidArgumentError(
                    f"room: expected {name} of {expected}. Received {value!r}."
                )
