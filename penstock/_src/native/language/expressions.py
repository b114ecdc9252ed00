"""Expressions of translated functions: each method `value_X` has the value of a node X of the syntax tree."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from .function import Fn
from .numbers import FUNCTIONS, SYMBOLS, TYPES, Number, Numbers, Refused, Scalar, unified
from .types import I8
from .value import Val

OUTSIDE = "outside"  # the name of a module's number: the line of an access outside of an array
_COSTLY = ("load", "call", "div", "rem", "store", "br ", "phi")  # not worth computing in vain
_INSTEAD = {
    "JoinedStr": "numbers", "Raise": "a number that is returned", "Assert": "checks before the call", "Slice": "a loop over the elements",
    "List": "a tuple, or an array as an argument", "ListComp": "a loop", "GeneratorExp": "a loop", "Lambda": "a function of the module",
    "Import": "an import of the module", "NamedExpr": "an assignment before", "Match": "if", "Try": "checks before the call",
}  # fmt: skip


class Array(NamedTuple):
    """An array in C's order, or the part of one that its first indices select."""

    kind: str
    address: Val
    extents: tuple[Scalar, ...]
    stores: list[Val]  # addresses at which the kernel writes


class Unclear(NamedTuple):
    """The value of a variable that may not be used where paths have met."""

    reason: str


class Source:
    """The text and the syntax tree of a function."""

    def __init__(self, function: FunctionType) -> None:
        lines, self.first = inspect.getsourcelines(function)
        self.file, self.text = function.__code__.co_filename, textwrap.dedent("".join(lines))
        self.indent = len(lines[0]) - len(lines[0].lstrip())
        (tree,) = ast.parse(self.text).body
        assert isinstance(tree, ast.FunctionDef)
        self.tree = tree

    def error(self, node: Any, message: str) -> SyntaxError:
        """An error that Python shows with the line and a caret."""
        line, column = self.first + node.lineno - 1, node.col_offset + self.indent + 1
        text = " " * self.indent + self.text.splitlines()[node.lineno - 1]
        return SyntaxError(message, (self.file, line, column, text))


source_of = functools.lru_cache(64)(Source)


