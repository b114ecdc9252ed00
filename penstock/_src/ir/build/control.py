"""Loops and branches, from Python callables over Nodes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.ir.build.base import Base
from penstock._src.ir.build.leaves import new_scope
from penstock._src.ir.build.special_functions import SpecialFunctions
from penstock._src.ir.errors import MalformedFunction, NotLowerable
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import MOVEMENT

Body = Callable[..., Any]

# Kinds that a function may recompute, instead of taking them from outside.
_REPEATED = ("constant", "size", "iota")
# Kinds that are left to a function, which takes their operands. Products read packed weights as they are, and unpacked ones are up to eight times as large.
_LEFT = ("broadcast", "reshape", "unpack")


class Control(SpecialFunctions):
    """`while_` and `case`. Callables may use outer nodes: those become further arguments."""

    def while_(
        self,
        cond_fn: Body,
        body_fn: Body,
        init: Sequence[Node],
        max_trips: int | None = None,
        unread: Sequence[int] = (),
    ) -> list[Node]:
        """The values after stepping `init` by body_fn while cond_fn holds.

        Carried values that the body returns unchanged are taken out of the loop, and loop-invariant values are
        computed before it. `max_trips` is an upper bound on the number of steps; `unread` are
        indices of `init` whose elements are all written before they are read: they need not be set.
        """
        parameters = self.parameters_like(init)
        results = self._inside(body_fn, parameters)
        (condition,) = self._inside(cond_fn, parameters)
        return self.while_of(parameters, condition, results, init, max_trips, unread)

    def while_of(
        self,
        parameters: Sequence[Node],
        condition: Node,
        results: Sequence[Node],
        init: Sequence[Node],
        max_trips: int | None = None,
        unread: Sequence[int] = (),
    ) -> list[Node]:
        """`while_` of a condition and a body that were traced already, on the same parameters.

        Tracing nested loops again would double the work with each level of nesting.
        """
        if len(results) != len(init):
            raise MalformedFunction(
                f"while: the body returns {len(results)} values of {len(init)}."
            )
        roots = [condition, *results]
        moving = list(range(len(init)))
        while still := [i for i in moving if roots[1 + i] is parameters[i]]:
            moving = [i for i in moving if i not in still]
            roots = substitute(self, roots, {parameters[i].id: init[i] for i in still})
        first = [init[i] for i in moving]
        self._check_types(first, [roots[1 + i] for i in moving])
        if not moving:
            return list(init)
        arguments = [parameters[i] for i in moving]
        if len(moving) < len(init):  # parameters are numbered by position
            arguments, roots = self._with_new_parameters(arguments, roots)
        results = [roots[1 + i] for i in moving]
        condition_parameters, (condition,) = self._with_new_parameters(arguments, roots[:1])
        condition = self.broadcast_to(condition, ())
        outer = free_nodes([*results, condition], self.depth + 1)
        body = self._closed("body", arguments, results, outer)
        cond = self._closed("cond", condition_parameters, [condition], outer)
        extra: dict[str, Any] = {} if max_trips is None else {"max_trips": max_trips}
        if unread:
            extra["unread"] = tuple([place for place, i in enumerate(moving) if i in unread])
        node = self.make(
            "while", [*first, *outer], cond=cond, body=body, carried=len(moving), **extra
        )
        final = list(init)
        for place, i in enumerate(moving):
            final[i] = self.make("item", (node,), index=place)
        return final

    def case(self, index: Node, functions: Sequence[Body], operands: Sequence[Node]) -> list[Node]:
        """The results of functions[index](*operands); an index outside means the last one."""
        known = self.known.value(index)
        if known is not None:
            chosen = int(known) if 0 <= int(known) < len(functions) else len(functions) - 1
            return as_list(functions[chosen](*operands))
        traced = [self.trace(function, operands) for function in functions]
        return self.case_of(index, traced, operands)

    def case_of(
        self,
        index: Node,
        traced: Sequence[tuple[Sequence[Node], Sequence[Node]]],
        operands: Sequence[Node],
    ) -> list[Node]:
        """`case` of functions that were traced already: pairs of parameters and results."""
        for _, results in traced[1:]:
            self._check_types(traced[0][1], results)
        outer = free_nodes([r for _, rs in traced for r in rs], self.depth + 1)
        branches = tuple(
            [self._closed(f"branch{i}", p, r, outer) for i, (p, r) in enumerate(traced)]
        )
        if not traced[0][1]:
            return []
        node = self.make("case", [index, *operands, *outer], branches=branches)
        return [self.make("item", (node,), index=i) for i in range(len(traced[0][1]))]

    def trace(self, function: Body, like: Sequence[Node]) -> tuple[list[Node], list[Node]]:
        """Fresh parameters of the types of nodes, and the function's results for them, one level deeper."""
        parameters = self.parameters_like(like)
        return parameters, self._inside(function, parameters)

    def _with_new_parameters(
        self, parameters: Sequence[Node], roots: Sequence[Node]
    ) -> tuple[list[Node], list[Node]]:
        """New parameters of the same types, and the roots in terms of the new parameters."""
        function = self.parameters_like(parameters)
        for old, new in zip(parameters, function):
            self.assume_like(new, old)
        return function, substitute(self, roots, dict(zip([p.id for p in parameters], function)))

    def parameters_like(self, like: Sequence[Node], after: Sequence[Node] = ()) -> list[Node]:
        """Fresh parameters of the types of nodes, of a function one level deeper; or more of the function of others."""
        scope = after[0].attrs["scope"] if after else new_scope(self.depth + 1)
        return [
            self.make(
                "parameter", (), index=i, name=f"p{i}", shape=x.shape, dtype=x.dtype, scope=scope
            )
            for i, x in enumerate(like, len(after))
        ]

    @contextlib.contextmanager
    def deeper(self) -> Iterator[None]:
        """Nodes created in this block are one function deeper."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def _inside(self, function: Body, arguments: Sequence[Node]) -> list[Node]:
        """The function's results, traced one level deeper."""
        with self.deeper():
            return as_list(function(*arguments))

    def _closed(
        self, name: str, parameters: Sequence[Node], results: Sequence[Node], outer: Sequence[Node]
    ) -> Function:
        """A Function in which outer nodes are parameters after its own."""
        extra = self.parameters_like(outer, parameters)
        results = substitute(self, results, dict(zip([x.id for x in outer], extra)))
        return Function(name, (*parameters, *extra), tuple(results))

    @staticmethod
    def _check_types(first: Sequence[Node], second: Sequence[Node]) -> None:
        if len(first) != len(second):
            raise NotLowerable("the branches return different numbers of values")
        for a, b in zip(first, second):
            if a.dtype != b.dtype or a.shape != b.shape:
                raise NotLowerable(
                    f"a value changes from {a.dtype.name}{list(a.shape)} to {b.dtype.name}{list(b.shape)}"
                )


