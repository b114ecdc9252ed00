"""The names under tf.autograph."""

import ast
import contextlib
import functools
import inspect
import logging
import os
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from penstock._src.function.autograph import convert
from penstock._src.function.autograph.builtins import printing
from penstock._src.function.autograph.parser import ConversionError, InaccessibleSourceCodeError
from penstock._src.util.export import export

export("autograph.experimental.do_not_convert")(convert.do_not_convert)


@export("autograph.experimental.Feature", v1=[])
class Feature(Enum):
    """Optional parts of AutoGraph.

    With `BUILTIN_FUNCTIONS`, `print` shows tensors when a function runs; others are always on or not needed.
    """

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
        return tuple(item for item in cls if item not in (*left_out, cls.ALL))


def uses_builtins(features: Any) -> bool:
    """True if one of the requested features converts `print` at run time."""
    requested = features if isinstance(features, list | tuple | set | frozenset) else (features,)
    return Feature.ALL in requested or Feature.BUILTIN_FUNCTIONS in requested


@export("autograph.experimental.set_loop_options")
def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """Sets options of the loop that it stands in; it must be the first statement there.

    Args:
      parallel_iterations: a hint without effect.
      swap_memory: a hint without effect.
      maximum_iterations: the greatest number of steps.
      shape_invariants: pairs of a variable of the loop and the shape that it has at all times.

    >>> @tf.function
    ... def grown(n):
    ...     x = tf.zeros([1])
    ...     for _ in tf.range(n):
    ...         tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
    ...         x = tf.concat([x, x], 0)
    ...     return x
    >>> grown(tf.constant(2)).shape
    TensorShape([4])
    """


@export("autograph.to_graph", v1=[])
def to_graph(
    entity: Any, recursive: bool = True, experimental_optional_features: Any = None
) -> Callable:
    """Returns a function with control flow that can depend on tensors.

    `tf.function` does so by itself.

    Args:
      entity: a function, method or callable object.
      recursive: whether the functions that it calls are converted too.
      experimental_optional_features: a `tf.autograph.experimental.Feature` or several. With `BUILTIN_FUNCTIONS`,
        `print` shows the values of tensors when the graph runs; the others are hints without effect.

    Returns:
      A function with the same arguments.

    Raises:
      ConversionError: it is not a function in Python, its source code is not available, or cannot be converted.

    >>> callable(tf.autograph.to_graph(tf.nest.flatten))
    True
    """
    with _named(entity):
        converted = convert.convert_function(_function_of(entity), recursive)
    if not uses_builtins(experimental_optional_features):
        return converted

    @functools.wraps(converted)
    def printing_values(*args: Any, **kwargs: Any) -> Any:
        with printing(True):
            return converted(*args, **kwargs)

    return convert.mark_converted(printing_values)  # type: ignore[no-any-return]


@export("autograph.to_code", v1=[])
def to_code(entity: Any, recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """Returns the source code that AutoGraph makes of a function.

    Args:
      entity: a function, method or callable object.
      recursive: a hint without effect.
      experimental_optional_features: a hint without effect.

    Returns:
      A string.

    Raises:
      ConversionError: it is not a function in Python, its source code is not available, or cannot be converted.

    >>> "def" in tf.autograph.to_code(tf.nest.flatten)
    True
    """
    del recursive, experimental_optional_features
    with _named(entity):
        node, _, _ = convert.convert_node(_function_of(entity))
    node.name = "tf__" + node.name
    return ast.unparse(ast.fix_missing_locations(node)) + "\n"


@contextlib.contextmanager
def _named(entity: Any) -> Iterator[None]:
    """Errors of converting say which object was to be converted."""
    try:
        yield
    except InaccessibleSourceCodeError as error:
        raise ConversionError(f"converting {entity}: {type(error).__name__}: {error}") from error


def _function_of(entity: Any) -> types.FunctionType:
    """Returns the function in Python of a function, method or callable object."""
    function = getattr(entity, "python_function", entity)
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        kind = type(function)
        function = kind.__call__ if callable(function) and kind is not type else None
    function = getattr(function, "__func__", function)
    if isinstance(function, types.FunctionType):
        return function
    raise ConversionError(
        f"converting {entity}: a function, method or object with a method __call__ in Python is expected."
    )


_verbosity = int(os.environ.get("AUTOGRAPH_VERBOSITY", "0"))


@export("autograph.set_verbosity")
def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Sets how much AutoGraph writes to the log.

    Args:
      level: from 0 (warnings only) to 10 (everything).
      alsologtostdout: whether it is printed too.

    >>> tf.autograph.set_verbosity(0)
    """
    global _verbosity
    _verbosity = level
    convert.logger.setLevel(logging.DEBUG if level > 0 else logging.WARNING)
    if alsologtostdout and not convert.logger.handlers:
        convert.logger.addHandler(logging.StreamHandler())


@export("autograph.trace")
def trace(*args: Any) -> None:
    """Prints `args` now, while tracing.

    Args:
      *args: any objects; a tensor shows its name, shape and dtype.
    """
    print(*args)
