"""Determinism: results never depend on timing, so only unseeded random ops are affected."""

from penstock._src.util.export import export

_ENABLED = [False]


@export("config.experimental.enable_op_determinism")
def enable_op_determinism():
    """Makes ops deterministic; random ops then need a seed. Kernels always are."""
    _ENABLED[0] = True


def disable_op_determinism():
    """Takes `enable_op_determinism` back."""
    _ENABLED[0] = False


def is_op_determinism_enabled():
    """Whether determinism has been asked for."""
    return _ENABLED[0]
