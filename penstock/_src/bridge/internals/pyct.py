"""The names of TensorFlow's toolbox for rewriting Python source (`autograph.pyct`), without implementations.

AutoGraph here rewrites syntax trees of the standard `ast` (`function/autograph`). Libraries that build other
rewrites on TensorFlow's toolbox (TensorFlow Probability's auto-batching) can be imported, but rewriting a
function with them raises UnimplementedError.
"""

from __future__ import annotations
import __future__

import enum
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


class Basic(enum.Enum):
    """Keys of annotations about names."""

    QN = "qualified name"
    SKIP_PROCESSING = "skip"
    INDENT_BLOCK_REMAINDER = "indent"
    ORIGIN = "origin"


class Static(enum.Enum):
    """Keys of annotations of static analysis."""

    IS_PARAM = "is parameter"
    SCOPE = "scope"
    ARGS_SCOPE = "scope of arguments"
    COND_SCOPE = "scope of the condition"
    BODY_SCOPE = "scope of the body"
    ORELSE_SCOPE = "scope of the other branch"


class _Refused:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refusing(type(self).__name__)()


class Base(_Refused):
    """A transformer of syntax trees."""


class EntityInfo(_Refused):
    """Information about a function that is rewritten."""


class Context(_Refused):
    """The state of rewriting a function."""


class EntityContext(_Refused):
    """The state of rewriting a function."""


class Namer(_Refused):
    """Generates unused names."""


class QN(_Refused):
    """A qualified name."""


class ASTEdgePattern(_Refused):
    """A pattern of edges of a syntax tree."""


ANY, REPLACE, LEAVE = "any", "replace", "leave"

hasanno, getanno, setanno = (_refusing(name) for name in ("hasanno", "getanno", "setanno"))
parse_entity, load_ast, resolve = (_refusing(n) for n in ("parse_entity", "load_ast", "resolve"))
transform, replace = _refusing("transform"), _refusing("replace")
replace_as_expression = _refusing("replace_as_expression")
standard_analysis = _refusing("standard_analysis")


def getfutureimports(entity: Any) -> tuple[str, ...]:
    """Returns the names that a function's module imports from `__future__`, as far as the flags of its code show."""
    code = inspect.unwrap(getattr(entity, "__func__", entity)).__code__
    names = __future__.all_feature_names
    flags = {name: getattr(__future__, name).compiler_flag for name in names}
    return tuple(name for name, flag in flags.items() if flag & code.co_flags)
