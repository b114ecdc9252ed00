"""The position of a stream: an iteration over shared sources as a file, and which splits lie before it."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core.errors import DataLossError
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.splits import KIND, Shared
from penstock._src.filesystems import files
from penstock._src.ops.data.iteration.resume import NotResumable, State
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.ops.data_iterators.handle import IteratorHandle
from penstock._src.ops.data_shared.states import decoded, encoded


def position_of(iteration: IteratorHandle, sources: list[Shared]) -> Any:
    """The messages.Position of an iteration.

    Raises:
      NotResumable: it can only be restarted.
    """
    while True:
        opened = [source.opened for source in sources]
        state = iteration.state()
        # Threads that read ahead may have restarted a source meanwhile.
        if opened == [source.opened for source in sources]:
            break
    if state["elements"] is None and not state["has_ended"]:
        raise NotResumable("The dataset has no position to save.")
    text, tensors = encoded(state)
    position = messages.Position(state=text, tensors=tensors, opened=opened)
    for source, repetition, count in sorted(_open(state["elements"])):
        position.open.add(source=source, repetition=repetition, count=count)
    return position


def _open(state: Any) -> set[tuple[int, int, int]]:
    """(number of a source, repetition, splits taken) of all iterators over shared sources in a state."""
    if isinstance(state, dict):
        if state.get("kind") == KIND:
            return {(state["number"], state["repetition"], state["taken"])}
        state = list(state.values())
    return set().union(*map(_open, state)) if isinstance(state, list) else set()


def restore(iteration: IteratorHandle, dataset: Pipeline, sources: list[Shared], path: str) -> None:
    """Begins an iteration at the position in a file.

    Raises:
      DataLossError: the file is damaged.
    """
    try:
        position = messages.Position.FromString(files.read(path))
    except DecodeError as error:
        raise DataLossError(f"{path} does not hold a position of a stream: {error}") from error
    state: State = decoded(position.state, position.tensors)
    iteration.dataset = dataset
    iteration.restore(state)
    for source, opened in zip(sources, position.opened, strict=True):
        source.opened = opened
