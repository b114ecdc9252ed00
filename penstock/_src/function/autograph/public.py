"""The names under tf.autograph."""

import ast
import inspect
import logging
import os
from collections.abc import Callable
from enum import Enum
from typing import Any

from penstock._src.function.autograph import convert, parser
from penstock._src.util.export import export

export("autograph.experimental.do_not_convert")(convert.do_not_convert)


@export("autograph.experimental.Feature", v1=[])
class Feature(Enum):
    """Optional parts of AutoGraph; accepted for compatibility: they are always on or not needed."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple["Feature", ...]:
        return tuple(cls)

    @classmethod
    def all_but(cls, exclude: Any) -> tuple["Feature", ...]:
        left_out = exclude if isinstance(exclude, list | tuple | set) else (exclude,)
        return tuple(item for item in cls if item not in left_out)


@export("autograph.experimental.set_loop_options")
def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """Sets options of the tf.while_loop for the enclosing loop; must be the loop's first statement."""


@export("autograph.to_graph", v1=[])
def to_graph(
    entity: Any, recursive: bool = True, experimental_optional_features: Any = None
) -> Callable:
    """Returns `entity` converted, so that its control flow can depend on tensors.

    Args:
      entity: a function, method or callable object.
      recursive: also convert the functions it calls.
      experimental_optional_features: accepted for compatibility; no effect.

    Raises:
      ValueError: its source is not available.
    """
    del experimental_optional_features
    function = _function_of(entity)
    try:
        made = convert.convert_function(function, recursive)
    except parser.SourceUnavailable as error:
        raise ValueError(f"to_graph: {entity} cannot be converted: {error}") from error
    return made


@export("autograph.to_code", v1=[])
def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """Returns the source code of `entity` after conversion."""
    del recursive, experimental_optional_features
    try:
        node, _ = convert.convert_node(_function_of(entity))
    except parser.SourceUnavailable as error:
        raise ValueError(f"to_code: {entity} cannot be converted: {error}") from error
    node.name = "tf__" + node.name
    return ast.unparse(ast.fix_missing_locations(node)) + "\n"


def _function_of(entity: Any) -> Any:
    entity = getattr(entity, "python_function", entity)
    if inspect.ismethod(entity):
        return entity.__func__
    if not inspect.isfunction(entity) and not inspect.isclass(entity):
        return type(entity).__call__
    return entity


_verbosity = int(os.environ.get("AUTOGRAPH_VERBOSITY", "0"))


@export("autograph.set_verbosity")
def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Sets how much AutoGraph logs: 0 is warnings only, 10 everything."""
    global _verbosity
    _verbosity = level
    convert.logger.setLevel(logging.DEBUG if level > 0 else logging.WARNING)
    if alsologtostdout and not convert.logger.handlers:
        convert.logger.addHandler(logging.StreamHandler())


@export("autograph.trace")
def trace(*args: Any) -> None:
    """Prints `args` now, while tracing."""
    print(*args)
