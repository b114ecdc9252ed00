"""A builder that computes: every node it creates is a constant, and loops and branches run in Python.

It runs code written for the compiler (a translation from another representation) on the host as well, where
the value of any node is available.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.build.control import as_list
from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.builder import NO_DTYPE, new_node
from penstock._src.ir.interpreter import evaluate_node
from penstock._src.ir.meaning.known_values import KnownValues
from penstock._src.ir.node import Node
from penstock._src.util import slots


class ImmediateBuilder(NodeMaker):
    """The methods of a NodeMaker, on known values. `p.value(node)` is never None."""

    def __init__(self) -> None:
        self.known = KnownValues()

    def make(self, kind: str, args: Sequence[Node], **attrs: Any) -> Node:
        """The node's value as a constant; for several results, a node from which `item` takes them."""
        if kind == "item":
            (source,), index = args, attrs["index"]
            return self.known_array(source.attrs["values"][index], source.attrs["dtypes"][index])
        node = new_node(self, kind, tuple(args), attrs, None)
        if kind == "constant":
            return node
        value = slots.CALL_FLUSHING(evaluate_node, node, [a.attrs["value"] for a in args])
        if node.results is not None:
            types = [dtype for _, dtype in node.results]
            outputs = {"values": value, "dtypes": types}
            return Node(self, kind, (), outputs, (), NO_DTYPE, node.results)
        return self.known_array(value, node.dtype)

    def known_array(self, value: Any, dtype: DType) -> Node:
        """A constant node that references a value, without a copy."""
        value = np.asarray(value)
        return Node(self, "constant", (), {"value": value, "dtype": dtype}, value.shape, dtype)

    def value(self, node: Node) -> Any:
        """The array of a node."""
        return node.attrs["value"]

    def dims(self, node: Node) -> list[int]:
        """The elements of a node as ints."""
        return [int(n) for n in np.ravel(node.attrs["value"])]

    def check(self, condition: Node, message: str) -> None:
        """Raises InvalidArgumentError(message) unless the scalar condition holds."""
        if not bool(self.value(condition)):
            raise InvalidArgumentError(message)

    def while_(
        self,
        cond_fn: Callable[..., Any],
        body_fn: Callable[..., Any],
        init: Sequence[Node],
        max_trips: int | None = None,
        unread: Sequence[int] = (),
    ) -> list[Node]:
        """The values after applying body_fn to `init` while cond_fn holds."""
        state = list(init)
        while bool(self.value(as_list(cond_fn(*state))[0])):
            state = as_list(body_fn(*state))
        return state

    def iterate(
        self,
        goes_on: Callable[..., Node],
        step: Callable[..., Sequence[Node]],
        init: Sequence[Node],
    ) -> list[Node]:
        """The values after applying `step` to each element of `init` while `goes_on` holds for it."""
        state = list(init)
        while self.value(active := goes_on(*state)).any():
            following = as_list(step(*state))
            state = [self.select(active, new, old) for new, old in zip(following, state)]
        return state

    def where_any(
        self,
        condition: Node,
        function: Callable[..., Node],
        args: Sequence[Node],
        otherwise: Node,
    ) -> Node:
        """function(*args) where the condition holds."""
        return self.select(condition, function(*args), otherwise)

    def by_element(self, function: Callable[..., Any], args: Sequence[Node]) -> list[Node]:
        """The results of `function` for nodes of one shape."""
        return as_list(function(*args))

    def case(
        self, index: Node, functions: Sequence[Callable[..., Any]], operands: Sequence[Node]
    ) -> list[Node]:
        """The results of functions[index](*operands); an index outside means the last one."""
        chosen = int(self.value(index))
        function = functions[chosen] if 0 <= chosen < len(functions) else functions[-1]
        return as_list(function(*operands))
