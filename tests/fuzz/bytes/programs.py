"""Programs in Python from bytes, which AutoGraph converts: as a function they give what they give as Python, or refuse."""

import linecache
from collections.abc import Callable, Iterator
from typing import Any

import penstock as tf

# What AutoGraph documents for programs that it cannot convert, and what Python raises for such programs.
ERRORS = (ValueError, TypeError, NotImplementedError, NameError, SyntaxError, ArithmeticError)
DEPTH = 3


class Choices:
    """Choices that bytes make; the first of each once there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def of(self, options: Any) -> Any:
        """One of the options."""
        return options[next(self._data, 0) % len(options)]


def source_of(data: bytes) -> str:
    """A function `program(a, b)` of two integer tensors."""
    choices = Choices(data)
    lines = ["def program(a, b):", "    c, steps = a + b, 0"]
    lines += ["    " + line for line in _block(choices, DEPTH, False)]
    return "\n".join([*lines, "    return a, b, c", ""])


def _value(choices: Choices, depth: int = 2) -> str:
    if not depth:
        return choices.of(["a", "b", "c", "1", "2", "-3"])
    form = choices.of(["{0}", "{0} + {1}", "{0} - {1}", "{0} * {1}", "({0} if {2} else {1})", "abs({0})", "min({0}, {1})", "-{0}"])  # fmt: skip
    first, second = (_value(choices, depth - 1) for _ in range(2))
    return form.format(first, second, _condition(choices, depth - 1))


def _condition(choices: Choices, depth: int = 1) -> str:
    simple = f"{choices.of('abc')} {choices.of(['<', '>', '==', '!=', '<=', '>='])} {choices.of(['a', 'b', '0', '2'])}"
    if not depth:
        return simple
    form = choices.of(["{0}", "not {0}", "{0} and {1}", "{0} or {1}"])
    return form.format(simple, _condition(choices, 0))


def _block(choices: Choices, depth: int, in_loop: bool) -> list[str]:
    lines: list[str] = []
    for _ in range(1 + choices.of(range(3))):
        lines += _statement(choices, depth, in_loop)
    return lines


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _statement(choices: Choices, depth: int, in_loop: bool) -> Iterator[str]:
    kind = choices.of(["set", "if", "while", "for", "augment", "leave", "function", "list", "try", "with"] if depth else ["set", "augment"])  # fmt: skip
    name = choices.of("abc")
    if kind == "set":
        yield f"{name} = {_value(choices)}"
    elif kind == "augment":
        yield f"{name} {choices.of(['+=', '-=', '*='])} {_value(choices, 1)}"
    elif kind == "if":
        yield f"if {_condition(choices)}:"
        yield from _indented(_block(choices, depth - 1, in_loop))
        if choices.of([False, True]):
            yield "else:"
            yield from _indented(_block(choices, depth - 1, in_loop))
    elif kind == "while":
        yield "steps = 0"
        yield f"while {_condition(choices)} and steps < 5:"
        yield from _indented(["steps += 1", *_block(choices, depth - 1, True)])
    elif kind == "for":
        yield f"for {choices.of(['i', 'a'])} in {choices.of(['range(3)', 'tf.range(3)', 'tf.range(b % 5)', '[1, 2]'])}:"
        yield from _indented(_block(choices, depth - 1, True))
    elif kind == "leave":
        yield f"if {_condition(choices)}:"
        yield from _indented([choices.of(["break", "continue"]) if in_loop else "return c, a, b"])
    elif kind == "function":
        yield f"c = (lambda x, y=b: {_value(choices).replace('a', 'x') if choices.of([0, 1]) else 'x * y'})(a)"
    elif kind == "list":
        yield f"c = sum([x * 2 for x in [a, b, c]{choices.of(['', ' if True'])}])"
    elif kind == "try":
        yield "try:"
        yield from _indented(_block(choices, depth - 1, in_loop))
        yield "finally:"
        yield f"    {name} = {_value(choices, 1)}"
    else:
        yield "with tf.name_scope('s'):"
        yield from _indented(_block(choices, depth - 1, in_loop))


def _made(source: str) -> Callable[..., Any]:
    """The program as a function whose source can be looked up."""
    file = f"<program {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    names: dict[str, Any] = {"tf": tf}
    exec(compile(source, file, "exec"), names)
    return names["program"]


def compared(data: bytes) -> Any:
    """Runs a program as Python and as a function.

    Raises:
      AssertionError: they give different results.
    """
    program = _made(source_of(data[:400]))
    traced = tf.function(program)
    for a, b in ((1, 2), (0, -3)):
        given = tf.constant(a), tf.constant(b)
        found = [int(v) for v in traced(*given)]
        expected = [
            (int(v) + 2**31) % 2**32 - 2**31 for v in program(*given)
        ]  # constants may be longer than int32
        assert found == expected, (
            f"{found} instead of {expected} for {a, b}:\n{source_of(data[:400])}"
        )
    return found
