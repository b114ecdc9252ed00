"""Functions of single elements, with loops in which each element has its own number of steps."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.build.control import Control
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.meaning.recurrences import Instruction, Recurrence
from penstock._src.ir.node import Node

_KINDS = frozenset("unary binary compare select cast bitcast iterate".split())


class Iteration(Control):
    """`iterate` and `by_element`. Callables may use outer nodes, which must broadcast to the elements' shape."""

    def iterate(
        self,
        goes_on: Callable[..., Node],
        step: Callable[..., Sequence[Node]],
        init: Sequence[Node],
    ) -> list[Node]:
        """The values after stepping each element of `init` by `step` while `goes_on` holds for it.

        Both compute elementwise. The number of steps must be bounded for all numbers, NaN included. Values that do not depend on
        stepped values are computed once before.
        """
        init = self._of_one_shape(init)
        parameters = self.parameters_like(init)
        following = self._inside(step, parameters)
        (condition,) = self._inside(goes_on, parameters)
        return self._iterate(parameters, condition, following, init)

    def by_element(self, function: Callable[..., Any], args: Sequence[Node]) -> list[Node]:
        """The result of `function` for nodes of one shape, computed for each element at once, without intermediate arrays."""
        args = self._of_one_shape(args)
        parameters = self.parameters_like(args)
        results = self._inside(function, parameters)
        return self._iterate(parameters, None, results, args)

    def where_any(
        self,
        condition: Node,
        function: Callable[..., Node],
        args: Sequence[Node],
        otherwise: Node,
    ) -> Node:
        """function(*args) where the condition holds; nothing of it is computed for vectors in which it holds nowhere."""
        done = self.full((), False, dtypes.bool_)

        def step(pending: Node, _: Node, *arguments: Node) -> list[Node]:
            return [self.broadcast_to(done, pending.shape), function(*arguments), *arguments]

        return self.iterate(lambda pending, *_: pending, step, [condition, otherwise, *args])[1]

    def _of_one_shape(self, values: Sequence[Node]) -> list[Node]:
        shape = self.broadcast_shape(*[x.shape for x in values])
        return [self.broadcast_to(x, shape) for x in values]

    def _iterate(
        self,
        parameters: Sequence[Node],
        condition: Node | None,
        following: Sequence[Node],
        init: Sequence[Node],
    ) -> list[Node]:
        is_loop = condition is not None
        moving = [i for i, x in enumerate(following) if not is_loop or x is not parameters[i]]
        first = moving if is_loop else []
        order = [*first, *[i for i in range(len(init)) if i not in first]]
        recorder = _Recorder([parameters[i] for i in order], self.depth)
        numbers = [recorder.number(following[i]) for i in moving]
        goes_on = None if condition is None else recorder.number(condition)
        recurrence = recorder.recurrence(len(first), numbers, goes_on)
        shape = init[0].shape
        outer = [self.broadcast_to(x, shape) for x in recorder.outer]
        args = [*[init[i] for i in order], *outer]
        changed = {
            i: self.make("iterate", args, recurrence=recurrence, index=index)
            for index, i in enumerate(moving)
        }
        return [changed[i] if i in changed else init[i] for i in range(len(following))]


class _Recorder:
    """Records the computation of nodes from parameters; other nodes become further arguments, numbers constants.

    depth     of the enclosing functions
    outer     the further arguments
    """

    def __init__(self, parameters: Sequence[Node], depth: int) -> None:
        self.parameters, self.depth = parameters, depth
        self.outer: list[Node] = []
        self._numbers: dict[int, Any] = {p.id: i for i, p in enumerate(parameters)}
        self._instructions: list[tuple[Node, tuple[int, ...]]] = []

    def number(self, root: Node) -> Any:
        """A placeholder for a node until the arguments are counted: see `_settled`."""
        pending = [root]
        while pending:
            node = pending[-1]
            if node.id in self._numbers:
                pending.pop()
                continue
            if node.depth <= self.depth:
                self._numbers[node.id] = self._outer(node)
                continue
            if node.kind == "broadcast" and node.args[0].shape == node.shape:  # without rules
                if node.args[0].id in self._numbers:
                    self._numbers[node.id] = self._numbers[node.args[0].id]
                else:
                    pending.append(node.args[0])
                continue
            if node.kind not in _KINDS or node.shape != self.parameters[0].shape:
                raise MalformedFunction(f"iterate: {node!r} is not elementwise.")
            missing = [a for a in node.args if a.id not in self._numbers]
            if missing:
                pending += reversed(missing)
                continue
            args = tuple([self._numbers[a.id] for a in node.args])
            self._numbers[node.id] = self._added(node, args)
        return self._numbers[root.id]

    def _outer(self, node: Node) -> Any:
        constant = node
        while constant.kind == "broadcast":
            constant = constant.args[0]
        if constant.kind == "constant" and constant.attrs["value"].size == 1:
            return self._added(constant, ())
        self.outer.append(node)
        return "outer", len(self.outer) - 1

    def _added(self, node: Node, args: tuple[Any, ...]) -> Any:
        self._instructions.append((node, args))
        return "instruction", len(self._instructions) - 1

    def recurrence(self, carried: int, following: Sequence[Any], goes_on: Any | None) -> Recurrence:
        types = [x.dtype for x in (*self.parameters, *self.outer)]
        starts = {"outer": len(self.parameters), "instruction": len(types)}

        def settled(number: Any) -> int:
            return number if isinstance(number, int) else starts[number[0]] + number[1]

        instructions = tuple(
            [_instruction(node, tuple(map(settled, args))) for node, args in self._instructions]
        )
        ends = None if goes_on is None else settled(goes_on)
        return Recurrence(tuple(types), carried, instructions, ends, tuple(map(settled, following)))


def _instruction(node: Node, args: tuple[int, ...]) -> Instruction:
    if node.kind == "constant":
        return Instruction("constant", node.dtype, value=np.asarray(node.attrs["value"]).tobytes())
    if node.kind == "iterate":
        inner = node.attrs["recurrence"], node.attrs["index"]
        return Instruction("iterate", node.dtype, args, "", b"", *inner)
    return Instruction(node.kind, node.dtype, args, node.attrs.get("op", ""))