def as_list(results: Any) -> list[Node]:
    """One node or several as a list."""
    return list(results) if isinstance(results, (list, tuple)) else [results]


def free_nodes(roots: Sequence[Node], depth: int) -> list[Node]:
    """The outermost nodes under roots that depend on no parameter of functions at `depth`, except cheap leaves.

    Repeating, reshaping, unpacking, and widening int8 for a product are left to the function: it takes the smaller array."""
    outside: dict[int, Node] = {}
    inside: set[int] = set()  # outer nodes that the function computes itself
    seen: set[int] = set()
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.depth >= depth and node.kind == "contract":
            widened = _widened_operands(node)
            inside.update(widened)
            pending.extend(outside.pop(i).args[0] for i in widened if i in outside)
        is_left = node.kind in _LEFT or _rounds_weights(node)
        if node.depth >= depth or is_left or node.id in inside:
            pending.extend(node.args)
        elif not is_repeated(node):
            outside[node.id] = node
    return [outside[i] for i in sorted(outside)]


def _widened_operands(product: Node) -> list[int]:
    """Ids of the nodes that widen a product's operands from int8, if both are: its kernel reads them as they are."""
    operands = [_behind_movements(x) for x in product.args]
    is_narrow = [x.kind == "cast" and x.args[0].dtype == dtypes.int8 for x in operands]
    return [x.id for x in operands] if all(is_narrow) and product.dtype == dtypes.int32 else []


def _rounds_weights(node: Node) -> bool:
    """True if a node is unpacked weights rounded to bfloat16, or these in float32: products round them as they unpack them."""
    while node.kind == "cast" and node.dtype in (dtypes.bfloat16, dtypes.float32):
        node = _behind_movements(node.args[0])
        if node.kind == "unpack":
            return True
    return False


def _behind_movements(node: Node) -> Node:
    while node.kind in MOVEMENT:
        node = node.args[0]
    return node


def is_repeated(node: Node) -> bool:
    """True if a function computes this leaf itself: small constants, sizes, indices, and broadcasts of them."""
    if node.kind == "broadcast":
        return is_repeated(node.args[0])
    if node.kind == "constant":
        return node.attrs["value"].size <= 1
    return node.kind in _REPEATED


def substitute(p: Base, roots: Sequence[Node], known: dict[int, Node]) -> list[Node]:
    """The roots with nodes (by id) replaced by others. Recreates dependent nodes, with the operation of the original as origin."""
    if not roots:
        return []
    result = dict(known)
    builder = roots[0].builder
    outer = builder.origin
    # Ids grow along every path: a node older than all replaced ones depends on none of them.
    first = min(known, default=0)

    def visit(root: Node) -> Node:
        stack = [root]
        while stack:
            node = stack[-1]
            if node.id in result:
                stack.pop()
                continue
            if node.id < first:
                result[node.id] = node
                continue
            missing = [a for a in node.args if a.id not in result]
            if missing:
                stack.extend(missing)
                continue
            args = [result[a.id] for a in node.args]
            same = all(a is b for a, b in zip(args, node.args))
            if same:
                result[node.id] = node
            else:
                builder.origin = node.origin or outer
                result[node.id] = p.make(node.kind, args, **node.attrs)
            stack.pop()
        return result[root.id]

    try:
        return [visit(r) for r in roots]
    finally:
        builder.origin = outer
