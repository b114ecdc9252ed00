"""The examples of what TensorFlow is for: what each must reach, and the table of them on the site."""

import ast
import re
from dataclasses import dataclass

from .running import EXAMPLES, ROOT

PAGE = ROOT / "docs" / "examples" / "index.md"
_HEAD = "| example | data | result | Penstock | TensorFlow |"
_ROW = re.compile(r"^\| \[[^\]]+\]\((\w+)\.md#([\w-]+)\) \|(.*)\|$", re.MULTILINE)


@dataclass(frozen=True)
class Bound:
    """What the result of an example must be.

    Args:
      measure: the name of a number in its last line.
      full: what the number must lie between.
      quick: the same of a run with `--quick`, or None if `make test` leaves the example out.
      picture: the file of its picture in docs/pictures/examples, or None if it draws none.
    """

    measure: str
    full: tuple[float, float]
    quick: tuple[float, float] | None = None
    picture: str | None = None


BOUNDS = {
    "vision/classification": Bound("accuracy", (0.985, 1.0), (0.7, 1.0), "classification.png"),
}


def data_of(name: str) -> str:
    """Returns the first sentence of an example's paragraph on its data."""
    docstring = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text("utf-8"))) or ""
    found = re.search(r"^Data: (.+?)(?:\.$|\. |\n\n)", docstring, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"The docstring of {name} has no paragraph 'Data: ...'")
    return " ".join(found[1].split())


def rows(page: str) -> dict[str, list[str]]:
    """Returns the cells of the page's table behind the first, by the names of the examples."""
    found = {}
    for folder, anchor, cells in _ROW.findall(page):
        found[f"{folder}/{anchor.replace('-', '_')}"] = [cell.strip() for cell in cells.split("|")]
    return found


def with_rows(page: str, new: dict[str, list[str]]) -> str:
    """Returns the page with rows replaced or added, in the order of `BOUNDS`."""
    held = {**rows(page), **new}
    lines = [_HEAD, "|---|---|---|---:|---:|"]
    for name in BOUNDS:
        if name in held:
            folder, _, stem = name.partition("/")
            link = f"[{stem.replace('_', ' ')}]({folder}.md#{stem.replace('_', '-')})"
            lines.append("| " + " | ".join([link, *held[name]]) + " |")
    before, _, rest = page.partition(_HEAD)
    after = re.sub(r"\A(?:\n\|.*)*", "", rest)
    return before + "\n".join(lines) + after
