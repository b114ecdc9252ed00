"""Complex arithmetic on pairs of real values."""

from __future__ import annotations

from penstock._src.core.errors import UnimplementedError


def apply(f, name, dtype, arg_dtypes, args):
    """The code of one operation that takes or gives complex numbers."""
    raise UnimplementedError(None, None, f"{name} of complex numbers: not in compiled code.")
