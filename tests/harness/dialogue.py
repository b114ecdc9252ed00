"""A dialogue with the debugger that is written down beforehand."""

import io
from typing import Any


class Dialogue:
    """Commands for the debugger, and what it says.

    Args:
      *commands: lines, as one would type them.
    """

    def __init__(self, *commands: str) -> None:
        self.stdin = io.StringIO("".join(f"{command}\n" for command in commands))
        self.stdout = io.StringIO()
        self.seen: list[Any] = []

    @property
    def answers(self) -> list[str]:
        """What was said before the first command, and after each."""
        return [part.strip() for part in self.stdout.getvalue().split("(penstock) ")]

    @property
    def is_finished(self) -> bool:
        """True if all commands were read."""
        return not self.stdin.read()
