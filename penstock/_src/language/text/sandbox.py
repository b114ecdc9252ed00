"""The sandbox in which templates of conversations run: jinja2's, with limits on loop iterations and on the sizes of values.

A template comes with a model's file. Jinja2's own sandbox protects Python's internals, but allows nested loops, and texts that double again and
again.
"""

from __future__ import annotations

import functools
import importlib
import re
import threading
from collections.abc import Iterable, Sized
from typing import Any

MOST_ROUNDS = 1_000_000  # total of all loops of a prompt
MOST_SIZE = 1 << 24  # characters of a text, elements of a list
MOST_BITS = 1 << 16  # size of an integer
_WIDE = re.compile(r"\d{6,}|\*")  # the width of a formatted value


def environment() -> Any:
    """Returns a new environment of jinja2 for one template.

    Raises:
      ModuleNotFoundError: jinja2 is not installed.
    """
    return _bounded()(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])


@functools.cache
def _bounded() -> Any:
    """The class of environments: jinja2 is imported when a template is first used."""
    sandbox = importlib.import_module("jinja2.sandbox")
    nodes = importlib.import_module("jinja2.nodes")

    class Bounded(sandbox.ImmutableSandboxedEnvironment):  # type: ignore[misc, name-defined]
        intercepted_binops = frozenset({"+", "*", "**", "%"})

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._rounds = threading.local()
            self.filters |= {"_counted": self._counted, "_joined": _joined}

        def begin(self) -> None:
            """Starts to count the rounds of a prompt of this thread."""
            self._rounds.left = MOST_ROUNDS

        def _parse(self, source: str, name: Any, filename: Any) -> Any:
            """The template's tree, with counted loops and with limits on strings joined by `~`."""
            tree = super()._parse(source, name, filename)
            for loop in tree.find_all(nodes.For):
                loop.iter = nodes.Filter(
                    loop.iter, "_counted", [], [], None, None, lineno=loop.lineno
                )
            return _without_concat(tree, nodes)

        def _counted(self, values: Iterable[Any]) -> list[Any]:
            taken = []
            for value in values:
                self._rounds.left -= 1
                if self._rounds.left < 0:
                    raise ValueError(f"loops take more than {MOST_ROUNDS} rounds")
                taken.append(value)
            return taken

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _check_operands(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(self, context: Any, what: Any, /, *arguments: Any, **options: Any) -> Any:
            _check_arguments(what, arguments)
            return super().call(context, what, *arguments, **options)

        def wrap_str_format(self, value: Any) -> Any:
            if getattr(value, "__name__", "").startswith("format"):
                text = getattr(value, "__self__", None)
                if isinstance(text, str) and _WIDE.search(text):
                    raise ValueError("a formatted value is too wide")
            return super().wrap_str_format(value)

    return Bounded


def _check_operands(operator: str, left: Any, right: Any) -> None:
    """Raises ValueError if the result of an operator would be too large."""
    if operator in ("**", "*") and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else _bits(left, right)
        if bits > MOST_BITS:
            raise ValueError(f"a number has more than {MOST_BITS} bits")
    if operator == "%" and isinstance(left, str) and _WIDE.search(left):
        raise ValueError("a formatted value is too wide")
    if operator == "*" and (isinstance(left, Sized) or isinstance(right, Sized)):
        sized, times = (left, right) if isinstance(left, Sized) else (right, left)
        if isinstance(times, int):
            _check(len(sized) * times)
    if operator == "+" and isinstance(left, Sized) and isinstance(right, Sized):
        _check(len(left) + len(right))


def _check_arguments(what: Any, arguments: Iterable[Any]) -> None:
    """Raises ValueError for large numbers that a method of strings takes as widths or counts: center, ljust, replace ..."""
    if isinstance(getattr(what, "__self__", None), str):
        for each in arguments:
            if isinstance(each, int):
                _check(each)


def _without_concat(tree: Any, nodes: Any) -> Any:
    """A tree in which `a ~ b` is a filter of `[a, b]`."""
    visitor = importlib.import_module("jinja2.visitor")

    class Transformer(visitor.NodeTransformer):  # type: ignore[misc, name-defined]
        def visit_Concat(self, node: Any) -> Any:
            self.generic_visit(node)
            parts = nodes.List(node.nodes, lineno=node.lineno)
            return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)

    return Transformer().visit(tree)


def _joined(parts: list[Any]) -> str:
    texts = [str(part) for part in parts]
    _check(sum(map(len, texts)))
    return "".join(texts)


def _bits(left: int, right: int) -> int:
    return left.bit_length() + right.bit_length()


def _check(size: int) -> None:
    if size > MOST_SIZE:
        raise ValueError(f"a value has more than {MOST_SIZE} elements")
