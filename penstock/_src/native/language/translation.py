"""Translates Python functions of arrays and numbers to instructions of a function (docs/kernels.md).

The translator walks the syntax tree and has, at every point, the value of each variable: a number, an array, a tuple, or what is known while it
translates. Where paths meet, a variable with different values becomes a phi.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

from .expressions import Array, Expressions, Unclear, is_scalar, source_of
from .function import Fn
from .numbers import SYMBOLS, TYPES, Number, Numbers, Refused, Scalar, is_float, kind_of, unified
from .types import I1, I8, I64
from .value import Val

_PLAIN = (Number, Array, bool, int, float)
_DEEPEST = 20  # calls of helper functions within one another


class Edge(NamedTuple):
    """A jump from a block, with the variables at its end."""

    block: str
    variables: dict[str, Any]


class Loop(NamedTuple):
    """Where `continue` and `break` of a loop lead."""

    next: str
    done: str
    to_next: list[Edge]
    to_done: list[Edge]


class Head(NamedTuple):
    """The head of a loop: the line where its phis belong, and the values of its variables there."""

    entry: Edge
    line: int
    phis: dict[str, Any]


class Translator(Expressions):
    """Writes the instructions of a Python function.

    Args:
      f: the function that they become a part of.
      function: the Python function.
      variables: its arguments.
      checks: True to end the kernel at an index out of range.
      context: the calls and the rounds of unrolled loops that it is called within.
      kinds: those of the variables of loops, by context and loop; what is written again starts with them.
    """

    def __init__(
        self,
        f: Fn,
        function: FunctionType,
        variables: dict[str, Any],
        checks: bool,
        context: tuple[Any, ...] = (),
        kinds: dict[Any, dict[str, str]] | None = None,
    ) -> None:
        self.f, self.numbers, self.checks, self.context = f, Numbers(f), checks, context
        self.source, self.globals = source_of(function), function.__globals__
        self.kinds = {} if kinds is None else kinds
        self.variables = variables
        self.loops: list[Loop] = []
        self.returned, self.returns = f.fresh("returned"), list[Edge]()

    def run(self) -> Any:
        """Writes the body; returns the result: None, a number or a tuple."""
        self.body(self.source.tree.body)
        if self.variables is not None:
            self.returns.append(self.leave(self.returned, {"return": None}))
        self.join(self.returned, self.returns)
        result = (self.variables or {}).get("return")
        if isinstance(result, Unclear):
            raise self.source.error(self.source.tree, result.reason)
        return result

    def inlined(self, node: ast.Call, function: FunctionType) -> Any:
        """The result of a helper function, whose instructions are written here."""
        if len(self.context) >= _DEEPEST:
            raise Refused("functions may not call themselves: use a loop")
        arguments = [self.value(each) for each in node.args]
        named = {each.arg: self.value(each.value) for each in node.keywords if each.arg}
        try:
            bound = inspect.signature(function).bind(*arguments, **named)
        except TypeError as error:
            raise Refused(str(error)) from None
        bound.apply_defaults()
        variables = dict(bound.arguments)
        context = *self.context, node
        return Translator(self.f, function, variables, self.checks, context, self.kinds).run()

    # -- paths

    def leave(self, label: str, variables: dict[str, Any] | None = None) -> Edge:
        """Jumps to a label."""
        self.f.jump(label)
        edge = Edge(self.f.block, (self.variables or {}) if variables is None else variables)
        self.variables = None
        return edge

    def join(self, label: str, edges: list[Edge]) -> None:
        """Continues at a label with what the variables are after the jumps there."""
        if not edges:
            self.variables = None
            return
        self.f.start(label)
        self.variables = {
            name: self.merged([(edge.variables[name], edge.block) for edge in edges], name)
            for name in edges[0].variables
            if all(name in edge.variables for edge in edges)
        }

    def merged(self, arms: list[tuple[Any, str]], name: str) -> Any:
        """One of several values, by the block that led here."""
        values = [value for value, _ in arms]
        if all(_is_same(value, values[0]) for value in values):
            return values[0]
        if all(type(value) is tuple and len(value) == len(values[0]) for value in values):
            parts = zip(*[[(each, block) for each in value] for value, block in arms])
            return tuple(self.merged(list(part), name) for part in parts)
        if not all(map(is_scalar, values)):
            return Unclear(f"{name!r} is different things on different paths")
        try:
            kind = unified(*values)
        except Refused as refused:
            return Unclear(f"{name!r} differs from path to path: {refused}")
        phi = self.f.phi(*[(self.numbers.value(value, kind), block) for value, block in arms])
        return Number(kind, phi)

    # -- statements

    def body(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            if self.variables is not None:  # not after a jump
                self.translate(statement, "statement")

    def statement_Pass(self, _: ast.Pass) -> None:
        pass

    def statement_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.value(node.value)

    def statement_Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.store(target, value)

    def statement_AugAssign(self, node: ast.AugAssign) -> None:
        before, value = self.scalar(node.target), self.scalar(node.value)
        self.store(node.target, self.numbers.binary(SYMBOLS[type(node.op)], before, value))

    def store(self, target: ast.AST, value: Any) -> None:
        if isinstance(target, ast.Tuple):
            if type(value) is not tuple or len(value) != len(target.elts):
                raise Refused(f"{len(target.elts)} values are needed here")
            for each, one in zip(target.elts, value):
                self.store(each, one)
        elif isinstance(target, ast.Name):
            self.variables = {**(self.variables or {}), target.id: value}
        elif isinstance(target, ast.Subscript):
            place = self.part(self.value(target.value), target)
            if place.extents or not is_scalar(value):
                raise Refused("numbers are assigned to elements of arrays: use a loop")
            if is_float(kind_of(value)) and not is_float(place.kind):
                raise Refused(f"a float is assigned to an element of {place.kind}: write int(...)")
            number = self.numbers.value(value, place.kind)
            number = self.f.convert(number, I8) if number.ty == I1 else number
            self.f.store(number, place.address)
            place.stores.append(place.address)
        else:
            raise Refused("variables and elements of arrays alone are assigned")

    def statement_If(self, node: ast.If) -> None:
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            self.body(node.body if condition else node.orelse)
            return
        f = self.f
        labels, end = (f.fresh("then"), f.fresh("else")), f.fresh("end")
        f.branch(condition, *labels)
        before, edges = self.variables, []
        for label, statements in zip(labels, (node.body, node.orelse)):
            f.start(label)
            self.variables = before
            self.body(statements)
            if self.variables is not None:
                edges.append(self.leave(end))
        self.join(end, edges)

    def statement_Break(self, node: ast.Break) -> None:
        loop = self.loops[-1]
        loop.to_done.append(self.leave(loop.done))

    def statement_Continue(self, node: ast.Continue) -> None:
        loop = self.loops[-1]
        loop.to_next.append(self.leave(loop.next))

    def statement_Return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.value(node.value)
        self.returns.append(self.leave(self.returned, {"return": value}))

    # -- loops

    def statement_While(self, node: ast.While) -> None:
        f = self.f

        def written(kinds: dict[str, str]) -> Loop | None:
            label = f.fresh("while")
            loop = Loop(label, f.fresh("done"), [], [])
            head = self.head(node, label, self.leave(label), kinds)
            condition = self.condition(node.test)
            if condition is not True:
                inside = f.fresh("do")
                value = condition if isinstance(condition, Val) else f.const(0, I1)
                f.branch(value, inside, loop.done)
                loop.to_done.append(Edge(f.block, self.variables or {}))
                f.start(inside)
            self.rounds(loop, node.body)
            if self.variables is not None:
                loop.to_next.append(self.leave(label))
            return loop if self.close(head, loop.to_next, kinds) else None

        self.repeat(node, written)

    def statement_For(self, node: ast.For) -> None:
        match node.iter:
            case ast.Call(ast.Name("static"), [elements], []):
                self.unroll(node, elements)
            case ast.Call(ast.Name("range"), [_, *_] as bounds, []) if isinstance(
                node.target, ast.Name
            ):
                low, high, step = (
                    (0, *self.bounds(bounds), 1)
                    if len(bounds) == 1
                    else (*self.bounds(bounds), 1)[:3]
                )
                if isinstance(step, Number) or step == 0:
                    raise Refused("the step of a range must be a number other than 0")
                self.count(node, node.target.id, low, high, int(step))
            case _:
                raise Refused("loops are over range(...) or static(...), with one variable")

    def bounds(self, nodes: list[ast.expr]) -> list[Scalar]:
        return [self.numbers.index(self.scalar(each)) for each in nodes]

    def count(self, node: ast.For, name: str, low: Scalar, high: Scalar, step: int) -> None:
        f, numbers, symbol = self.f, self.numbers, "<" if step > 0 else ">"
        runs = numbers.compared(symbol, low, high)
        if runs is False:
            return

        def written(kinds: dict[str, str]) -> Loop | None:
            label, loop = f.fresh("loop"), Loop(f.fresh("next"), f.fresh("done"), [], [])
            entry = Edge(f.block, self.variables or {})
            if isinstance(runs, Number):
                f.branch(runs.value, label, loop.done)
                loop.to_done.append(entry)
            else:
                f.jump(label)
            head = self.head(node, label, entry, kinds)
            i = Val(f, I64, f.name_value())
            self.variables = {**(self.variables or {}), name: Number("int", i)}
            self.round(loop, node.body)
            arms, ends = [(numbers.value(low), entry.block)], []
            if self.variables is not None:
                # The condition is at the end, as LLVM would turn it (see Fn.loop).
                following = i + step
                condition = numbers.compared(symbol, Number("int", following), high)
                f.branch(numbers.value(condition), label, loop.done)
                ends = [Edge(f.block, self.variables)]
                loop.to_done.extend(ends)
                arms.append((following, f.block))
            if not self.close(head, ends, kinds):
                return None
            f.lines.insert(head.line, _phi(i, arms))
            return loop

        self.repeat(node, written)

    def unroll(self, node: ast.For, elements: ast.expr) -> None:
        """Writes the body for each element of a range or a tuple that is known."""
        match elements:
            case ast.Call(ast.Name("range"), bounds, []):
                known = self.bounds(bounds)
                values: Any = None if any(isinstance(x, Number) for x in known) else range(*known)  # type: ignore[arg-type]
            case _:
                values = self.value(elements)
        if not isinstance(values, (range, tuple)):
            raise Refused("static(...) needs a tuple, or a range that is known here")
        loop = Loop("", self.f.fresh("done"), [], [])
        context = self.context
        for at, value in enumerate(values):
            self.context = *context, at
            if self.variables is not None:
                self.store(node.target, value)
                self.round(loop._replace(next=self.f.fresh("next"), to_next=[]), node.body)
        self.context = context
        if loop.to_done:
            if self.variables is not None:
                loop.to_done.append(self.leave(loop.done))
            self.join(loop.done, loop.to_done)

    def repeat(self, node: Any, written: Callable[[dict[str, str]], Loop | None]) -> None:
        """Writes a loop, again while kinds of its variables change in it."""
        if node.orelse:
            raise Refused("loops have no else: use a variable")
        mark, returns = self.mark(), len(self.returns)
        kinds = self.kinds.setdefault((self.context, node), {})
        while (loop := written(kinds)) is None:
            self.back(mark)
            del self.returns[returns:]
        self.join(loop.done, loop.to_done)

    def rounds(self, loop: Loop, statements: list[ast.stmt]) -> None:
        self.loops.append(loop)
        self.body(statements)
        self.loops.pop()

    def round(self, loop: Loop, statements: list[ast.stmt]) -> None:
        """A body whose `continue` leads to its end."""
        self.rounds(loop, statements)
        if loop.to_next:
            if self.variables is not None:
                loop.to_next.append(self.leave(loop.next))
            self.join(loop.next, loop.to_next)

    def head(self, node: ast.AST, label: str, entry: Edge, kinds: dict[str, str]) -> Head:
        """Starts the head of a loop, with phis for the variables that the loop changes."""
        stored = {
            each.id
            for each in ast.walk(node)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            stored.discard(node.target.id)
        self.f.start(label)
        phis = {
            name: self.placeholder(value, name, kinds)
            for name, value in entry.variables.items()
            if name in stored
        }
        self.variables = entry.variables | phis
        return Head(entry, len(self.f.lines), phis)

    def placeholder(self, value: Any, path: str, kinds: dict[str, str]) -> Any:
        """The value of a variable in a loop, whose phi can be written after the loop."""
        if type(value) is tuple:
            return tuple(self.placeholder(x, f"{path}[{i}]", kinds) for i, x in enumerate(value))
        if not is_scalar(value):
            return value
        kind = kinds.setdefault(path, kind_of(value))
        return Number(kind, Val(self.f, TYPES[kind], self.f.name_value()))

    def close(self, head: Head, ends: list[Edge], kinds: dict[str, str]) -> bool:
        """Writes the phis of a loop's head; False if the kind of a variable changes in the loop."""
        before, lines = dict(kinds), list[str]()
        for name, phi in head.phis.items():
            arms = [(edge.variables[name], edge.block) for edge in (head.entry, *ends)]
            lines += self.phis(name, phi, arms, kinds)
        if kinds == before:
            self.f.lines[head.line : head.line] = lines
        return kinds == before

    def phis(
        self, path: str, phi: Any, arms: list[tuple[Any, str]], kinds: dict[str, str]
    ) -> Iterator[str]:
        values = [value for value, _ in arms]
        if type(phi) is tuple and all(type(x) is tuple and len(x) == len(phi) for x in values):
            for i, each in enumerate(phi):
                parts = [(value[i], block) for value, block in arms]
                yield from self.phis(f"{path}[{i}]", each, parts, kinds)
        elif isinstance(phi, Number) and all(map(is_scalar, values)):
            try:
                kinds[path] = unified(*values)
            except Refused as refused:
                raise Refused(f"{path!r} changes in this loop: {refused}") from None
            if kinds[path] == phi.kind:
                texts = [(self.numbers.value(value, phi.kind), block) for value, block in arms]
                yield _phi(phi.value, texts)
        elif not all(_is_same(value, phi) for value in values):
            raise Refused(f"{path!r} is different things in this loop")


