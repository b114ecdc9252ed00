"""The programs on a page: its blocks of code and what it shows of their output.

The `python` blocks of a page are one program: each goes on where the one before ended. An `output` block behind one shows all that it prints; one with a
title ("For example") shows what is another in each run, and is not compared. A Python block with a title (` ```python title="train.py" `) is a file. Commands of `console` blocks that begin with `$ penstock` run in the folder of these files.
In shown output, `...` stands for anything.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w+)(?: title=\"(.+?)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Pages whose code is tested elsewhere.
ELSEWHERE = {"adding.md": "tests/layout/test_adding.py", "custom_ops.md": "tests/api"}


@dataclass(frozen=True)
class Block:
    """A block of code.

    Args:
      language: what stands behind the opening fence.
      line: the number of its first line on the page.
      code: its text.
      title: the name of the file that it is, or None.
      output: what the page shows of its output, or None if it shows nothing.
    """

    language: str
    line: int
    code: str
    title: str | None
    output: str | None


def pages() -> list[str]:
    """Returns the names of the pages with code to run, below docs/."""
    found = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    return [name for name in found if name not in ELSEWHERE and blocks(text_of(name))]


def text_of(page: str) -> str:
    """Returns the text of a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """Returns the Python and console blocks of a text with the output shown behind them."""
    found = list(_FENCE.finditer(text))
    out = []
    for index, match in enumerate(found):
        after = found[index + 1] if index + 1 < len(found) else None
        language, title, code = match.groups()
        if language not in ("python", "console"):
            continue
        shown = None
        is_next = after and not text[match.end() : after.start()].strip()
        if is_next and after[1] == "output" and not after[2]:
            shown = after[3]
        line = text.count("\n", 0, match.start(3)) + 1
        out.append(Block(language, line, code, title, shown))
    return out


def commands(code: str) -> list[tuple[str, str]]:
    """Returns (command, shown output) for each `$ penstock ...` of a console block."""
    parts = re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]
    found = [part.partition("\n") for part in parts]
    return [(command, shown) for command, _, shown in found if command.startswith("penstock ")]
