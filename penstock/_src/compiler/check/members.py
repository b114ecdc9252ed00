"""Interprets a function several times at once: a center, and members with other rounding.

A value is a list: the center's array, then each member's; or one array if all are equal to the last bit. Values that no
rounding affects (constants, integers, exact arithmetic on arguments) thus stay one array and are computed once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.check.noise import Noise, is_narrow
from penstock._src.compiler.check.shares import Share, share_of
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE, MOVEMENT, PRIMITIVES
from penstock._src.util.dataclass import dataclass

Value = Any  # list[np.ndarray]; a tuple of such lists of a node with several results
# Functions that evaluate the kinds that may round, or decide, differently (rounding.py, sums.py).
ROUNDED: dict[str, Callable[[Members, Step, list[Value]], Value]] = {}
# Attention takes its scores of narrow floats as sums in float32: some members keep products so through movements, and round
# the operation that reads them
UNROUNDED = frozenset("neg abs maximum minimum".split())  # code rounds nothing after these
# The modes for indices that are out of bounds in a member only.
FORGIVING = {"gather": "clamp", "scatter": "drop"}


@dataclass(frozen=True)
class Ways:
    """Algorithms of a program that round differently from the nodes as written.

    tiles    convolutions by Winograd's
    scores   attention, whose scores stay in float32
    shares   attention's gradient with row sums computed as in `shares.py`
    """

    tiles: bool = False
    scores: bool = False
    shares: bool = False


PLAIN = Ways()


class Members:
    """One interpretation: a center and members.

    count    members beside the center
    seed     of their roundings
    ways     algorithms that some of them take
    flips    True if members decide at random where rounding may decide
    loud     times as large as they are, roundings are drawn
    """

    def __init__(
        self, count: int, seed: int = 0, ways: Ways = PLAIN, flips: bool = False, loud: float = 1.0
    ) -> None:
        self.count, self.ways, self.flips, self.loud = count, ways, flips, loud
        self.noise = Noise(seed, loud)

    def run(
        self, function: Function, arguments: Sequence[Value]
    ) -> tuple[list[Value], list[Value]]:
        """The function's results and the new values of its variables.

        Raises:
          InvalidArgumentError: the center does not meet one of the function's conditions.
        """
        with np.errstate(all="ignore"):
            return self._run(function, arguments)

    def _run(
        self, function: Function, arguments: Sequence[Value]
    ) -> tuple[list[Value], list[Value]]:
        values: dict[int, Value] = {
            parameter.id: argument
            for parameter, argument in zip(function.parameters, arguments, strict=True)
        }
        for step in order(function):
            node = step.node
            if node.id not in values:
                try:
                    values[node.id] = self.evaluate(step, [values[a.id] for a in step.args])
                except InvalidArgumentError as error:
                    error._origin = error._origin or node.origin
                    raise
            for last in step.frees:
                del values[last]
        for check in function.checks:
            if not values[check.condition.id][0]:
                raise InvalidArgumentError(check.message)
        results = [settled(values[r.id]) for r in function.results]
        return results, [settled(values[v.id]) for _, v in function.updates]

    def evaluate(self, step: Step, args: list[Value]) -> Value:
        """The value of one node."""
        node = step.node
        if node.kind == "read":
            return args[0]
        if node.kind == "item":
            return args[0][node.attrs["index"]]
        if node.kind == "while":
            return self._while(node, [settled(a) for a in args])
        if node.kind == "case":
            return self._case(node, [settled(a) for a in args])
        if any(map(_is_unrounded, args)):
            if node.kind in ELEMENTWISE:
                if node.kind == "select" or node.attrs.get("op") in UNROUNDED:
                    return self._unrounded(node, args)
                return settled(self._evaluate(step, _alike(args)))
            if node.kind not in MOVEMENT:
                args = [settled(a) for a in args]
        return self._evaluate(step, args)

    def _evaluate(self, step: Step, args: list[Value]) -> Value:
        rounded = ROUNDED.get(step.node.kind)
        return rounded(self, step, args) if rounded else self.plain(step.node, args)

    def each(self, compute: Callable[[list[Any]], Any], args: Sequence[Value]) -> list[Any]:
        """Applies a function to the center's arguments and to each member's."""
        if all(len(a) == 1 for a in args):
            return [compute([a[0] for a in args])]
        return [compute([of(a, k) for a in args]) for k in range(self.count + 1)]

    def plain(self, node: Node, args: Sequence[Value]) -> Value:
        """A node's value where the primitive's own meaning rounds as every implementation must."""
        evaluate = PRIMITIVES[node.kind].evaluate
        if node.attrs.get("mode") == "error" and any(len(a) > 1 for a in args):
            evaluate([of(a, 0) for a in args], node)  # raises
            node = forgiving(node)
        results = self.each(lambda a: evaluate(a, node), args)
        if node.results is not None:
            return tuple(
                [unified([np.asarray(m[i]) for m in results]) for i in range(len(results[0]))]
            )
        return unified([np.asarray(m) for m in results])

    def _unrounded(self, node: Node, args: Sequence[Value]) -> Value:
        """A choice, or a change of sign, which leaves a member's sums in float32 as they are."""
        evaluate = PRIMITIVES[node.kind].evaluate
        in_single = Node(node.builder, node.kind, node.args, node.attrs, node.shape, dtypes.float32)
        alike, results = _alike(args), []
        for k in range(self.count + 1):
            is_sum = any(of(a, k).dtype != a[0].dtype for a in args)
            own = [of(a, k) for a in alike]
            results.append(np.asarray(evaluate(own, in_single if is_sum else node)))
        return unified(results)

    def _while(self, node: Node, args: list[Value]) -> Value:
        carried, condition, body = (node.attrs[name] for name in ("carried", "cond", "body"))
        state, outer = list(args[:carried]), list(args[carried:])
        trips, extra = 0, 0
        while True:
            going = self._run(condition, [*state, *outer])[0][0]
            if not any(going) or extra > trips + 100:
                return tuple(state)
            new = self._run(body, [*state, *outer])[0]
            if not all(going):
                new = [self._chosen(going, n, s) for n, s in zip(new, state)]
            state = new
            trips, extra = trips + bool(going[0]), extra + (not going[0])

    def _chosen(self, condition: Value, a: Value, b: Value) -> Value:
        """Selects one of two values for each member."""
        picks = self.each(lambda x: x[1] if x[0] else x[2], [condition, a, b])
        return unified(picks)

    def _case(self, node: Node, args: list[Value]) -> Value:
        index, branches = args[0], node.attrs["branches"]
        numbers = [int(i) if 0 <= int(i) < len(branches) else len(branches) - 1 for i in index]
        results_of = {n: self._run(branches[n], args[1:])[0] for n in dict.fromkeys(numbers)}
        if len(results_of) == 1:
            return tuple(results_of[numbers[0]])
        results = []
        for i in range(len(results_of[numbers[0]])):
            results.append(unified([of(results_of[n][i], k) for k, n in enumerate(numbers)]))
        return tuple(results)


