"""Regular expressions over strings, in RE2's syntax; the work is linear in the text (re2/)."""

from collections.abc import Callable

import numpy as np

from penstock._src.core.calls.facts import Elements
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.native.algorithms.texts.patterns import automata, captures
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import data, each, text
from penstock._src.ops.strings.re2.expression import Expression, expression
from penstock._src.ops.strings.re2.parsing import PatternError
from penstock._src.ops.strings.re2.rewriting import parsed


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


def _longest(strings):
    return max(map(len, strings.tolist()), default=0)


def _replaced(op, input, pattern, rewrite, everywhere):
    matcher, rewriting = compiled(op.op_type, pattern), parsed(rewrite)
    # RE2 replaces all matches by what stands before an invalid escape, but not a single one.
    if rewriting.most > matcher.groups or not (rewriting.is_valid or everywhere):
        return input
    flat = input.reshape(-1)
    automaton = matcher.automaton(False)
    program = matcher.program() if any(rewriting.groups) else captures.NO_PROGRAM
    if automaton is None or program is None:
        return searched(matcher, flat, rewriting, everywhere).reshape(input.shape)
    results, number_left = rewriting.native.replaced(flat, automaton, everywhere, program)
    if number_left:
        left = np.flatnonzero(np.equal(results, None))
        results[left] = searched(matcher, flat[left], rewriting, everywhere)
    return results.reshape(input.shape)


def searched(matcher: Expression, strings, rewriting, everywhere):
    """The new strings, for any pattern and rewrite."""
    results = strings.copy()
    at = _candidates(matcher, results)
    template = rewriting.template()
    quick = matcher.ascii_substitution(template, _longest(results[at])) if everywhere else None

    def new(element):
        if quick is not None and element.isascii():
            return data(quick(element.decode()))
        reader, source, encoding = matcher.reading(element)
        replaced = reader.substituted(source, template) if everywhere else None
        if replaced is None:
            replaced = reader.replaced(source, rewriting.function(encoding), everywhere)
        return replaced.encode(encoding, "surrogateescape")

    results[at] = each(new, results[at])
    return results


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
    automaton = known.automaton(True)
    if automaton is not None:
        return automata.matched(input.reshape(-1), automaton).reshape(input.shape)
    flat, matches = input.reshape(-1), np.zeros(input.size, bool)
    at = _candidates(known, flat)
    chosen = flat[at]
    quick = known.ascii_matcher(_longest(chosen))

    def answer(string):
        if quick is not None and string.isascii():
            return quick(string.decode()) is not None
        reader, source, _ = known.reading(string)
        return reader.matches(source)

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