class Expressions:
    """The part of the translator for expressions."""

    f: Fn
    numbers: Numbers
    source: Source
    globals: dict[str, Any]
    variables: dict[str, Any] | None  # None after a jump
    checks: bool  # True if indices are compared with extents
    inlined: Callable[[ast.Call, FunctionType], Any]

    def merged(self, arms: list[tuple[Any, str]], name: str) -> Any:
        raise NotImplementedError

    def translate(self, node: Any, what: str) -> Any:
        """Calls the method for a kind of node; what it refuses is reported at the node."""
        name = type(node).__name__
        method = getattr(self, f"{what}_{name}", None)
        try:
            if method is None:
                instead = _INSTEAD.get(name, "what docs/kernels.md lists")
                raise Refused(f"kernels have no {name}: use {instead}")
            return method(node)
        except Refused as refused:
            raise self.source.error(node, str(refused)) from None

    def value(self, node: ast.expr) -> Any:
        return self.translate(node, "value")

    def scalar(self, node: ast.expr) -> Scalar:
        value = self.value(node)
        if not is_scalar(value):
            raise self.source.error(node, "a number is needed here")
        return value

    def condition(self, node: ast.expr) -> Val | bool:
        return self.numbers.condition(self.scalar(node))

    def value_Constant(self, node: ast.Constant) -> Any:
        if not is_scalar(node.value):
            raise Refused("constants are numbers")
        return node.value

    def value_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.value(each) for each in node.elts)

    def value_Name(self, node: ast.Name) -> Any:
        name, variables = node.id, self.variables or {}
        if name in variables or name in self.globals:
            value = variables[name] if name in variables else self.globals[name]
            if isinstance(value, Unclear):
                raise Refused(value.reason)
            return value
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise Refused(f"{name!r} has no value on some path to here")

    def value_Attribute(self, node: ast.Attribute) -> Any:
        value = self.value(node.value)
        if value is np:
            return getattr(np, node.attr)
        if isinstance(value, Array) and node.attr == "shape":
            return value.extents
        if isinstance(value, Array) and node.attr == "dtype":
            return np.dtype(value.kind)
        if isinstance(value, np.dtype) and node.attr == "type":
            return value.type
        raise Refused(f"kernels have no .{node.attr}: arrays have .shape and .dtype.type")

    def value_Subscript(self, node: ast.Subscript) -> Any:
        value = self.value(node.value)
        if type(value) is tuple:
            at = self.scalar(node.slice)
            if isinstance(at, Number):
                raise Refused("an index of a tuple must be a number that is known here")
            return value[int(at)]
        part = self.part(value, node)
        if part.extents:
            return part
        if part.kind == "bool":
            return Number("bool", self.f.load(part.address, 0, I8).ne(0))
        return Number(part.kind, self.f.load(part.address, 0, TYPES[part.kind]))

    def part(self, array: Any, node: ast.Subscript) -> Array:
        """The part of an array that indices select; one without extents is an element."""
        if not isinstance(array, Array):
            raise Refused("arrays and tuples alone have elements")
        given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(given) > len(array.extents):
            raise Refused(f"the array has {len(array.extents)} dimensions here")
        numbers, offset = self.numbers, 0
        for at, extent in zip(given, array.extents):
            index = self.scalar(at)
            if isinstance(index, int) and index < 0:
                index = numbers.binary("+", extent, index)
            index = numbers.index(index)
            if self.checks:
                self.check_index(node, numbers.value(index), numbers.value(extent))
            offset = numbers.binary("+", index, numbers.binary("*", offset, extent))
        extents = array.extents[len(given) :]
        for extent in extents:
            offset = numbers.binary("*", offset, extent)
        place = offset.value if isinstance(offset, Number) else offset
        memory = I8 if array.kind == "bool" else TYPES[array.kind]
        return Array(array.kind, self.f.at(array.address, place, memory), extents, array.stores)

    def check_index(self, node: ast.Subscript, index: Val, extent: Val) -> None:
        """Ends the kernel before an access outside of an array, and notes the line."""
        f, inside, outside = self.f, self.f.fresh("inside"), self.f.fresh("outside")
        f.branch(f.compare("ult", index, extent), inside, outside)
        f.start(outside)
        f.store(f.i64(self.source.first + node.lineno - 1), f.address(OUTSIDE))
        f.give(f.i64(0))
        f.start(inside)

    def value_BinOp(self, node: ast.BinOp) -> Scalar:
        left, right = self.scalar(node.left), self.scalar(node.right)
        return self.numbers.binary(SYMBOLS[type(node.op)], left, right)

    def value_UnaryOp(self, node: ast.UnaryOp) -> Scalar:
        x, numbers = self.scalar(node.operand), self.numbers
        match node.op:
            case ast.USub():
                return numbers.negative(x)
            case ast.Invert():
                return numbers.inverse(x)
            case ast.Not():
                return numbers.negated(x)
        return x

    def value_Compare(self, node: ast.Compare) -> Scalar:
        return self.comparison(self.scalar(node.left), node.ops, node.comparators)

    def comparison(self, left: Scalar, ops: list[ast.cmpop], operands: list[ast.expr]) -> Scalar:
        """Compares a number with the first operand and, where that holds, this one with the next."""
        if type(ops[0]) not in SYMBOLS:
            raise Refused("kernels have no in and is: use ==")
        right = self.scalar(operands[0])
        first = self.numbers.compared(SYMBOLS[type(ops[0])], left, right)
        if len(ops) == 1:
            return first
        condition = self.numbers.condition(first)
        following = lambda: self.comparison(right, ops[1:], operands[1:])  # noqa: E731
        return self.chosen(condition, following, lambda: False)  # type: ignore[no-any-return]

    def value_BoolOp(self, node: ast.BoolOp) -> Scalar:
        """Right sides are computed only where they decide: they may read what is not there."""
        is_and = isinstance(node.op, ast.And)
        result = self.scalar(node.values[0])
        for operand in node.values[1:]:

            def right(operand: ast.expr = operand) -> Scalar:
                value = self.scalar(operand)
                self.numbers.condition(value)
                return value

            arms = (right, lambda: False) if is_and else (lambda: True, right)
            result = self.chosen(self.numbers.condition(result), *arms)
        return result

    def value_IfExp(self, node: ast.IfExp) -> Any:
        condition = self.condition(node.test)
        return self.chosen(
            condition, lambda: self.value(node.body), lambda: self.value(node.orelse)
        )

    def chosen(self, condition: Val | bool, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
        """One of two values; both are computed if that takes a few instructions."""
        if isinstance(condition, bool):
            return yes() if condition else no()
        f, mark = self.f, self.mark()
        a, b = yes(), no()
        written = f.lines[mark[0] :]
        is_cheap = len(written) <= 3 and not any(w in line for line in written for w in _COSTLY)
        if is_cheap and is_scalar(a) and is_scalar(b):
            kind = unified(a, b)
            values = self.numbers.value(a, kind), self.numbers.value(b, kind)
            return Number(kind, f.select(condition, *values))
        self.back(mark)
        labels, end = (f.fresh("then"), f.fresh("else")), f.fresh("end")
        f.branch(condition, *labels)
        before, arms = self.variables, []
        for label, compute in zip(labels, (yes, no)):
            f.start(label)
            arms.append((compute(), f.block))
            f.jump(end)
            self.variables = before
        f.start(end)
        value = self.merged(arms, "the value")
        if isinstance(value, Unclear):
            raise Refused(value.reason)
        return value

    def mark(self) -> tuple[Any, ...]:
        return len(self.f.lines), self.f.block, self.f.serial, self.variables

    def back(self, mark: tuple[Any, ...]) -> None:
        """Forgets what was written after a mark."""
        lines, self.f.block, self.f.serial, self.variables = mark
        del self.f.lines[lines:]

    def value_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view" and node.args:
            kind = np.dtype(self.value(node.args[0])).name
            return self.numbers.bits(self.scalar(node.func.value), kind)
        function = self.value(node.func)
        function = getattr(function, "python", function)  # another kernel
        if isinstance(function, FunctionType):
            return self.inlined(node, function)
        arguments = [self.value(each) for each in node.args]
        if function is len and isinstance(arguments[0], Array):
            return arguments[0].extents[0]
        compute = self.function(function)
        if compute is None or node.keywords:
            raise Refused(f"kernels have no {ast.unparse(node)}: docs/kernels.md lists functions")
        if not arguments or not all(map(is_scalar, arguments)):
            raise Refused("numbers are needed here")
        return compute(*arguments)

    def function(self, function: Any) -> Callable[..., Scalar] | None:
        """What writes a call of a function of Python's or NumPy's."""
        numbers, name = self.numbers, getattr(function, "__name__", "")
        if function in (min, max):
            return lambda *x: numbers.least(name, x)
        if function is abs:
            return numbers.absolute
        if function in (int, float, bool):
            return lambda x: numbers.converted(x, name)
        if isinstance(function, type) and issubclass(function, np.generic):
            kind = np.dtype(function).name
            return (lambda x: numbers.converted(x, kind)) if kind in TYPES else None
        is_known = isinstance(function, np.ufunc) and name in FUNCTIONS
        return (lambda *x: numbers.function(name, x)) if is_known else None


def is_scalar(value: Any) -> bool:
    return isinstance(value, Number) or type(value) in (bool, int, float)
