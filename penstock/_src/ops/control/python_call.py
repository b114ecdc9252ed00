"""Ops that call Python functions, which are registered under tokens."""

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.calls.facts import Flow, Permissions
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from penstock._src.core.op import Op
from penstock._src.core.values.arrays import aligned_copy, with_own_dtype
from penstock._src.core.values.memory import LARGE, has_own_memory
from penstock._src.util.process.references import is_item_shared

_COUNT = itertools.count()
_FUNCTIONS: "weakref.WeakValueDictionary[str, _Held]" = weakref.WeakValueDictionary()


class _Held:
    """A registered function; it lives as long as an operation or the user's function holds it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def register(function: Callable[..., Any]) -> tuple[str, Any]:
    """Returns a token for `function`, and an object to keep alive while the token is in use."""
    entry = _Held(function)
    token = f"pyfunc_{next(_COUNT)}"
    _FUNCTIONS[token] = entry
    return token, entry


class PassedOn(Exception):
    """Carries an error out of a function of our own: `calling` raises it as it is."""

    def __init__(self, error: OpError) -> None:
        self.error = error


def calling(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a user's function inside a graph, translating its exceptions.

    Raises:
      OpError: of the class that corresponds to the exception; UnknownError also for errors of operations.
    """
    try:
        return function(*arguments)
    except PassedOn as passed:
        raise passed.error from None
    except Exception as error:
        kind = next(
            (error_class for known, error_class in _ERRORS if isinstance(error, known)),
            UnknownError,
        )
        raise kind(f"{type(error).__name__}: {error}") from error


_ERRORS: tuple[tuple[Any, Any], ...] = (
    ((TypeError, ValueError), InvalidArgumentError),
    (StopIteration, OutOfRangeError),
    (MemoryError, ResourceExhaustedError),
    (NotImplementedError, UnimplementedError),
)


def registered(token: str, op: str) -> Callable[..., Any]:
    """Returns the function of a token."""
    entry = _FUNCTIONS.get(token)
    if entry is None:
        raise InvalidArgumentError(f"{op}: callback {token} is not found")
    return entry.function


class PyFuncStateless(Op):
    """The results of a pure function of arrays."""

    signature = "input: *Tin -> output: *Tout[...]"
    permissions = Permissions(capabilities="python")
    flow = Flow(runs_functions=True)
    token: str
    Tout: list[DType]
    differentiable = False

    def eager(self, input):
        # Copies: the function may write into its arrays, which may be elements of a cache, slices of a source, or arguments.
        own = [_copied(x) if type(x) is np.ndarray else x for x in input]
        result = calling(registered(self.token, self.op_type), *own)
        if not self.Tout:
            return []
        results = dict(enumerate(result if isinstance(result, list | tuple) else [result]))
        if len(results) != len(self.Tout):
            raise self.invalid(
                f"{self.token} returns {len(results)} values, but expects to see "
                f"{len(self.Tout)} values."
            )
        del own, result  # these references would make arrays look shared
        return [self._array(results, at, dtype) for at, dtype in enumerate(self.Tout)]

    def _array(self, results: dict[int, Any], at: int, dtype: DType) -> Any:
        """One of the results as an array that the function no longer has: it may fill the same one in each call."""
        is_own = not is_item_shared(results, at)
        value = results[at]
        if not dtype.is_numpy_compatible:
            return value
        if dtype.np.hasobject:
            strings = np.array(value, object)
            for index in np.ndindex(strings.shape):
                if isinstance(strings[index], str):
                    strings[index] = strings[index].encode()
            return strings
        array = np.asarray(value)
        if array.dtype != dtype.np:
            raise InvalidArgumentError(
                f"{self.token}: the {dtype.name} result of a numpy function was expected, but the function "
                f"returned an array of type {array.dtype}."
            )
        kept = array if is_own and has_own_memory(array) else _copied(array)
        return with_own_dtype(kept, dtype.np)


def _copied(array: np.ndarray) -> np.ndarray:
    """A copy; that of a large array of numbers is in recycled memory, which is there already."""
    return array.copy() if array.dtype.hasobject or array.nbytes < LARGE else aligned_copy(array)


class PyFunc(PyFuncStateless):
    """The results of a function of arrays."""

    stateful = True


class EagerPyFunc(Op):
    """The results of a function of eager tensors."""

    signature = "input: *Tin -> output: *Tout[...]"
    permissions = Permissions(capabilities="python")
    token: str
    is_async: bool = False
    Tout: list[DType]
    stateful = True
    flow = Flow(runs_functions=True)

    def eager(self, input):
        return calling(registered(self.token, self.op_type), input, False)
