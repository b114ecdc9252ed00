"""Python source as syntax trees of `gast`, and back: `tensorflow.python.autograph.pyct.parser`."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Sequence
from typing import Any

import gast

from penstock._src.bridge.python.autograph.pyct import errors, inspect_utils


def dedent_block(code_string: str) -> str:
    """Returns source without the indentation of its first line; the lines of strings keep theirs."""
    lines = code_string.splitlines(keepends=True)
    inside_strings: set[int] = set()
    indent: int | None = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(code_string).readline):
            if token.type == tokenize.STRING or "STRING" in tokenize.tok_name[token.type]:
                inside_strings.update(range(token.start[0] + 1, token.end[0] + 1))
            is_code = token.type not in (
                tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
            )  # fmt: skip
            if indent is None and is_code:
                indent = token.start[1]
    except (tokenize.TokenError, IndentationError):  # the rest does not belong to the entity
        pass
    if not indent:
        return code_string
    return "".join(
        line if number in inside_strings else _without(line, indent)
        for number, line in enumerate(lines, 1)
    )


def _without(line: str, indent: int) -> str:
    spaces = len(line) - len(line.lstrip(" \t"))
    return line[min(spaces, indent) :]


def parse_entity(entity: Any, future_features: Sequence[str]) -> tuple[Any, str]:
    """Returns the tree and the source of a function, lambda or class.

    Args:
      entity: the object.
      future_features: what its module imports from `__future__`.

    Raises:
      ValueError: it has no source.
      UnsupportedLanguageElementError: its source is not found, or not a single one.
    """
    if inspect_utils.islambda(entity):
        return _parse_lambda(entity)
    try:
        source = inspect_utils.getimmediatesource(entity)
    except OSError as error:
        raise ValueError(
            f"Unable to locate the source code of {entity}. Note that functions defined in certain "
            f"environments, like the interactive Python shell, do not expose their source code. {error}"
        ) from error
    source = dedent_block(source)
    features = [name for name in future_features if name != "annotations"]
    preamble = [f"from __future__ import {name}" for name in features]
    tree = gast.parse("\n".join([*preamble, source]))
    ast.increment_lineno(tree, -len(preamble))
    nodes = tree.body[len(preamble) :]
    if len(nodes) != 1:
        raise errors.UnsupportedLanguageElementError(
            f"expected exactly one definition, got {len(nodes)} in:\n{source}"
        )
    return nodes[0], source


def _parse_lambda(function: Any) -> tuple[Any, str]:
    """Finds a lambda in its file by its first line and its parameters."""
    whole = "".join(inspect.findsource(function)[0])
    line = function.__code__.co_firstlineno
    parameters = list(inspect.signature(function).parameters)
    try:
        tree = ast.parse(whole)
    except SyntaxError as error:
        raise errors.UnsupportedLanguageElementError(
            f"Unable to parse the source code of {function}: {error}"
        ) from error
    lambdas = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == line
        and _parameter_names(node.args) == parameters
    ]
    segments = [ast.get_source_segment(whole, node) or "" for node in lambdas]
    if len(segments) == 1:
        return parse_expression(segments[0]), segments[0]
    said = "could not find it at this location"
    if segments:
        shown = "\n".join(f"Match {at}:\n{text}\n" for at, text in enumerate(segments))
        said = f"found multiple definitions with identical signatures at the location:\n{shown}"
    raise errors.UnsupportedLanguageElementError(
        f"Unable to identify source code of lambda function {function}. It was defined in line {line} of "
        f"{function.__code__.co_filename}: {said}\nTo avoid ambiguity, define each lambda in a separate "
        "expression."
    )


def _parameter_names(arguments: ast.arguments) -> list[str]:
    plain = [*arguments.posonlyargs, *arguments.args]
    names = [argument.arg for argument in plain]
    names += [arguments.vararg.arg] if arguments.vararg else []
    names += [argument.arg for argument in arguments.kwonlyargs]
    return names + ([arguments.kwarg.arg] if arguments.kwarg else [])


def parse(src: str, preamble_len: int = 0, single_node: bool = True) -> Any:
    """Returns the tree of a source: its only statement, or a list of statements.

    Args:
      src: the text.
      preamble_len: how many statements at the start are left out.
      single_node: whether there is exactly one.

    Raises:
      ValueError: there is another number of statements.
    """
    nodes = gast.parse(src).body[preamble_len:]
    if not single_node:
        return nodes
    if len(nodes) != 1:
        raise ValueError(f"expected exactly one node, found {len(nodes)} nodes in:\n{src}")
    return nodes[0]


def parse_expression(src: str) -> Any:
    """Returns the tree of an expression.

    Raises:
      ValueError: the source is something else.
    """
    node = parse(f"({textwrap.dedent(src).strip()}\n)")
    if not isinstance(node, gast.Expr):
        raise ValueError(f"expected exactly one node of type Expr, got {node}")
    return node.value


def unparse(node: Any, indentation: str | None = None, include_encoding_marker: bool = True) -> str:
    """Returns the source of a tree or several trees.

    Args:
      node: a tree of `gast` or `ast`, or a list of them.
      indentation: that of blocks; four spaces by default.
      include_encoding_marker: whether a comment at the start says that the text is in UTF-8.
    """
    nodes = node if isinstance(node, list | tuple) else [node]
    codes = ["# coding=utf-8"] if include_encoding_marker else []
    for part in nodes:
        plain = gast.gast_to_ast(part) if type(part).__module__.startswith("gast") else part
        codes.append(ast.unparse(ast.fix_missing_locations(plain)))
    del indentation  # four spaces are as good
    return "\n".join(codes)
