"""Parsing of command lines: errors in one line, and commands that take a program with options of its own."""

from __future__ import annotations

import argparse
import difflib
import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from penstock._src.bridge.cli.examples import text_of


class Refused(Exception):
    """A command cannot be run; the message is one line, and the status 2."""


def refused(error: Exception) -> Refused:
    """The refusal of a command that an error ended, in words without the numbers of the system's errors."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return Refused(f"{error.filename}: {error.strerror}.")
    return Refused(getattr(error, "message", None) or str(error))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, `penstock COMMAND: ...`."""

    def __init__(self, prog: str, description: str | None = None, **more: Any) -> None:
        super().__init__(
            prog,
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=text_of(prog.removeprefix("penstock ")),
            **more,
        )
        self._given: list[str] = []

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses; see `argparse`. The arguments are kept for what `error` suggests."""
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Refuses the command line, with the option that an unknown one resembles.

        Raises:
          Refused: always.
        """
        raise Refused(f"{message}.{self._suggestion()} `{self.prog} --help` says what it takes.")

    def _suggestion(self) -> str:
        known = list(_options(self))
        for word in itertools.takewhile(lambda word: word != "--", self._given):
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                close = difflib.get_close_matches(option, known, 1)
                if close:
                    return f" Did you mean `{close[0]}` by {option}?"
        return ""


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options of a parser and of its commands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)


def parse_with_program(
    parser: Parser, arguments: Sequence[str], expected: str = "a script, or -m and a module"
) -> tuple[argparse.Namespace, list[str]]:
    """Returns the command's own options, wherever they stand, and the program with its arguments.

    The program is the first argument that is not an option of the command, or `-m` and a module. What follows it belongs to it, but for options that the
    command knows; all that follows `--` belongs to it.

    Args:
      parser: of the command's options, without the program.
      arguments: what follows the command's name.
      expected: the program in words, for the error if there is none.

    Returns:
      (options, program): the parsed options, and a list that begins with a script or with `-m`.

    Raises:
      Refused: an option before the program is unknown, or one lacks its value.
    """
    options = {text: action for action in parser._actions for text in action.option_strings}
    own: list[str] = []
    program: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            program += rest
            break
        action = options.get(word.partition("=")[0])
        if action is not None:
            own.append(word)
            if action.nargs is None and "=" not in word and rest:
                own.append(rest.pop(0))
        elif program or word == "-m" or not word.startswith("-"):
            program.append(word)
            if word == "-m" and len(program) == 1 and rest:
                program.append(rest.pop(0))
        else:
            parser._given = [word]
            parser.error(f"unknown option {word} before the program")
    parsed = parser.parse_args(own)
    if not program or program == ["-m"]:
        parser.error(f"expected {expected}")
    return parsed, program
