"""Promotion along the lattice of dtypes in which Python numbers are weak."""

from typing import Any

from penstock._src.api.numpy.lattice import STRONG, WEAK, Kind, join, kind_of, result_kind
from penstock._src.api.numpy.promotion import RULES
from penstock._src.core import dtypes

from .ops import PromoMode

_all_dtypes = [*((dtype, False) for dtype in STRONG), *((dtype, True) for dtype in WEAK)]
_str = (dtypes.string, False)


def _row(kind: Kind, others: list[Kind]) -> dict[Kind, tuple[Kind, PromoMode]]:
    joins = {other: join(kind, other) for other in others}
    return {
        other: (joined, PromoMode.SAFE if safe else PromoMode.ALL)
        for other, (joined, safe) in joins.items()
    }


# {kind: {other kind: (their join, the strictest mode that allows it)}}
_BINARY_DTYPE_RES_HALF = {kind: _row(kind, _all_dtypes[i:]) for i, kind in enumerate(_all_dtypes)}
_BINARY_DTYPE_RES_FULL = {
    **{kind: _row(kind, _all_dtypes) for kind in _all_dtypes},
    _str: _row(_str, [_str]),
}


def result_type(*arrays_and_dtypes: Any) -> Kind:
    """Returns the dtype that tensors, arrays, numbers and dtypes are promoted to, and whether it is weak.

    Raises:
      TypeError: the mode in effect does not allow it.
      NotImplementedError: there is none.
    """
    return result_kind(arrays_and_dtypes, safe=RULES.conversion != "all")


_get_dtype_and_weakness = kind_of
