"""`tensorflow.python.ops.stateful_random_ops`: numbers of random number generators."""

from __future__ import annotations

from typing import Any

from penstock._src.api.random.generator import state_size
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

RNG_ALG_PHILOX, RNG_ALG_THREEFRY = 1, 2
SEED_TYPE = STATE_TYPE = "int64"
PHILOX_STATE_SIZE, THREEFRY_STATE_SIZE = state_size(RNG_ALG_PHILOX), state_size(RNG_ALG_THREEFRY)
MAX_INT64 = 2**63 - 1
MIN_INT64 = -(2**63)


def non_deterministic_ints(shape: Any, dtype: Any = dtypes.int64) -> Tensor:
    """Returns integers that differ from run to run."""
    return raw.NonDeterministicInts(shape=shape, dtype=dtypes.as_dtype(dtype))


def _uint_to_int(n: Any) -> Any:
    """Returns an unsigned integer of 64 bits as the signed one of the same bits; anything else unchanged."""
    return n - 2**64 if isinstance(n, int) and n > MAX_INT64 else n


def _get_counter_size(alg: int) -> int:
    """Returns how many integers the counter of an algorithm has.

    Raises:
      ValueError: there is no such algorithm.
    """
    return state_size(alg) - 1


_get_state_size = state_size
