"""`tensorflow.python.ops.numpy_ops.np_utils`: docstrings that lead to NumPy's documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.api.numpy.promotion import result_type as result_type
from penstock._src.core import dtypes
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable

_VERSION = re.compile(r"\d+(\.\d+(\.\d+)?)?$")


class _Settings:
    """Settings: the form of references to NumPy's docstrings, and True if parameters that differ from NumPy's are an error."""

    form: Any = "stable"
    mismatch_is_an_error = False


class Link:
    """The address of a function's documentation."""

    def __init__(self, v: str) -> None:
        self.value = v


class AliasOf:
    """The name under which NumPy documents a function."""

    def __init__(self, v: str) -> None:
        self.value = v


class NoLink:
    """NumPy does not document a function."""


def get_np_doc_form() -> Any:
    """Returns how docstrings refer to NumPy's: "inlined", or the version of the pages that they link to."""
    return _Settings.form


def set_np_doc_form(value: Any) -> None:
    """Sets the value of `get_np_doc_form`; values that are not a form leave out the reference."""
    _Settings.form = value


def is_sig_mismatch_an_error() -> bool:
    """True if `np_doc` raises for functions whose parameters are not NumPy's."""
    return _Settings.mismatch_is_an_error


def set_is_sig_mismatch_an_error(value: bool) -> None:
    """Sets the value of `is_sig_mismatch_an_error`."""
    _Settings.mismatch_is_an_error = value


def _supports_signature() -> bool:
    return hasattr(inspect, "signature")


def np_doc(
    np_fun_name: str | None,
    np_fun: Callable[..., Any] | None = None,
    unsupported_params: Iterable[str] | None = None,
    link: Link | AliasOf | NoLink | None = None,
) -> Callable[[Any], Any]:
    """Returns a decorator that writes the docstring of the counterpart of a NumPy function.

    Args:
      np_fun_name: the name of NumPy's function; None if `np_fun` is given.
      np_fun: NumPy's function.
      unsupported_params: parameters that are not supported, besides those that the decorated function lacks.
      link: where NumPy documents the function, if not under its own name.

    Raises:
      TypeError: the decorated function has other parameters, and that is an error.
    """
    name = _name(np_fun_name, np_fun)

    def decorator(f: Any) -> Any:
        unsupported = list(unsupported_params or [])
        if np_fun is not None:
            try:
                theirs = inspect.signature(np_fun).parameters
            except ValueError:
                theirs = None
            if theirs is not None:
                own = inspect.signature(f).parameters
                if _Settings.mismatch_is_an_error:
                    _check_parameters(own, theirs, np_fun_name, np_fun)
                unsupported += [p for p in theirs if p not in own]
        f.__doc__ = _docstring(f.__doc__, name, np_fun, unsupported, link)
        return f

    return decorator


def np_doc_only(
    np_fun_name: str | None, np_fun: Callable[..., Any] | None = None
) -> Callable[[Any], Any]:
    """Returns a decorator like that of `np_doc`, which does not look at parameters."""
    name = _name(np_fun_name, np_fun)

    def decorator(f: Any) -> Any:
        f.__doc__ = _docstring(f.__doc__, name, np_fun, [], None)
        return f

    return decorator


def _name(np_fun_name: str | None, np_fun: Callable[..., Any] | None) -> str:
    assert (np_fun_name is None) != (np_fun is None)
    return np_fun_name if np_fun_name is not None else getattr(np_fun, "__name__", "")


def _check_parameters(own: Any, theirs: Any, np_fun_name: str | None, np_fun: Any) -> None:
    which = f"Argument `np_fun_name` is {np_fun_name}. Argument `np_fun` is {np_fun}."
    for name, parameter in own.items():
        if name not in theirs:
            raise TypeError(
                f"Cannot find parameter {name} in the numpy function's signature (which has these "
                f"parameters: {list(theirs)}). {which}"
            )
        other = theirs[name]
        if parameter.kind != other.kind:
            raise TypeError(
                f"Parameter {name} is of kind {parameter.kind.name} while in numpy it is of kind "
                f"{other.kind.name}. {which}"
            )
        if other.default is not inspect.Parameter.empty and (
            parameter.default is inspect.Parameter.empty
        ):
            raise TypeError(f"Parameter {name} should have a default value. {which}")


def _docstring(
    own: str | None, name: str, np_fun: Any, unsupported: list[str], link: Any
) -> str:  # fmt: skip
    text = f"TensorFlow variant of NumPy's `{name}`.\n\n"
    if unsupported:
        listed = ", ".join(f"`{parameter}`" for parameter in unsupported)
        text += f"Unsupported arguments: {listed}.\n\n"
    if own:
        text += f"{own}\n\n"
    if _Settings.form == "inlined":
        theirs = getattr(np_fun, "__doc__", None)
        return text + (f"Documentation for `numpy.{name}`:\n\n{theirs}" if theirs else "")
    address = _address(name, link)
    if address is None:
        return text
    return text + f"See the NumPy documentation for [`numpy.{name}`]({address})."


def _address(name: str, link: Any) -> str | None:
    """Returns where NumPy documents a function, or None."""
    if isinstance(link, Link):
        return link.value
    if isinstance(link, NoLink):
        return None
    version = _Settings.form
    name = link.value if isinstance(link, AliasOf) else name
    if version == "dev":
        return f"https://numpy.org/devdocs/reference/generated/numpy.{name}.html"
    is_version = isinstance(version, str) and _VERSION.match(version)
    if version != "stable" and not is_version:
        return None
    return f"https://numpy.org/doc/{version}/reference/generated/numpy.{name}.html"


def _maybe_get_dtype(x: Any) -> Any:
    """Returns what decides the dtype of a result: the NumPy dtype of a tensor, other values as they are.

    Raises:
      ValueError: `x` is a list or tuple.
    """
    if isinstance(x, (list, tuple)):
        raise ValueError(
            "Cannot find dtype for type inference from argument `x` of a sequence type "
            f"{type(x)}. For sequences, please call this function on each element individually."
        )
    if isinstance(x, dtypes.DType):
        return x.as_numpy_dtype
    if isinstance(x, (Tensor, Variable)):
        return x.dtype.as_numpy_dtype
    return x.dtype if getattr(x, "is_tensor_like", False) else x
