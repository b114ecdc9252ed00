"""Sums of bfloat16 for MPI, which has no such type: a function that MPI calls where it meets another process's values."""

import functools

from ..code import Code
from ..kernels import kernels
from ..language.function import Fn
from ..language.module import Module
from ..language.types import BF16, F32, I32, I64, PTR, vec

LANES = 16


@functools.cache
def sum_of_bfloat16() -> int:
    """The address of an MPI_User_function that adds in float32 and rounds to nearest."""
    m = Module()
    with m.fn("add_bfloat16", noalias=False, coming=PTR, own=PTR, count=PTR, kind=PTR) as f:
        count = f.convert(f.load(f.count, 0, I32), I64)
        whole = count & -LANES
        f.loop(0, whole, LANES, lambda i: _add(f, i, vec(BF16, LANES)))
        f.loop(whole, count, 1, lambda i: _add(f, i, BF16))
    library = kernels()[Code.of(m)]
    _KEPT.append(library)
    address: int = library["add_bfloat16"]
    return address


_KEPT: list[object] = []  # MPI may call until the process ends


def _add(f: Fn, i: object, ty: str) -> None:
    """own[i] += coming[i]"""
    wide = [f.convert(f.load(place, i, ty), F32) for place in (f.own, f.coming)]
    f.store(f.convert(wide[0] + wide[1], BF16), f.own, i)