def of(value: Value, k: int) -> Any:
    """The array of the center (0) or of a member."""
    return value[k] if len(value) > 1 else value[0]


def settled(value: Value) -> Value:
    """A value with the members rounded to the center's type."""
    if not _is_unrounded(value):
        return value
    return unified([array.astype(value[0].dtype, copy=False) for array in value])


def _is_unrounded(value: Value) -> bool:
    return any(array.dtype != value[0].dtype for array in value[1:])


def _alike(args: Sequence[Value]) -> list[Value]:
    """The arguments with all narrow floats of a member in float32, if it has one of them in float32."""
    count = max(map(len, args))
    alike = [a * count if len(a) == 1 else list(a) for a in args]
    for k in range(1, count):
        if any(of(a, k).dtype != a[0].dtype for a in args):
            for own in alike:
                if is_narrow(own[0].dtype):
                    own[k] = own[k].astype(np.float32)
    return alike


def unified(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """One array where all are equal."""
    first = arrays[0]
    for other in arrays[1:]:
        if other is not first and not _same(first, other):
            return arrays
    return arrays[:1]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.size > 64 and a.dtype.kind in "fc":  # most that differ do so in the first few
        some = (0,) * (a.ndim - 1)
        if not np.array_equal(a[some][:8], b[some][:8], equal_nan=True):
            return False
    if a.dtype.kind in "fc":
        return bool(np.array_equal(a, b, equal_nan=True))
    if a.dtype.kind == "V":
        return np.asarray(a, order="C").tobytes() == np.asarray(b, order="C").tobytes()
    return bool(np.array_equal(a, b))


def forgiving(node: Node) -> Any:
    """The node with indices out of bounds allowed: those of a member alone are not errors."""
    attrs = {**node.attrs, "mode": FORGIVING[node.kind]}
    return Node(node.builder, node.kind, node.args, attrs, node.shape, node.dtype, node.results)


@dataclass
class Step:
    """A node in the order of evaluation.

    frees       ids of values that nothing needs after it
    products    positions of arguments that are products, which an addition may take before they are rounded
    share       a sum that attention computes of other operands; these follow the node's arguments
    """

    node: Node
    frees: list[int]
    products: tuple[int, ...]
    share: Share | None

    @property
    def args(self) -> tuple[Node, ...]:
        """Nodes whose values the step needs."""
        return (*self.node.args, *(self.share.operands if self.share else ()))


_orders: weakref.WeakKeyDictionary[Function, list[Step]] = weakref.WeakKeyDictionary()


def order(function: Function) -> list[Step]:
    """A function's nodes in an order of evaluation."""
    order = _orders.get(function)
    if order is None:
        order = _orders[function] = _ordered(function)
    return order


def _ordered(function: Function) -> list[Step]:
    steps = [Step(node, [], _products(node), share_of(node)) for node in function.nodes()]
    last: dict[int, int] = {}
    for i, step in enumerate(steps):
        for arg in step.args:
            last[arg.id] = i
    kept = {root.id for root in function.roots}
    for name, i in last.items():
        if name not in kept:
            steps[i].frees.append(name)
    return steps


def _products(node: Node) -> tuple[int, ...]:
    if node.kind != "binary" or node.op not in ("add", "sub"):
        return ()
    return tuple([i for i, arg in enumerate(node.args) if _is_product(arg)])


def _is_product(node: Node) -> bool:
    while node.kind in MOVEMENT:
        node = node.args[0]
    if node.kind == "unary" and node.op == "neg":
        return _is_product(node.args[0])
    if node.kind == "select":  # LLVM moves an addition into the branches
        return any(map(_is_product, node.args[1:]))
    return (node.kind == "binary" and node.op == "mul") or (
        node.kind == "unary" and node.op == "square"
    )
