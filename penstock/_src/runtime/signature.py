"""The signature of a program: the types and shapes of its arguments and results."""

import math
import operator
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.values.arrays import SMALL, aligned_copy, empty_aligned
from penstock._src.core.values.memory import has_own_memory
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.native.process.array_forms import check_of
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process import forks
from penstock._src.util.process.references import is_any_value_shared, is_value_shared


@dataclass(eq=False)
class ProgramSignature:
    """The arguments and results of a call.

    count     number of arguments
    arrays    for each array: (index of the argument, type, shape)
    handles   for each variable's handle: (index of the argument, type and shape of the value, True if the program assigns it)
    assigned  indices of the handles that the program assigns
    results   for each result: (function that allocates it from shape and type, shape, type)
    """

    count: int
    arrays: tuple[tuple[int, np.dtype, tuple[int, ...]], ...]
    handles: tuple[tuple[int, np.dtype, tuple[int, ...], bool], ...]
    assigned: tuple[int, ...]
    results: tuple[tuple[Any, tuple[int, ...], np.dtype], ...]

    @forks.cached_property
    def _are_fitting(self) -> Callable[..., bool]:
        """The native check of a call's arrays, where handles are replaced by their values."""
        forms = sorted([*self.arrays, *[entry[:3] for entry in self.handles]])
        return check_of([(dtype, shape) for _, dtype, shape in forms], self.assigned)

    def arrays_of(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of a call. Types and shapes are checked: a wrong array must not reach native code."""
        if len(arguments) != self.count:
            raise InvalidArgumentError(
                None,
                None,
                f"Program: {self.count} arguments are required. Received {len(arguments)}.",
            )
        # A tensor or a view also references the array: the update in place must not change it, nor the base array if the variable's array is a view.
        if not self.assigned or not is_any_value_shared(arguments, self.assigned):
            arrays = list(arguments)
            for entry in self.handles:
                arrays[entry[0]] = arrays[entry[0]].value
            if self._are_fitting(*arrays):
                return arrays
            del arrays  # these references would make assigned variables look shared
        return self._converted(arguments)

    def _converted(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of a call, copied where they are not contiguous, or shared and assigned."""
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
                handle.read()  # raises the error for a variable without value
            if assigned and (is_value_shared(handle) or _is_view(handle.value)):
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
        """The arrays of a call's arguments by index, without variables and without the indices in `but`."""
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


def _is_view(value: Any) -> bool:
    """True if a variable's value is an array in the memory of another one."""
    return type(value) is np.ndarray and not has_own_memory(value)


def signature_of(function: Function) -> ProgramSignature:
    """The signature of a function's program."""
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
    return result_maker(_numbers(node.shape), node.dtype.np)


def result_maker(shape: tuple[Any, ...], dtype: np.dtype) -> tuple[Any, tuple[int, ...], np.dtype]:
    """The entry of a result in a signature."""
    return None if _is_open(shape) else _maker(shape, dtype), shape, dtype


def _is_open(shape: Sequence[Any]) -> bool:
    """True if an extent is unknown."""
    return any(map(dims.is_symbolic, shape))


def _maker(shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """The function that allocates a result from shape and type: aligned, unless it is small."""
    return np.empty if math.prod(shape) * dtype.itemsize < SMALL else empty_aligned


class OpenSignature:
    """A signature whose shapes contain unknown extents.

    extents  the distinct unknown extents
    """

    def __init__(self, signature: ProgramSignature, skipped: int) -> None:
        """`sized` gets the numbers of `extents` after `skipped` other numbers."""
        self.signature, self._skipped = signature, skipped
        shapes = [entry[2] for entry in (*signature.arrays, *signature.handles)]
        shapes += [shape for _, shape, _ in signature.results]
        unknown = {d.expr: d for shape in shapes for d in shape if dims.is_symbolic(d)}
        self.extents = list(unknown.values())
        self._indices = {expression: i for i, expression in enumerate(unknown)}
        # `sized` makes all shapes from one tuple: what it gets, then these known numbers.
        self._known: tuple[int, ...] = ()
        self._arrays = [
            (n, i, dtype, self._shape_of(shape))
            for n, (i, dtype, shape) in enumerate(signature.arrays)
            if _is_open(shape)
        ]
        self._handles = [
            (n, i, dtype, self._shape_of(shape), assigned)
            for n, (i, dtype, shape, assigned) in enumerate(signature.handles)
            if _is_open(shape)
        ]
        self._results = [
            (n, self._shape_of(shape), dtype)
            for n, (_, shape, dtype) in enumerate(signature.results)
            if _is_open(shape)
        ]

    def _shape_of(self, shape: Sequence[Any]) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
        """A function that picks a shape's numbers from the tuple of all; without a frame of Python."""
        indices = []
        for extent in shape:
            if dims.is_symbolic(extent):
                indices.append(self._skipped + self._indices[extent.expr])
            else:
                indices.append(self._skipped + len(self.extents) + len(self._known))
                self._known += (extent,)
        if len(indices) == 1:  # an itemgetter of one index would not return a tuple
            return operator.itemgetter(slice(indices[0], indices[0] + 1))
        return operator.itemgetter(*indices)

    @property
    def result_bytes(self) -> Any:
        """The bytes of all results together, as an extent."""
        return sum(dims.product(s) * d.itemsize for _, s, d in self.signature.results)

    def sized(self, numbers: tuple[int, ...]) -> ProgramSignature:
        """The signature for these numbers, those of `extents` among them."""
        own, known = self.signature, numbers + self._known
        arrays, handles, results = own.arrays, own.handles, own.results
        if self._arrays:
            sized_arrays = list(arrays)
            for n, i, dtype, shape_of in self._arrays:
                sized_arrays[n] = i, dtype, shape_of(known)
            arrays = tuple(sized_arrays)
        if self._handles:
            sized_handles = list(handles)
            for n, i, dtype, shape_of, assigned in self._handles:
                sized_handles[n] = i, dtype, shape_of(known), assigned
            handles = tuple(sized_handles)
        if self._results:
            sized_results = list(results)
            for n, shape_of, dtype in self._results:
                shape = shape_of(known)
                sized_results[n] = _maker(shape, dtype), shape, dtype
            results = tuple(sized_results)
        return ProgramSignature(own.count, arrays, handles, own.assigned, results)


def _usable(x: Any, number: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """An argument as a contiguous, aligned array.

    Raises:
      FailedPreconditionError: it is a variable without value.
      InvalidArgumentError: it has another type or shape.
    """
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
