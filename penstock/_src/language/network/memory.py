"""The memory that a language model will take, by its numbers alone: it is known before any of it is taken."""

from __future__ import annotations

from dataclasses import dataclass

from penstock._src.core.dtypes import DType, int8
from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.memory_limit import available
from penstock._src.language.architecture import Architecture
from penstock._src.language.network.cache import bytes_per_place
from penstock._src.util.export import export

# Tokens of a prompt that are computed at a time.
PIECE = 256
# Bytes for each pair of a token and a place that it looks at: masks and indices.
_PAIR_BYTES = 10
# Bytes for each token of the vocabulary while one is chosen: logits, their order, and sums of probabilities.
_CHOICE_BYTES = 64
_FLOAT = 4


@export("language.Memory", v1=[])
@dataclass(frozen=True)
class Memory:
    """The bytes that a language model takes, made by `tf.language.memory` and `Lora.memory`.

    Args:
      mapped: of weights that stay in the file, which is mapped: the system drops pages where it needs them, and reads them again.
      copied: of weights in memory of their own: unpacked, or in another order than the file's.
      cache: of keys and values, if all sequences are as long as they may be; pages are allocated as tokens are written.
      cache_per_token: of a token of a sequence.
      activations: of what is computed at a time: a piece of a prompt, or a step of training. An estimate from the model's extents.
      adapters: of low-rank adapters with their gradients.
      moments: of their optimizer's.

    >>> tf.language.Memory(mapped=98_000_000, cache=23_592_960, cache_per_token=46_080).own
    23592960
    """

    mapped: int = 0
    copied: int = 0
    cache: int = 0
    cache_per_token: int = 0
    activations: int = 0
    adapters: int = 0
    moments: int = 0

    @property
    def own(self) -> int:
        """All bytes but those of the mapped file: the system cannot take these back."""
        return self.copied + self.cache + self.activations + self.adapters + self.moments

    @property
    def total(self) -> int:
        """All bytes."""
        return self.mapped + self.own

    def __str__(self) -> str:
        parts = {
            "weights in the mapped file": self.mapped,
            "weights of its own": self.copied,
            f"cache ({self.cache_per_token:,} bytes a token)": self.cache,
            "activations": self.activations,
            "adapters with gradients": self.adapters,
            "moments": self.moments,
        }
        shown = [f"{name} {_megabytes(size)}" for name, size in parts.items() if size]
        return f"{', '.join(shown)}; together {_megabytes(self.total)}"

    def require(self, what: str, advice: str) -> None:
        """Requires that there is so much memory, without what the mapped file takes.

        Args:
          what: needs it.
          advice: how less would be needed.

        Raises:
          ResourceExhaustedError: there is less.
        """
        free = available()
        if self.own > free:
            raise ResourceExhaustedError(
                f"{what} needs {_megabytes(self.own)} besides the mapped file, and {_megabytes(free)} are available: {self}. {advice}"
            )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def of_generation(
    a: Architecture, mapped: int, copied: int, length: int, sequences: int, cache: DType
) -> Memory:
    """Returns what generating takes.

    Args:
      a: the architecture.
      mapped, copied: bytes of the weights.
      length: tokens of a sequence.
      sequences: that are generated at the same time.
      cache: the type of keys and values.
    """
    per_token = bytes_per_place(a, cache)
    rows = min(length, PIECE)
    # Products with whole numbers and their scales store the scores of a piece.
    scores = _FLOAT * a.heads * length if cache == int8 else 0
    piece = rows * (_FLOAT * _row(a) + _PAIR_BYTES * length + scores)
    choice = sequences * _CHOICE_BYTES * a.vocabulary
    return Memory(
        mapped=mapped,
        copied=copied,
        cache=sequences * length * per_token,
        cache_per_token=per_token,
        activations=max(piece, choice) + sequences * _FLOAT * a.vocabulary,
    )


def _row(a: Architecture) -> int:
    """The numbers of a token that are there at once in a layer: around the feed-forward part, or around attention."""
    heads, kv_heads = a.heads * a.head_size, a.kv_heads * a.head_size
    inner = (2 if a.is_gated else 1) * a.inner
    return 3 * a.width + max(inner, 2 * heads + 4 * kv_heads)


def of_training(
    a: Architecture,
    adapters: int,
    unpacked: int,
    sequences: int,
    length: int,
    piece: int,
    recomputes: bool,
) -> Memory:
    """Returns the memory of a step of training adapters, in addition to the model.

    Args:
      a: the architecture.
      adapters: their numbers.
      unpacked: numbers of the largest matrix that is unpacked for gradients; 0 if none is.
      sequences, length: of a batch.
      piece: tokens whose logits are computed at a time.
      recomputes: whether gradients compute layers again.
    """
    tokens = sequences * length
    # What the gradients of a layer read: its input, norms, heads, the feed-forward part, and the weights of attention with their slopes.
    inner = (3 if a.is_gated else 2) * a.inner
    heads = (a.heads + a.kv_heads) * a.head_size
    dense, scores = inner + 2 * a.width + heads, a.heads * length
    # Recomputed layers are there one at a time, but for their inputs and, as measured, half of their scores.
    kept = a.layers * (a.width + scores // 2) + dense
    if not recomputes:
        kept = a.layers * (dense + 3 * scores // 2)
    numbers = tokens * kept + unpacked + piece * a.vocabulary
    return Memory(
        activations=_FLOAT * numbers,
        adapters=2 * _FLOAT * adapters,
        moments=2 * _FLOAT * adapters,
    )
