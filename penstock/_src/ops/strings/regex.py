"""Regular expressions over strings, in the part of RE2's syntax that Python's `re` shares."""

import functools
import operator
import re
from re import _constants, _parser

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import data, each, text

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7F", "blank": "\\t ",
    "cntrl": "\\x00-\\x1F\\x7F", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": "!-/:-@[-`{-~", "space": "\\t\\n\\v\\f\\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_PROPERTIES = {
    "L": "^\\W\\d_", "Lu": "A-Z", "Ll": "a-z", "N": "\\d", "Nd": "\\d", "P": "!-#%-*,-/:;?@\\[-\\]_{}",
    "Z": "\\s", "Zs": " \\u00a0\\u2000-\\u200a\\u3000",
}  # fmt: skip


@functools.lru_cache(maxsize=1024)
def compiled(op_type, pattern):
    """The compiled pattern.

    Raises:
      InvalidArgumentError: it cannot be parsed.
    """
    source = re.sub(r"\[:(\^?)(\w+):\]", lambda m: _POSIX.get(m[2], m[0]), text(pattern))
    source = re.sub(
        r"\\p(?:\{(\w+)\}|(\w))", lambda m: f"[{_PROPERTIES.get(m[1] or m[2], m[0])}]", source
    )
    source = source.replace("\\z", "\\Z").replace("\\C", "(?s:.)")
    source = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda m: re.escape(m[1]), source)
    try:
        return re.compile(source, re.ASCII)
    except re.error as error:
        raise InvalidArgumentError(
            f"{op_type}: Invalid pattern: {text(pattern)}, error: {error}"
        ) from None


def _template(op, rewrite):
    """A rewrite of RE2 (\\0 to \\9) as one of Python."""
    shown = text(rewrite)

    def piece(match):
        escaped = match[1]
        if escaped == "\\":
            return "\\\\"
        if escaped.isdigit():
            return f"\\g<{escaped}>"
        raise op.invalid(f"Invalid rewrite pattern: {shown}")

    return re.sub(r"\\(.)", piece, shown)


def _is_ascii(item):
    """Whether a part of a class of characters, as Python parses it, matches ASCII characters only."""
    kind, value = item
    if kind is _constants.LITERAL:
        return value < 128
    if kind is _constants.RANGE:
        return value[1] < 128
    return kind is _constants.CATEGORY and "_NOT_" not in str(value)


@functools.lru_cache(maxsize=1024)
def _characters(expression, rewrite):
    """The bytes that a class of ASCII characters matches, and the table to replace them; None for any other expression.

    Classes with `+` count if what they match is removed.
    """
    parsed = list(_parser.parse(expression.pattern, re.ASCII))
    if len(rewrite) > 1 or b"\\" in rewrite or len(parsed) != 1:
        return None
    kind, value = parsed[0]
    if kind is _constants.MAX_REPEAT and not rewrite and value[:2] == (1, _constants.MAXREPEAT):
        ((kind, value),) = value[2] if len(value[2]) == 1 else ((None, None),)
    if kind is not _constants.IN or not all(map(_is_ascii, value)):
        return None
    found = bytes(code for code in range(128) if expression.fullmatch(chr(code)))
    if not rewrite:
        return None, found
    return bytes.maketrans(found, rewrite * len(found)), b""


def _replaced(op, input, pattern, rewrite, everywhere):
    expression, template = compiled(op.op_type, pattern), _template(op, rewrite)
    characters = _characters(expression, rewrite) if everywhere else None
    if characters:
        return each(operator.methodcaller("translate", *characters), input)
    if expression.groups < max([int(n) for n in re.findall(r"\\g<(\d)>", template)], default=0):
        return input
    count = 0 if everywhere else 1
    return each(lambda s: data(expression.sub(template, text(s), count=count)), input)


class RegexReplace(Op):
    """Strings with matches of a pattern replaced."""

    signature = "input: string, pattern: string, rewrite: string -> output: string[input]"
    replace_global: bool = True
    differentiable = False
    is_elementwise = True

    def eager(self, input, pattern, rewrite):
        if pattern.ndim:
            raise self.invalid(f"Pattern must be scalar, but received {show(pattern.shape)}")
        if rewrite.ndim:
            raise self.invalid(f"Rewrite must be scalar, but received {show(rewrite.shape)}")
        return _replaced(self, input, pattern.item(), rewrite.item(), self.replace_global)


class StaticRegexReplace(Op):
    """Strings with matches of a fixed pattern replaced."""

    signature = "input: string -> output: string[input]"
    pattern: str
    rewrite: str
    replace_global: bool = True
    is_elementwise = True

    def eager(self, input):
        pattern, rewrite = data(self.pattern), data(self.rewrite)
        return _replaced(self, input, pattern, rewrite, self.replace_global)


def _matches(op, input, pattern):
    expression = compiled(op.op_type, pattern)
    found = [expression.fullmatch(text(s)) is not None for s in input.reshape(-1)]
    return np.array(found, bool).reshape(input.shape)


class RegexFullMatch(Op):
    """Whether each string matches a pattern as a whole."""

    signature = "input: string, pattern: string -> output: bool[input]"
    is_elementwise = True

    def eager(self, input, pattern):
        if pattern.ndim:
            raise self.invalid(f"Pattern must be scalar, but received {show(pattern.shape)}")
        return _matches(self, input, pattern.item())


class StaticRegexFullMatch(Op):
    """Whether each string matches a fixed pattern as a whole."""

    signature = "input: string -> output: bool[input]"
    pattern: str
    is_elementwise = True

    def eager(self, input):
        return _matches(self, input, data(self.pattern))
