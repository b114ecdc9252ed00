"""How many nodes a model has when each call of a function is replaced by the function's body."""

from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError

# Each of thirty functions that calls the next one twice makes 2**30 nodes of a file of two kilobytes.
MOST = 1 << 18
DEEPEST = 64  # nesting of functions and subgraphs


def check_calls(nodes: Iterable[Any], functions: dict[tuple[str, str, str], Any]) -> None:
    """Refuses a graph whose calls of functions expand to too many nodes.

    Args:
      nodes: of the main graph.
      functions: {(domain, name, overload): FunctionProto}.

    Raises:
      InvalidArgumentError: a function calls itself, or calls are too deep or too many.
    """
    sizes: dict[tuple[str, str, str], int] = {}
    around: list[tuple[str, str, str]] = []  # the functions whose sizes are being computed

    def size_of(key: tuple[str, str, str]) -> int:
        if key in around:
            raise InvalidArgumentError(f"the function '{key[1]}' calls itself.")
        if len(around) > DEEPEST:
            raise InvalidArgumentError("functions are nested too deeply.")
        if key not in sizes:
            around.append(key)
            sizes[key] = len(functions[key].node) + bodies(functions[key].node)
            around.pop()
        return sizes[key]

    def bodies(calls: Iterable[Any]) -> int:
        keys = ((n.domain, n.op_type, n.overload) for n in with_inner(calls))
        return sum(size_of(key) for key in keys if key in functions)

    check_size(bodies(nodes))


def check_size(count: int) -> None:
    """Raises InvalidArgumentError if the bodies of functions have too many nodes together."""
    if count > MOST:
        raise InvalidArgumentError(
            f"the functions of the model expand to more than {MOST:,} nodes ({count:,})."
        )


def with_inner(nodes: Iterable[Any]) -> Iterator[Any]:
    """Yields nodes and those of their subgraphs."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from with_inner(graph.node)
