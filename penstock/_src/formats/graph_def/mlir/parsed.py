"""Modules as text, taken apart: functions, and the operations in them, in MLIR's generic form without regions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.util.dataclass import dataclass

_RESULTS = re.compile(r"(%[\w$.-]+)(?::(\d+))? = ")
_VALUE = re.compile(r"(%[\w$.-]+)(#\d+)?")
_FUNCTION = re.compile(r"func\.func (private |public |nested )?@([\w$.-]+|\"[^\"]*\")")
_SYMBOL = re.compile(r"@([\w$.-]+|\"[^\"]*\")")
_BRACKETS = {"(": ")", "{": "}", "[": "]", "<": ">"}


@dataclass
class Operation:
    """An operation: its name, operands such as "%0#1", its attributes and types as text, and its results.

    Args:
      result: the name of its results, "" if it has none.
      count: how many results there are.
    """

    name: str
    operands: list[str]
    attributes: str
    types: str
    result: str
    count: int

    def text(self) -> str:
        """The operation as text."""
        bound = (
            f"{self.result}{f':{self.count}' if self.count > 1 else ''} = " if self.result else ""
        )
        if self.name == "return":
            return (
                f"return {', '.join(self.operands)} : {self.types}" if self.operands else "return"
            )
        return f'{bound}"{self.name}"({", ".join(self.operands)}){self.attributes} : {self.types}'


@dataclass
class Function:
    """A function: its line up to the bracket, its name, whether others than this module may call it, and its operations."""

    head: str
    name: str
    is_public: bool
    operations: list[Operation]

    def symbols(self) -> set[str]:
        """The names of functions that it mentions."""
        return {name for op in self.operations for name in _SYMBOL.findall(op.attributes)}


@dataclass
class Module:
    """A module: its first line up to the bracket, and its functions."""

    head: str
    functions: list[Function]

    def text(self) -> str:
        """The module as text."""
        lines = [f"{self.head} {{"]
        for function in self.functions:
            lines.append(f"  {function.head} {{")
            lines += (f"    {op.text()}" for op in function.operations)
            lines.append("  }")
        return "\n".join([*lines, "}", ""])


def parse(text: str) -> Module:
    """Returns a module; functions without one around them are a module, too, as MLIR reads them.

    Raises:
      InvalidArgumentError: it is not a module.
      UnimplementedError: it holds operations with regions, or in forms of their own.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("//")]
    if lines and _FUNCTION.match(lines[0]):
        lines = ["module {", *lines, "}"]
    elif len(lines) == 1 and (empty := re.fullmatch(r"(module\b.*\{) *\}", lines[0])):
        lines = [empty[1], "}"]
    if not lines or not re.match(r"module\b", lines[0]) or not lines[0].endswith("{"):
        raise InvalidArgumentError("run_pass_pipeline: the text does not begin with a module.")
    if lines[-1] != "}":
        raise InvalidArgumentError("run_pass_pipeline: the module has no end.")
    return Module(lines[0][:-1].rstrip(), list(_functions(lines[1:-1])))


def _functions(lines: list[str]) -> Iterator[Function]:
    rest = iter(lines)
    for line in rest:
        match = _FUNCTION.match(line)
        if match is None or not line.endswith("{"):
            raise UnimplementedError(
                f"run_pass_pipeline: a module holds functions with bodies; this line is none: {line}"
            )
        operations = []
        for inner in rest:
            if inner == "}":
                break
            operations.append(_operation(inner))
        else:
            raise InvalidArgumentError(f"run_pass_pipeline: the function {match[2]} has no end.")
        head = line[:-1].rstrip()
        yield Function(head, match[2], match[1] in (None, "public "), operations)


def _operation(line: str) -> Operation:
    bound = _RESULTS.match(line)
    result, count = (bound[1], int(bound[2] or 1)) if bound else ("", 0)
    rest = line[bound.end() :] if bound else line
    if re.match(r"(func\.)?return\b", rest) and not bound:
        _, _, values = rest.partition("return")
        operands, _, types = values.partition(" : ")
        return Operation("return", _values(operands), "", types, "", 0)
    name = re.match(r'"([\w.-]+)"\(', rest)
    if name is None or rest.endswith(("{", "({")):
        raise UnimplementedError(
            f"run_pass_pipeline: operations with regions or in forms of their own are not implemented: {line}"
        )
    end = closing(rest, name.end() - 1)
    attributes_end = end
    while rest[attributes_end:].startswith((" <{", " {")):
        attributes_end = closing(rest, attributes_end + 1)
    if not rest[attributes_end:].startswith(" : "):
        raise UnimplementedError(f"run_pass_pipeline: the operation is not understood: {line}")
    operands, types = rest[name.end() : end - 1], rest[attributes_end + 3 :]
    return Operation(name[1], _values(operands), rest[end:attributes_end], types, result, count)


def closing(text: str, start: int) -> int:
    """Returns the position after the bracket that closes the one at a position; strings may hold any.

    Raises:
      InvalidArgumentError: none does.
    """
    awaited, at, is_quoted = [_BRACKETS[text[start]]], start + 1, False
    while awaited and at < len(text):
        c = text[at]
        if is_quoted:
            at += c == "\\"
            is_quoted = c != '"'
        elif c == '"':
            is_quoted = True
        elif c == awaited[-1] and text[at - 1 : at + 1] != "->":
            awaited.pop()
        elif c in _BRACKETS:
            awaited.append(_BRACKETS[c])
        at += 1
    if awaited:
        raise InvalidArgumentError(f"run_pass_pipeline: a bracket is not closed: {text}")
    return at


def _values(text: str) -> list[str]:
    return [match[0] for match in _VALUE.finditer(text)]
