"""Runs of a session in several steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError


class PartialRun:
    """The remaining feeds and fetches of a run in several steps, and the values so far."""

    def __init__(self, plan: Any, feeds: Sequence[Any]) -> None:
        self._fetches = {t._id: False for t in plan.tensors}  # id -> whether it was fetched
        self._feeds = {t._id: False for t in feeds}  # id -> whether it was fed
        self.known: list[tuple[Any, Any]] = []

    def take(self, feeds: Sequence[tuple[Any, Any]], fetches: Sequence[Any]) -> None:
        """Accepts the feeds of a step.

        Raises:
          InvalidArgumentError: a feed or fetch was not set up, or was already used.
        """
        for tensor, _ in feeds:
            _check("feed", tensor, self._feeds, "fed")
        for tensor in fetches:
            _check("fetch", tensor, self._fetches, "fetched")
        for tensor, value in feeds:
            self._feeds[tensor._id] = True
            self.known.append((tensor, value))

    def keep(self, fetches: Sequence[Any], values: Sequence[Any]) -> None:
        """Stores the values that a step fetched."""
        for tensor, value in zip(fetches, values, strict=True):
            self._fetches[tensor._id] = True
            self.known.append((tensor, value))


def _check(what: str, tensor: Any, known: Mapping[int, bool], used: str) -> None:
    if tensor._id not in known:
        raise InvalidArgumentError(
            f"The {what} {tensor.name} was not specified in partial_run_setup."
        )
    if known[tensor._id]:
        raise InvalidArgumentError(f"The {what} {tensor.name} has already been {used}.")
