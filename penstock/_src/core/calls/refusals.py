"""Conversion of a kernel's error: TensorFlow's error classes, with the op and its inputs named."""

import dis
import functools
import inspect
import os
import sysconfig
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from penstock._src.core.errors import (
    InternalError,
    InvalidArgumentError,
    OpError,
    UnimplementedError,
)
from penstock._src.core.shapes import LARGEST_RANK
from penstock._src.core.values import memory_limit


class RefusedValue(ValueError):
    """Arguments that TensorFlow rejects, found in code that shape rules, kernels and lowerings share: the caller picks the error class."""


# Errors of NumPy and Python for arguments of the wrong shape, rank or range.
REFUSALS = (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError)
# Accidents: no code raises these on purpose for wrong values.
ACCIDENTS = (
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    StopIteration,
    RecursionError,
    BufferError,
    EOFError,
)
# Messages of NumPy and Python for arrays whose size overflows.
_TOO_LARGE = ("array is too big", "Maximum allowed size", "too large to convert to C long")
# Messages of NumPy for arrays of too high a rank.
_TOO_DEEP = ("maximum supported dimension for an ndarray", "number of dimensions must be within")
_DEPTH = f"tensors of more than {LARGEST_RANK} dimensions"
_PACKAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
# Libraries that kernels call; whatever else a traceback goes through is the user's.
_LIBRARIES = ("numpy", "scipy", "PIL", "ml_dtypes", "google", "llvmlite")
# Ours, which are TensorFlow's by name while Penstock is `tensorflow`, Python's, and the user's.
_OF_NO_LIBRARY = ("builtins", "penstock", "tensorflow", "__main__")
_RAISE = dis.opmap["RAISE_VARARGS"]


def refusal_of_values(op: Any, error: Exception, values: Sequence[Any] = ()) -> Exception:
    """Translates an error in a kernel to the error that TensorFlow's kernel raises.

    Errors of NumPy and Python about the values become an InvalidArgumentError that names the op, accidents an InternalError, and a
    lack of memory a ResourceExhaustedError, ranks above NumPy's limit an UnimplementedError; the original is the cause. Errors of the user's own functions are passed on.

    Args:
      op: the op, with its attributes.
      error: what its kernel raised.
      values: the host values of its inputs, lists of them for list inputs.

    Returns:
      The error to raise.

    Example:
      >>> from penstock._src.core.calls.refusals import refusal_of_values
      >>> from penstock._src.core import registry
      >>> refusal_of_values(registry.find("Neg").instance({"T": None}), ValueError("bad size"))
      InvalidArgumentError('Neg: bad size')
    """
    if isinstance(error, OpError):
        return error
    if isinstance(error, MemoryError):
        return memory_limit.refused(error, op.op_type)
    if isinstance(error, AttributeError) and _is_handle(error.obj, values):
        class_name = type(error.obj).__name__
        text = f"{op.op_type}: Trying to access a resource or variant of the wrong type: got {class_name}"
        return _caused(InvalidArgumentError(text), error)
    if op.flow.runs_functions or _is_of_user(error.__traceback__):
        return error
    is_of_array = isinstance(error, AttributeError) and isinstance(error.obj, np.ndarray)
    if _is_too_deep(error):
        return _caused(UnimplementedError(f"{op.op_type}: {_DEPTH}"), error)
    if isinstance(error, REFUSALS) or is_of_array or _is_of_library(error):
        return _caused(InvalidArgumentError(f"{op.op_type}: {_text(op, error, values)}"), error)
    if isinstance(error, ACCIDENTS):
        text = f"{op.op_type}: {type(error).__name__}: {_text(op, error, values)}"
        return _caused(InternalError(text), error)
    return error


