"""Regular expressions over strings, in RE2's syntax; the work is linear in the text (re2/)."""

import functools
import operator
from collections.abc import Callable

import numpy as np

from penstock._src.core.calls.facts import Elements
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import data, each, text
from penstock._src.ops.strings.re2.expression import Expression, expression
from penstock._src.ops.strings.re2.parsing import Cat, Chars, PatternError, Repeat


def compiled(op_type, pattern):
    """The expression of a pattern.

    Raises:
      InvalidArgumentError: it cannot be parsed.
    """
    shown = text(pattern)
    try:
        if not shown.isprintable() and any("\ud800" <= c <= "\udfff" for c in shown):
            raise PatternError("invalid UTF-8")
        return expression(shown)
    except PatternError as error:
        message = f"{op_type}: Invalid pattern: {shown}, error: {error}"
        raise InvalidArgumentError(message) from None


@functools.lru_cache(maxsize=1024)
def _pieces(op_type, rewrite):
    """A rewrite of RE2's (\\0 to \\9) as texts and numbers of groups."""
    pieces, held, at = [], "", 0
    while at < len(rewrite):
        letter, following = rewrite[at], rewrite[at + 1 : at + 2]
        at += 1
        if letter != "\\":
            held += letter
        elif following.isdigit():
            pieces += [held, int(following)]
            held, at = "", at + 1
        elif following == "\\":
            held, at = held + "\\", at + 1
        elif following:
            raise InvalidArgumentError(f"{op_type}: Invalid rewrite pattern: {rewrite}")
    return (*pieces, held)


def _rewriting(pieces):
    """The function from a text and the spans of a match to the replacement."""

    def rewrite(source, spans):
        return "".join(
            piece if isinstance(piece, str) else source[spans[2 * piece] : spans[2 * piece + 1]]
            for piece in pieces
        )

    return rewrite


def _template(pieces):
    """The pieces as a template of Python's `re`."""
    return "".join(
        piece.replace("\\", "\\\\") if isinstance(piece, str) else f"\\g<{piece}>"
        for piece in pieces
    )


@functools.lru_cache(maxsize=1024)
def _characters(found: Expression, rewrite):
    """The arguments of bytes.translate that replace a class of ASCII characters; None for any other expression.

    Classes with `+` count if what they match is removed.
    """
    node = found.tree
    while isinstance(node, Cat) and len(node.parts) == 1:
        (node,) = node.parts
    if isinstance(node, Repeat) and not rewrite and (node.least, node.most) == (1, None):
        node = node.part
    if not isinstance(node, Chars) or len(rewrite) > 1 or node.ranges and node.ranges[-1][1] > 127:
        return None
    codes = bytes(code for low, high in node.ranges for code in range(low, high + 1))
    if not rewrite:
        return None, codes
    return bytes.maketrans(codes, rewrite * len(codes)), b""


def _longest(strings):
    return max(map(len, strings.tolist()), default=0)


def _replaced(op, input, pattern, rewrite, everywhere):
    matcher, pieces = compiled(op.op_type, pattern), _pieces(op.op_type, text(rewrite))
    if max([piece for piece in pieces if isinstance(piece, int)], default=0) > matcher.groups:
        return input
    characters = _characters(matcher, rewrite) if everywhere and b"\\" not in rewrite else None
    if characters:
        return each(operator.methodcaller("translate", *characters), input)
    instead, template = _rewriting(pieces), _template(pieces)
    results = input.reshape(-1).copy()
    at = _candidates(matcher, results)
    quick = matcher.ascii_substitution(template, _longest(results[at])) if everywhere else None

    def new(element):
        if quick is not None and element.isascii():
            return data(quick(element.decode()))
        source = text(element)
        replaced = matcher.substituted(source, template) if everywhere else None
        return data(matcher.replaced(source, instead, everywhere) if replaced is None else replaced)

    results[at] = each(new, results[at])
    return results.reshape(input.shape)


def _candidates(matcher, strings):
    """The index of the strings that contain what every match does: looking for it is several times as fast as matching."""
    literal = matcher.literal
    if not literal:
        return slice(None)
    return np.flatnonzero([literal in string for string in strings.tolist()])


class RegexReplace(Op):
    """Strings with matches of a pattern replaced."""

    signature = "input: string, pattern: string, rewrite: string -> output: string[input]"
    ranks = {"pattern": (0,), "rewrite": (0,)}
    replace_global: bool = True
    differentiable = False
    elements = Elements(is_elementwise=True)

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
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        pattern, rewrite = data(self.pattern), data(self.rewrite)
        return _replaced(self, input, pattern, rewrite, self.replace_global)


def _matches(op, input, pattern):
    known = compiled(op.op_type, pattern)
    flat, matches = input.reshape(-1), np.zeros(input.size, bool)
    at = _candidates(known, flat)
    chosen = flat[at]
    quick = known.ascii_matcher(_longest(chosen))

    def answer(string):
        if quick is not None and string.isascii():
            return quick(string.decode()) is not None
        return known.matches(text(string))

    answers = _Answers(answer)
    matches[at] = np.fromiter(map(answers.__getitem__, chosen.tolist()), bool, chosen.size)
    return matches.reshape(input.shape)


class _Answers(dict):
    """A cached function of strings: words of texts repeat."""

    def __init__(self, function: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, string: bytes) -> bool:
        answer = self[string] = self._function(string)
        return answer


class RegexFullMatch(Op):
    """True for each string that matches a pattern as a whole."""

    signature = "input: string, pattern: string -> output: bool[input]"
    ranks = {"pattern": (0,)}
    elements = Elements(is_elementwise=True)

    def eager(self, input, pattern):
        if pattern.ndim:
            raise self.invalid(f"Pattern must be scalar, but received {show(pattern.shape)}")
        return _matches(self, input, pattern.item())


class StaticRegexFullMatch(Op):
    """True for each string that matches a fixed pattern as a whole."""

    signature = "input: string -> output: bool[input]"
    pattern: str
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        return _matches(self, input, data(self.pattern))
