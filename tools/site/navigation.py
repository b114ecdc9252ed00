"""The navigation of the site, as mkdocs.yml has it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def named(nav: Any) -> Iterator[str]:
    """Yields the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for held in nav.values():
            yield from named(held)
    else:
        for held in nav or ():
            yield from named(held)


def add_rest(nav: list[dict[str, Any]], docs: Path, section: str) -> None:
    """Adds the pages of a folder that a navigation does not name to the end of a section, by their titles."""
    there = set(named(nav))
    (pages,) = (held[section] for held in nav if section in held)
    for path in sorted(docs.rglob("*.md")):
        page = path.relative_to(docs).as_posix()
        if page not in there:
            title = re.search(r"^# (.+)", path.read_text(encoding="utf-8"), re.MULTILINE)
            pages.append({title[1] if title else path.stem: page})
