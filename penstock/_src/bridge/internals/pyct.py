"""Names of TensorFlow's toolbox for rewriting Python source (`autograph.pyct`) that have no implementation.

AutoGraph here rewrites syntax trees of the standard `ast` (`function/autograph`). What the toolbox itself offers stands in
`bridge/python/autograph/pyct`. Libraries that build other rewrites on TensorFlow's converters (TensorFlow Probability's
auto-batching) can be imported, but rewriting a function with them raises UnimplementedError.
"""

from __future__ import annotations
import __future__

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

from penstock._src.core.errors import UnimplementedError


def _refusing(name: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise UnimplementedError(
            f"tensorflow.python.autograph: {name} is not implemented: Penstock's AutoGraph rewrites "
            "functions without TensorFlow's pyct."
        )

    return refuse


class _Refused:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refusing(type(self).__name__)()


class Base(_Refused):
    """A transformer of syntax trees."""


class ASTEdgePattern(_Refused):
    """A pattern of edges of a syntax tree."""


ANY, REPLACE, LEAVE = "any", "replace", "leave"

transform = _refusing("transform")
standard_analysis = _refusing("standard_analysis")


def getfutureimports(entity: Any) -> tuple[str, ...]:
    """Returns the names that a function's module imports from `__future__`, as far as the flags of its code show."""
    code = inspect.unwrap(getattr(entity, "__func__", entity)).__code__
    names = __future__.all_feature_names
    flags = {name: getattr(__future__, name).compiler_flag for name in names}
    return tuple(name for name, flag in flags.items() if flag & code.co_flags)
