"""Functions of TensorFlow 1 that are declared by their parameters, and share implementations with others."""

import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.util.export import export
from penstock._src.util.signatures import taking


def declare(
    module: str,
    name: str,
    parameters: str,
    call: Callable[[dict[str, Any]], Any],
    documentation: str,
) -> Callable[..., Any]:
    """Makes a public function, which calls `call` with its arguments by name.

    Args:
      module: where the function is assigned to a variable, named as the last part of `name`.
      name: in `tf.compat.v1`.
      parameters: as Python writes them; defaults are literals.
      call: takes a dict.
      documentation: the docstring.
    """
    attribute = name.rpartition(".")[2]

    def with_names(values: tuple[Any, ...]) -> Any:
        return call(dict(zip(names, values, strict=True)))

    function = taking(parameters, attribute, with_names, {})
    names = list(inspect.signature(function).parameters)
    function.__module__, function.__qualname__ = module, attribute
    function.__doc__ = documentation
    return export(v1=[name])(function)
