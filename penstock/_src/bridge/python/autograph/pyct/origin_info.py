"""The origin of the nodes of a syntax tree: `tensorflow.python.autograph.pyct.origin_info`."""

from __future__ import annotations

import inspect
import io
import tokenize
from typing import Any, NamedTuple

import gast

from penstock._src.bridge.python.autograph.pyct import anno, ast_util, parser


class LineLocation(NamedTuple):
    """A line of a file."""

    filename: str
    lineno: int


class Location(NamedTuple):
    """A position in a file."""

    filename: str
    lineno: int
    col_offset: int

    @property
    def line_loc(self) -> LineLocation:
        """The line."""
        return LineLocation(self.filename, self.lineno)


class OriginInfo(NamedTuple):
    """The origin of a node: its position, the function around it, the line and its comment."""

    loc: Any
    function_name: str | None
    source_code_line: str | None
    comment: str | None

    def as_frame(self) -> tuple[Any, ...]:
        """Returns it in the form of a line of a traceback."""
        return self.loc.filename, self.loc.lineno, self.function_name, self.source_code_line


def create_source_map(nodes: Any, code: str, filepath: str) -> dict[LineLocation, OriginInfo]:
    """Returns the origin of each line of a source that was made of annotated trees.

    Args:
      nodes: a tree or several.
      code: their source.
      filepath: the file in which it stands.
    """
    written = parser.parse(code, single_node=False)
    source_map: dict[LineLocation, OriginInfo] = {}
    for before, after in ast_util.parallel_walk(nodes, written):
        origin = anno.getanno(before, anno.Basic.ORIGIN, None)
        line = getattr(after, "lineno", None)
        if origin is not None and line is not None:
            source_map.setdefault(LineLocation(filepath, line), origin)
    return source_map


class _Annotator(gast.NodeVisitor):
    def __init__(self, root: Any, source: str, path: str, line: int, column: int) -> None:
        self.path, self.column = path, column
        self.lines = source.split("\n")
        self.comments = _comments(source)
        first = min([root.lineno, *(d.lineno for d in getattr(root, "decorator_list", ()))])
        self.shift = line - first
        self.functions: list[str] = []

    def visit(self, node: Any) -> None:
        is_function = isinstance(node, gast.FunctionDef)
        if is_function:
            self.functions.append(node.name)
        if getattr(node, "lineno", None) is not None:
            place = Location(self.path, node.lineno + self.shift, node.col_offset + self.column)
            text = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else None
            function = self.functions[-1] if self.functions else None
            origin = OriginInfo(place, function, text, self.comments.get(node.lineno))
            anno.setanno(node, anno.Basic.ORIGIN, origin)
        self.generic_visit(node)
        if is_function:
            self.functions.pop()


def _comments(source: str) -> dict[int, str]:
    """{line: its comment}, as far as the text can be read."""
    comments: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, IndentationError, SyntaxError):  # the rest is another expression's
        pass
    return comments


def resolve(
    node: Any, source: str, context_filepath: str, context_lineno: int, context_col_offset: int
) -> None:
    """Annotates a tree with where its nodes were written.

    Args:
      node: the tree.
      source: its text.
      context_filepath: the file.
      context_lineno: the line of the file in which the text begins.
      context_col_offset: the indentation of the text in the file.
    """
    annotator = _Annotator(node, source, context_filepath, context_lineno, context_col_offset)
    annotator.visit(node)


def resolve_entity(node: Any, source: str, entity: Any) -> None:
    """Annotates the tree of a function with where its nodes were written."""
    lines, line = inspect.getsourcelines(entity)
    path = inspect.getsourcefile(entity) or "<unknown>"
    resolve(node, source, path, line, len(lines[0]) - len(lines[0].lstrip()))
