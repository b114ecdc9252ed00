"""Agreement of a pipeline's processes: that they are in the same step, how it ended, whole values of variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.cluster.transport import Transport
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.collective.members import (
    KINDS,
    SENDS,
    WORDS,
    GroupKeys,
    agree,
    disagreement,
)

NAME = "PipelineStrategy"
PHASE, STEP, FIRST = 3, 4, 5  # words of a step; FIRST is the first that may differ


class _Exchange:
    """The attributes of an op that errors of exchanges use."""

    op_type = NAME
    attrs: dict[str, Any] = {}

    def invalid(self, text: str) -> InvalidArgumentError:
        """Returns the error of invalid arguments."""
        return InvalidArgumentError(None, None, f"{NAME}: {text}")


def told(transport: Transport, phase: int, step: int, words: list[int]) -> np.ndarray:
    """Returns the words of all processes, a row each; they come to the same phase of the same step.

    Args:
      transport: connects them.
      phase: of the step.
      step: its number.
      words: of this process.

    Raises:
      InternalError: some are elsewhere.
    """
    own = np.zeros(WORDS, np.int64)
    own[0], own[2] = KINDS.index("Pipeline"), transport.cluster.size
    own[PHASE], own[STEP] = phase, step
    own[FIRST : FIRST + len(words)] = words
    rows = transport.exchange_words(own, transport.everyone)
    if (rows[:, :FIRST] != rows[0, :FIRST]).any():
        raise disagreement(_Exchange(), transport, "", rows)
    return rows[:, FIRST:]


def from_rank(transport: Transport, values: np.ndarray, rank: int) -> np.ndarray:
    """Returns the values of one process in all of them; those of the others have their type and shape."""
    values = np.asarray(values, order="C")
    role = SENDS if transport.cluster.rank == rank else 0
    keys = GroupKeys(transport.cluster.size, 0, 0)
    agree(_Exchange(), transport, transport.everyone, "Bcast", values, keys, "", role)
    return transport.broadcast(values, rank, transport.everyone)


def as_bits(number: float) -> int:
    """Returns the bits of a float as a signed integer."""
    return int(np.float64(number).view(np.int64))


def from_bits(bits: np.ndarray) -> np.ndarray:
    """Returns the floats of some bits."""
    return np.ascontiguousarray(bits).view(np.float64)
