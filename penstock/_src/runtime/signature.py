"""The signature of a program: what its arguments must be, and the arrays that its results are."""

import math
import sys
from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.values.arrays import SMALL, aligned_copy, empty_aligned
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(eq=False)
class ProgramSignature:
    """What a call takes and gives.

    count     how many arguments there are
    arrays    of each array: (its number, type, shape)
    handles   of each variable's handle: (its number, type and shape of the value, whether the program assigns it)
    assigned  numbers of the handles that the program assigns
    results   of each result: (what makes its array when called with shape and type, shape, type)
    """

    count: int
    arrays: tuple[tuple[int, np.dtype, tuple[int, ...]], ...]
    handles: tuple[tuple[int, np.dtype, tuple[int, ...], bool], ...]
    assigned: tuple[int, ...]
    results: tuple[tuple[Any, tuple[int, ...], np.dtype], ...]

    def arrays_of(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of a call. Types and shapes are looked at: a wrong array must not reach native code."""
        if len(arguments) != self.count:
            raise InvalidArgumentError(
                None,
                None,
                f"Program: {self.count} arguments are required. Received {len(arguments)}.",
            )
        arrays = list(arguments)
        for i, dtype, shape in self.arrays:
            x = arrays[i]
            if not (
                type(x) is np.ndarray and x.flags.carray and x.dtype == dtype and x.shape == shape
            ):
                arrays[i] = _usable(x, i, dtype, shape)
        for i, dtype, shape, assigned in self.handles:
            handle = arguments[i]
            if handle.value is None:
                handle.read()  # says why it has no value
            if assigned and _references(handle) > _ALONE:  # a tensor or a view holds it, too
                handle.value = aligned_copy(handle.value)
            x = handle.value
            if not (
                type(x) is np.ndarray and x.flags.carray and x.dtype == dtype and x.shape == shape
            ):
                x = _usable(x, i, dtype, shape)
                if assigned and not x.flags.writeable:
                    x = aligned_copy(x)
                if assigned:
                    handle.value = x
            arrays[i] = x
        return arrays

    def plain_arrays_of(
        self, arguments: Sequence[Any], but: Container[int] = ()
    ) -> dict[int, np.ndarray]:
        """The arrays of a call's arguments that are no variables, by their numbers, without those in `but`."""
        if len(arguments) != self.count:
            raise InvalidArgumentError(
                None,
                None,
                f"Program: {self.count} arguments are required. Received {len(arguments)}.",
            )
        return {
            i: _usable(arguments[i], i, dtype, shape)
            for i, dtype, shape in self.arrays
            if i not in but
        }

    def array_of(self, number: int, handle: Any) -> np.ndarray:
        """The array of a variable."""
        _, dtype, shape, _ = next(h for h in self.handles if h[0] == number)
        return _usable(handle.value, number, dtype, shape)

    def new_results(self) -> list[np.ndarray]:
        return [make(shape, dtype) for make, shape, dtype in self.results]


def signature_of(function: Function) -> ProgramSignature:
    """What a function's program takes and gives."""
    updated = {handle.id for handle, _ in function.updates}
    arrays, handles = [], []
    for i, parameter in enumerate(function.parameters):
        if parameter.dtype == dtypes.resource:
            shape, dtype = parameter.attrs["variable"]
            handles.append((i, dtype.np, _numbers(shape), parameter.id in updated))
        else:
            arrays.append((i, parameter.dtype.np, _numbers(parameter.shape)))
    assigned = tuple([i for i, p in enumerate(function.parameters) if p.id in updated])
    results = tuple([_result_maker(r) for r in function.results])
    return ProgramSignature(
        len(function.parameters), tuple(arrays), tuple(handles), assigned, results
    )


def _numbers(shape: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(dims.settled, shape))


def _result_maker(node: Node) -> tuple[Any, tuple[int, ...], np.dtype]:
    shape, dtype = _numbers(node.shape), node.dtype.np
    return None if _is_open(shape) else _maker(shape, dtype), shape, dtype


def _is_open(shape: Sequence[Any]) -> bool:
    """Whether an extent is unknown."""
    return any(map(dims.is_symbolic, shape))


def _maker(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """What makes the array of a result, called with its shape and type: aligned if that matters for its size."""
    return np.empty if math.prod(shape) * dtype.itemsize < SMALL else empty_aligned


class OpenSignature:
    """A signature in whose shapes extents are unknown.

    extents  those, each once
    """

    def __init__(self, signature: ProgramSignature) -> None:
        self.signature = signature
        shapes = [entry[2] for entry in (*signature.arrays, *signature.handles)]
        shapes += [shape for _, shape, _ in signature.results]
        found = {d.expr: d for shape in shapes for d in shape if dims.is_symbolic(d)}
        self.extents = list(found.values())
        self._places = {expression: i for i, expression in enumerate(found)}
        # A shape's form is where its numbers stand among those of the extents, which these follow.
        self._known: list[int] = []
        self._arrays = [
            (n, i, dtype, self._form(shape))
            for n, (i, dtype, shape) in enumerate(signature.arrays)
            if _is_open(shape)
        ]
        self._handles = [
            (n, i, dtype, self._form(shape), assigned)
            for n, (i, dtype, shape, assigned) in enumerate(signature.handles)
            if _is_open(shape)
        ]
        self._results = [
            (n, self._form(shape), dtype)
            for n, (_, shape, dtype) in enumerate(signature.results)
            if _is_open(shape)
        ]

    def _form(self, shape: Sequence[Any]) -> list[int]:
        """Where the numbers of a shape stand."""
        places = []
        for extent in shape:
            if dims.is_symbolic(extent):
                places.append(self._places[extent.expr])
            else:
                places.append(len(self.extents) + len(self._known))
                self._known.append(extent)
        return places

    @property
    def result_bytes(self) -> Any:
        """Of all results together: an extent."""
        return sum(dims.product(s) * d.itemsize for _, s, d in self.signature.results)

    def sized(self, numbers: Sequence[int]) -> ProgramSignature:
        """The signature where the extents are these numbers."""
        own, known = self.signature, [*numbers, *self._known]
        arrays, handles, results = own.arrays, own.handles, own.results
        if self._arrays:
            sized_arrays = list(arrays)
            for n, i, dtype, form in self._arrays:
                sized_arrays[n] = i, dtype, tuple([known[place] for place in form])
            arrays = tuple(sized_arrays)
        if self._handles:
            sized_handles = list(handles)
            for n, i, dtype, form, assigned in self._handles:
                sized_handles[n] = i, dtype, tuple([known[place] for place in form]), assigned
            handles = tuple(sized_handles)
        if self._results:
            sized_results = list(results)
            for n, form, dtype in self._results:
                shape = tuple([known[place] for place in form])
                sized_results[n] = _maker(shape, dtype), shape, dtype
            results = tuple(sized_results)
        return ProgramSignature(own.count, arrays, handles, own.assigned, results)


def _usable(x: Any, number: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """An argument as a contiguous array of the type and shape that the code was made for."""
    if x is None:
        raise FailedPreconditionError(None, None, "Could not find variable: it has no value yet.")
    x = np.asarray(x, order="C")
    if x.dtype != dtype or x.shape != shape:
        raise InvalidArgumentError(
            None,
            None,
            f"Program: argument {number} must be {dtype}{list(shape)}."
            f" Received {x.dtype}{list(x.shape)}.",
        )
    return x if x.flags.aligned else x.copy()


def _references(handle: Any) -> int:
    array = handle.value
    return sys.getrefcount(array)


class _Probe:
    """A handle that alone holds its array: tells what `_references` gives then, which differs between Pythons."""

    def __init__(self) -> None:
        self.value = np.empty(1)


_ALONE = _references(_Probe())