def refusal_of_call(
    function: str | Callable[..., Any],
    error: Exception,
    args: Sequence[Any],
    kwargs: dict[str, Any],
) -> Exception:
    """Translates an error that Python or NumPy raised in a public function, so that it says which call was wrong.

    A TypeError or ValueError gets a note, one of NumPy's own classes or an accident (an attribute that a value lacks, an index) becomes
    one of these, and a lack of memory a ResourceExhaustedError. What Penstock or the user's functions raise on purpose stays as it is.

    Args:
      function: the function, or its name.
      error: what it raised.
      args: its positional arguments.
      kwargs: its other arguments.

    Returns:
      The error to raise.
    """
    name = function if isinstance(function, str) else function.__name__
    if isinstance(error, MemoryError):
        return memory_limit.refused(error, name)
    if is_raised(error.__traceback__) or _is_of_user(error.__traceback__):
        return error
    if _is_too_deep(error):
        return _caused(UnimplementedError(f"{name}: {_DEPTH}"), error)
    arguments = [_shown(value) for value in args]
    arguments += [f"{key}={_shown(value)}" for key, value in kwargs.items()]
    call = f"{name}({', '.join(arguments)})"
    if isinstance(error, TypeError | ValueError) and not _is_of_library(error):
        note = f"Raised by the call {call}."
        if not isinstance(function, str) and "unexpected keyword argument" in str(error):
            note += f" Its parameters are {', '.join(inspect.signature(function).parameters)}."
        error.add_note(note)
        return error
    kind = TypeError if isinstance(error, AttributeError | TypeError) else ValueError
    return _caused(kind(f"{call}: {type(error).__name__}: {error}"), error)


def _is_too_deep(error: Exception) -> bool:
    """True if NumPy has no arrays of such a rank."""
    return isinstance(error, REFUSALS) and any(words in str(error) for words in _TOO_DEEP)


def _shown(value: Any) -> str:
    """An argument in few words: tensors by type and shape."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"<{type(value).__name__} {value.dtype} {value.shape}>"
    text = (
        repr(value)
        if isinstance(value, int | float | str | bytes | list | tuple | dict | None)
        else ""
    )
    return text if text and len(text) <= 80 else f"<{type(value).__name__}>"


def _is_of_library(error: Exception) -> bool:
    """True if an error's class belongs to a library that reads or writes a format (zlib, struct, wave, protobuf)."""
    return type(error).__module__.split(".")[0] not in _OF_NO_LIBRARY


def _caused(refusal: Exception, error: Exception) -> Exception:
    refusal.__cause__ = error
    return refusal


def _text(op: Any, error: Exception, values: Sequence[Any]) -> str:
    """The message of an error; with the shapes of the inputs, if no statement of the kernel's raised it."""
    text = str(error)
    if any(words in text for words in _TOO_LARGE):
        text = f"the shape of the result would have more than 2**63 - 1 elements ({text})"
    if not values or is_raised(error.__traceback__):
        return text
    shown = [f"{argument.name} {_form(value)}" for argument, value in zip(op.inputs, values)]
    return f"{text} (inputs: {', '.join(shown)})"


def _form(value: Any) -> str:
    """The type and shape of an input."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_form, value[:8]))}{', ...' if len(value) > 8 else ''}]"
    if not isinstance(value, np.ndarray | np.generic):
        return type(value).__name__
    kind = "string" if value.dtype.kind == "O" else value.dtype.name
    return f"{kind}{list(value.shape)}"


def _is_handle(handle: Any, values: Sequence[Any]) -> bool:
    """True if a value is the Python object of a resource or variant."""
    if handle is None or isinstance(handle, np.ndarray | np.generic):
        return False
    for value in values:
        if isinstance(value, list | tuple):
            if _is_handle(handle, value):
                return True
        elif value is handle or getattr(value, "ndim", None) == 0 and value.item() is handle:
            return True
    return False


def is_raised(traceback: TracebackType | None) -> bool:
    """True if an error comes from a `raise` statement in Penstock."""
    last = traceback
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    code = last.tb_frame.f_code
    return _is_ours(code.co_filename) and code.co_code[last.tb_lasti] == _RAISE


def _is_of_user(traceback: TracebackType | None) -> bool:
    """True if an error passed through a function of the user: one outside Penstock and its libraries."""
    while traceback is not None:
        if not _is_ours(traceback.tb_frame.f_code.co_filename) and not _is_library(
            traceback.tb_frame.f_code.co_filename
        ):
            return True
        traceback = traceback.tb_next
    return False


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE)


def _is_library(file: str) -> bool:
    """True if a file belongs to Python itself or to a library that kernels call."""
    packages, standard = _folders()
    if file.startswith(packages):
        return file[len(packages) :].lstrip(os.sep).split(os.sep)[0] in _LIBRARIES
    return file.startswith((standard, "<frozen", "<string>", "<__array_function__"))


@functools.cache
def _folders() -> tuple[str, str]:
    """Return the folders of installed packages and of Python's own modules."""
    paths = sysconfig.get_paths()
    return paths["purelib"], paths["stdlib"]
