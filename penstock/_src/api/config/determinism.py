"""Determinism: results never depend on timing, so only unseeded random ops are affected, which raise."""

from penstock._src.core.values.kernel_state import SEEDS_REQUIRED
from penstock._src.util.export import export


@export("config.experimental.enable_op_determinism")
def enable_op_determinism():
    """Requires seeds for random ops; all other ops are deterministic anyway.

    Random functions and shuffled datasets without a seed of their own raise `RuntimeError` unless there is a global seed.

    >>> tf.config.experimental.enable_op_determinism()
    >>> tf.random.set_seed(1)
    >>> tf.random.uniform([2]).shape
    TensorShape([2])
    """
    SEEDS_REQUIRED[0] = True


def disable_op_determinism():
    """Undoes `enable_op_determinism`."""
    SEEDS_REQUIRED[0] = False


def is_op_determinism_enabled():
    """True if `enable_op_determinism` is in effect."""
    return SEEDS_REQUIRED[0]
