"""The code blocks of README.md: programs to save, and lines to type."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
# "Save this as `first.py`:", then a program; or a block of lines for the shell.
BLOCK = re.compile(
    r"(?ms)(?:Save this as `(?P<file>[\w.]+)`:\n\n)?^```(?P<kind>sh|python)\n(?P<text>.*?)^```$"
)


@dataclass(frozen=True)
class Step:
    """A program to save as `file`, or a line to type."""

    text: str
    file: str | None = None


def steps(page: str) -> list[Step]:
    """Returns what the page tells its reader to do, in order.

    Args:
      page: Markdown. Blocks of other languages, and of none, are not steps.

    Raises:
      ValueError: the page does not say the name of a program.
    """
    found = []
    for block in BLOCK.finditer(page):
        if block["kind"] == "python":
            if not block["file"]:
                raise ValueError(
                    f"expected `Save this as ...` before the program {block['text']!r}"
                )
            found.append(Step(block["text"], block["file"]))
        else:
            found += [Step(line) for line in block["text"].splitlines()]
    return found
