"""Forms of large eager calls: what the compiled program of an op is made for.

A form is a list with an entry for each input: its static shape, or the value itself where it is baked into the program.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.op import Op

# Integer vectors of up to this many elements are constants of the program.
SMALL = 16
# Last extents up to this many elements are constants of the program: it handles several rows at a time, if it knows how narrow they are.
NARROW = 64
# Extents up to this number are constants of programs with `opens="wide"`, as are the other extents then.
FEW_CHANNELS = 4
# Forms of a family that get programs of their own.
FEW = 4
# The same of programs with `opens="rows"`: the matrices of a model's layers.
FEW_LAYERS = 16

Form = list[Any]


def form_of(op: Op, values: Sequence[np.ndarray]) -> Form:
    """Returns the form of a call by itself: small integers are baked in, and `HostKernel.opens` says which extents stay open."""
    baked = list(map(_is_baked, values))
    if op.elements.is_elementwise:
        return [v if is_baked else (None,) * v.ndim for v, is_baked in zip(values, baked)]
    opens = op.host_kernel.opens
    if opens == "all" or (opens == "wide" and not _has_narrow_axis(values[0])):
        return [v if is_baked else _wide_shape(v) for v, is_baked in zip(values, baked)]
    alike = alike_inputs(op)
    if opens == "rows":
        return [open_shape(values[0], values[0]), *[v.shape for v in values[1:]]]
    largest = max((v for at, v in enumerate(values) if at not in alike), key=lambda v: v.size)
    sized = any(is_baked and v.ndim for is_baked, v in zip(baked, values))
    fixed = sized or opens in ("none", "wide", "own")
    return [
        v if baked[at] else v.shape if fixed or at in alike else open_shape(v, largest)
        for at, v in enumerate(values)
    ]


def alike_inputs(op: Op) -> list[int]:
    """Returns the positions of an op's inputs that calls of one family share, `HostKernel.alike`."""
    names = op.host_kernel.alike.split()
    return [at for at, argument in enumerate(op.inputs) if argument.name in names]


def _wide_shape(value: np.ndarray) -> tuple[int | None, ...]:
    """Returns a shape with all extents open, but the last one of narrow rows."""
    if not value.ndim:
        return ()
    last = value.shape[-1]
    return (*[None] * (value.ndim - 1), last if last <= NARROW else None)


def _has_narrow_axis(value: np.ndarray) -> bool:
    """True for colour channels and the like, which kernels handle side by side if all extents are known."""
    return any(extent <= FEW_CHANNELS for extent in value.shape[1:])


def family_of(op: Op, values: Sequence[np.ndarray]) -> tuple[Hashable, ...]:
    """Returns the key of the family that a call of an op belongs to."""
    alike = key_of_call([values[at] for at in alike_inputs(op)])
    return (id(op), *[(v.ndim, v.dtype) for v in values], *alike)


def open_shape(value: np.ndarray, largest: np.ndarray) -> tuple[int | None, ...]:
    """Returns the shape of a value with an open first extent, if that is the largest value's."""
    shape = value.shape
    if shape and len(shape) == largest.ndim and shape[0] == largest.shape[0]:
        return (None, *shape[1:])
    return shape


def _is_baked(value: np.ndarray) -> bool:
    return value.ndim <= 1 and value.dtype.kind == "i" and value.size <= SMALL


def key_of_call(values: Sequence[np.ndarray]) -> tuple[Hashable, ...]:
    """Returns a key that is equal for calls of an op whose forms are equal."""
    return tuple([(v.shape, v.tobytes()) if _is_baked(v) else v.shape for v in values])


def key_of(form: Form) -> tuple[Hashable, ...]:
    """Returns a key that is equal for equal forms."""
    return tuple([(f.shape, f.tobytes()) if type(f) is np.ndarray else f for f in form])


class Family:
    """The forms of an op's large calls with inputs of the same ranks and dtypes, and equal `HostKernel.alike`.

    The first few have programs of their own. Others share one in which all extents and values that ever differed are open, as those
    of a tf.function with `reduce_retracing` are: calls of ever new sizes soon compile nothing.
    """

    __slots__ = ("own", "shared", "most")

    def __init__(self, most: int = FEW) -> None:
        self.most = most
        self.own: set[Hashable] = set()
        self.shared: Form | None = None

    def chosen(self, form: Form, key: tuple[Hashable, ...]) -> Form:
        """Returns the form of the program for a call of this form."""
        if key in self.own or len(self.own) < self.most:
            self.own.add(key)
            self.shared = _joined(self.shared, form)
            return form
        self.shared = joined = _joined(self.shared, form)
        return joined


def new_family(op: Op) -> Family:
    """Returns a family without forms."""
    return Family(FEW_LAYERS if op.host_kernel.opens == "rows" else FEW)


def _joined(first: Form | None, second: Form) -> Form:
    """Returns the form that serves calls of both."""
    if first is None:
        return second
    return [_joined_entry(a, b) for a, b in zip(first, second, strict=True)]


def _joined_entry(first: Any, second: Any) -> Any:
    both_baked = type(first) is type(second) is np.ndarray
    if both_baked and first.shape == second.shape and (first == second).all():
        return first
    shapes = [f.shape if type(f) is np.ndarray else f for f in (first, second)]
    return tuple([a if a == b else None for a, b in zip(*shapes, strict=True)])
