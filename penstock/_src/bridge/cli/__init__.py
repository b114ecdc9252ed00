"""The command `penstock`: a file or folder for each of its commands.

In: the command line. Out: text, and an exit status: 0 for success, 1 for what was found (`audit`, `doctor`, `verify`), 2 for a refusal
in one line. Read `commands.py` first: the table of commands. A command has `main(arguments)`, parses with `arguments.Parser`, which answers
`--help`, raises `Refused` where it cannot go on, and loads what it needs itself, so that `penstock --help` is quick.
"""

from penstock._src.bridge.cli.commands import main

__all__ = ["main"]
