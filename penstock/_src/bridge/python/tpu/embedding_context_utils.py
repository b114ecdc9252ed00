"""`tensorflow.python.tpu.embedding_context_utils`: whether look-ups of TPU embeddings overlap with other steps."""

from __future__ import annotations

from typing import Any


class EmbeddingPipeliningState:
    """The setting for overlapping look-ups, which has an effect on TPUs only."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled


embedding_pipelining_state = EmbeddingPipeliningState(True)


class SequentialEmbeddingContext:
    """A context in which look-ups do not overlap with other steps."""

    def __enter__(self) -> None:
        self._before = embedding_pipelining_state.enabled
        embedding_pipelining_state.enabled = False

    def __exit__(self, *exception: Any) -> None:
        embedding_pipelining_state.enabled = self._before
