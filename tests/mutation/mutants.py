"""The mutants of a file: one place changed in each."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What is only shown to people.
SHOWN = {"__repr__", "__str__", "_repr_html_"}


@dataclass(frozen=True)
class Mutant:
    """A change of one place of a file.

    span         of the bytes that are replaced
    lines        first and last line of the place; of the statement around it
    column       of the place in its first line
    in_function  whether the place runs when a function is called, not only when the module is imported
    """

    path: Path
    span: tuple[int, int]
    replacement: str
    what: str
    lines: tuple[int, int]
    column: int
    statement: tuple[int, int]
    in_function: bool

    def source(self) -> str:
        """The text of the changed file; all other lines stand where they stood."""
        text = self.path.read_bytes()
        start, end = self.span
        return (text[:start] + self.replacement.encode() + text[end:]).decode()

    def name(self, root: Path) -> str:
        """What tells the mutant from all others."""
        return f"{self.path.relative_to(root).as_posix()}:{self.lines[0]}:{self.column} {self.what}"


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of their places; those of one name and replacement once."""
    text = path.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[Any, Mutant] = {}
    for each in _in(
        ast.parse(text), Mutant(path, (0, 0), "", "", (0, 0), 0, (0, 0), False), starts
    ):
        try:
            compile(each.source(), str(path), "exec")
        except SyntaxError:  # such as a loop's only `break`
            continue
        found.setdefault((each.span, each.replacement), each)
    return sorted(found.values(), key=lambda each: (each.span, each.what))


def _in(node: ast.AST, around: Mutant, starts: list[int]) -> Iterator[Mutant]:
    """The mutants of a node and of what it holds. `around` tells what is known of the place."""
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)):
        return  # texts of errors, and what type checkers are told
    if isinstance(node, FUNCTIONS) and node.name in SHOWN or _is_table(node):
        return
    if isinstance(node, ast.stmt):
        around = replace(around, statement=(node.lineno, node.end_lineno or node.lineno))
    if isinstance(node, (ast.stmt, ast.expr)):
        for changed, what in _changes(node):
            yield _mutant(node, changed, what, around, starts)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
            continue
        if isinstance(node, ast.Subscript) and _is_first(value):
            continue
        is_body = isinstance(node, (*FUNCTIONS, ast.Lambda)) and field == "body"
        inner = replace(around, in_function=around.in_function or is_body)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and not _is_text(each):
                yield from _in(each, inner, starts)


def _is_table(node: ast.AST) -> bool:
    """Whether a statement names numbers that were chosen by measuring: with others, results are the same."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    parts = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp)
    inside = [each for each in ast.walk(node.value) if isinstance(each, ast.expr)]
    return node.targets[0].id.isupper() and all(isinstance(each, parts) for each in inside)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _mutant(node: Any, changed: ast.AST, what: str, around: Mutant, starts: list[int]) -> Mutant:
    start = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    text = ast.unparse(changed)
    lost = "\n" * (node.end_lineno - node.lineno - text.count("\n"))
    text = f"({text}{lost})" if isinstance(node, ast.expr) else text + lost
    lines = (node.lineno, node.end_lineno)
    place = {"span": (start, end), "lines": lines, "column": node.col_offset + 1}
    return replace(around, replacement=text, what=what, **place)


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What a node may become, and what that is called."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    changed = copy.deepcopy(node)
                    changed.ops[i] = other()
                    yield changed, _told(node, changed)
        case ast.BinOp(left, op, right) if not _is_string(left) and not _is_string(right):
            if type(op) in ARITHMETIC:
                changed = ast.BinOp(left, ARITHMETIC[type(op)](), right)
                yield changed, _told(node, changed)
            if isinstance(op, ORDERED):
                changed = ast.BinOp(right, op, left)
                yield changed, _told(node, changed)
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            changed = ast.BoolOp(other, values)
            yield changed, _told(node, changed)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand, _told(node, operand)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value), _told(node, ast.Constant(not value))
        case ast.Constant(int() | float() as value):
            for other in (value + 1, value - 1):
                yield ast.Constant(other), _told(node, ast.Constant(other))
        case ast.Subscript(value, ast.Constant(0), context):
            # -1 would be the same of all that has one element
            changed = ast.Subscript(value, ast.Constant(1), context)
            yield changed, _told(node, changed)
        case ast.IfExp(test, body, orelse):
            changed = ast.IfExp(test, orelse, body)
            yield changed, _told(node, changed)
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None)), _told(node, ast.Return(ast.Constant(None)))
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            yield ast.Pass(), f"without `{_short(node)}`"
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield ast.Pass(), f"without `{_short(node)}`"


def _is_first(node: Any) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == 0


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _told(before: ast.AST, after: ast.AST) -> str:
    return f"`{_short(before)}` -> `{_short(after)}`"


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else text[:67] + "..."
