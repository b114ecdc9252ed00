"""The sections of docs/platforms.md that the tools of this folder write."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "platforms.md"


def write_section(name: str, text: str) -> None:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    page = PAGE.read_text()
    found = re.search(f"(?s){re.escape(begin)}.*?{re.escape(end)}", page)
    if not found:
        raise ValueError(f"{PAGE}: expected a section {begin.strip()} ... {end}.")
    PAGE.write_text(page[: found.start()] + begin + text + "\n" + end + page[found.end() :])
