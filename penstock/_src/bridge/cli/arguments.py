"""Parsing of command lines: errors in one line, and commands that take a program with options of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn


class Refused(Exception):
    """A command cannot be run; the message is one line, and the status 2."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, `penstock COMMAND: ...`."""

    def __init__(self, prog: str, description: str | None = None, **more: Any) -> None:
        super().__init__(
            prog,
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **more,
        )

    def error(self, message: str) -> NoReturn:
        """Refuses the command line.

        Raises:
          Refused: always.
        """
        raise Refused(f"{message}. `{self.prog} --help` says what it takes.")


def parse_with_program(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Returns the command's own options, wherever they stand, and the program with its arguments.

    The program is the first argument that is not an option of the command, or `-m` and a module. What follows it belongs to it, but for options that the
    command knows; all that follows `--` belongs to it.

    Args:
      parser: of the command's options, without the program.
      arguments: what follows the command's name.

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
            parser.error(f"unknown option {word} before the program")
    parsed = parser.parse_args(own)
    if not program or program == ["-m"]:
        parser.error("expected a script, or -m and a module")
    return parsed, program