def _phi(value: Val, arms: list[tuple[Val, str]]) -> str:
    texts = ", ".join(f"[ {arm.s}, %{block} ]" for arm, block in arms)
    return f"{value.s} = phi {value.ty} {texts}"


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and repr(a) == repr(b))


def texts_of(function: FunctionType) -> Iterator[str]:
    """The texts and numbers that a kernel's meaning depends on: its own, and those of what it calls."""
    known, waiting = set[FunctionType](), [function]
    while waiting:
        function = waiting.pop()
        if function in known:
            continue
        known.add(function)
        yield _text(function)
        yield f"{function.__defaults__} {function.__kwdefaults__}"
        for name in function.__code__.co_names:
            value = function.__globals__.get(name)
            value = getattr(value, "python", value)
            if isinstance(value, FunctionType):
                waiting.append(value)
            elif isinstance(value, (bool, int, float, tuple)):
                yield f"{name} = {value!r}"


def _text(function: FunctionType) -> str:
    """The lines of a function, up to the last that computes anything: `inspect.getsource` takes a millisecond.

    Raises:
      OSError: they are not there.
    """
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    end = max(last or 0 for _, last, _, _ in code.co_positions())
    if not 0 < end <= len(lines):
        raise OSError(f"{code.co_filename} cannot be read.")
    return "".join(lines[code.co_firstlineno - 1 : end])
