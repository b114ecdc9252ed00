"""Finds the syntax tree of a function or lambda in its source file; errors of converting are of TensorFlow's classes."""

import ast
import copy
import functools
import linecache
import types

from penstock._src.util.dataclass import dataclass

FunctionNode = ast.FunctionDef | ast.Lambda


class PyCTError(Exception):
    """Base of the errors of rewriting code."""


class AutoGraphError(PyCTError):
    """Base of the errors of AutoGraph."""


class ConversionError(AutoGraphError):
    """A function cannot be converted; the message says which and why."""


class InaccessibleSourceCodeError(PyCTError, ValueError):
    """The source of a function cannot be read, or cannot be converted; the message says why."""


@dataclass(frozen=True)
class Source:
    """The tree of one function, with the file it came from and the class it is written in."""

    node: FunctionNode
    filename: str
    class_name: str | None


def parse(function: types.FunctionType) -> Source:
    """Returns a fresh copy of the syntax tree of `function`, with line numbers of its file."""
    code = function.__code__
    tree = _module_tree(code.co_filename)
    node = _find_lambda(tree, code) if code.co_name == "<lambda>" else _find_def(tree, code)
    return Source(copy.deepcopy(node), code.co_filename, _class_name(code.co_qualname))


def _module_tree(filename: str) -> ast.Module:
    linecache.checkcache(filename)
    lines = linecache.getlines(filename)
    if not lines:
        raise InaccessibleSourceCodeError(f"source code not available (file {filename!r})")
    return _parse_text("".join(lines))


@functools.lru_cache(maxsize=64)
def _parse_text(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise InaccessibleSourceCodeError(f"its file no longer parses: {error}") from error


def _find_def(tree: ast.Module, code: types.CodeType) -> ast.FunctionDef:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == code.co_name:
            if _first_line(node) == code.co_firstlineno:
                raise InaccessibleSourceCodeError("async functions are not supported")
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if _first_line(node) == code.co_firstlineno and _arguments_match(node.args, code):
                return node
    raise InaccessibleSourceCodeError(
        "its definition was not found in its file; did the file change?"
    )


def _find_lambda(tree: ast.Module, code: types.CodeType) -> ast.Lambda:
    candidates = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and _arguments_match(node.args, code)
    ]
    if len(candidates) > 1:
        spans = {position for position in code.co_positions() if position[2] is not None}
        exact = [node for node in candidates if _span(node.body) in spans]
        candidates = exact[-1:] if len({ast.dump(node) for node in exact}) == 1 else exact
    if len(candidates) != 1:
        raise InaccessibleSourceCodeError(
            "its source could not be distinguished from other lambdas on the line"
        )
    return candidates[0]


def _span(node: ast.expr) -> tuple[int, int | None, int, int | None]:
    return (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


def _arguments_match(args: ast.arguments, code: types.CodeType) -> bool:
    named = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return len(named) == code.co_argcount + code.co_kwonlyargcount and all(
        variable == name or variable.endswith(name)  # private names are mangled
        for variable, name in zip(code.co_varnames, named, strict=False)
    )


def _class_name(qualname: str) -> str | None:
    """Return the class whose body a function is written in, also within other functions, or None."""
    scopes = qualname.split(".")[:-1]
    while scopes and scopes[-1] == "<locals>":  # of the function whose name precedes
        scopes = scopes[:-2]
    return scopes[-1] if scopes and scopes[-1].isidentifier() else None


def contains_yield(node: FunctionNode) -> bool:
    """True if `node` is a generator function (nested functions do not count)."""
    body = node.body if isinstance(node, ast.FunctionDef) else [node.body]
    pending: list[ast.AST] = list(body)
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(item))
    return False
