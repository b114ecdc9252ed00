"""Determinism: results never depend on timing, so only unseeded random ops are affected."""

from penstock._src.util.export import export

_ENABLED = [False]


@export("config.experimental.enable_op_determinism")
def enable_op_determinism():
    """Requires seeds for random ops; all other ops are deterministic anyway."""
    _ENABLED[0] = True


def disable_op_determinism():
    """Undoes `enable_op_determinism`."""
    _ENABLED[0] = False


def is_op_determinism_enabled():
    """True if `enable_op_determinism` is in effect."""
    return _ENABLED[0]
