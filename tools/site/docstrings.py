"""Docstrings as Markdown: sections become lists, examples become code."""

import re
from collections.abc import Callable, Iterator

SECTIONS = {
    "Args": "Arguments",
    "Arguments": "Arguments",
    "Attributes": "Attributes",
    "Raises": "Raises",
    "Returns": "Returns",
    "Yields": "Yields",
}
_HEADING = re.compile(rf"({'|'.join(SECTIONS)}):$")
# `name: text` or `name, other: text` at the beginning of an item; names may have stars, dots and spaces after commas.
_ITEM = re.compile(r"([\w.*`]+(?:, [\w.*`]+)*): +(.*)", re.DOTALL)
_NAME = re.compile(r"`tf\.([\w.]+)(\(\))?`")


def summary(text: str) -> str:
    """Returns the first sentence of a docstring, or its first line."""
    first = text.strip().partition("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", first, maxsplit=1)[0]


def markdown(text: str, link: Callable[[str], str | None]) -> str:
    """Returns a cleaned docstring as Markdown.

    Args:
      text: the docstring, without common indentation.
      link: returns the address of a public name (without `tf.`), or None.
    """
    parts = []
    for kind, lines in _parts(text.splitlines()):
        if kind == "example":
            parts.append("```pycon\n" + "\n".join(lines) + "\n```")
        elif kind == "text":
            parts.append(_prose(lines, link))
        else:
            parts.append(f"**{SECTIONS[kind]}**\n\n{_section(kind, lines, link)}")
    return "\n\n".join(part for part in parts if part.strip())


def inline(text: str, link: Callable[[str], str | None]) -> str:
    """Returns a line of prose as Markdown: what looks like markup is escaped outside of code, and known names are links."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(_code(p, link) if p.startswith("`") else _escaped(p) for p in pieces)


def _parts(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields (kind, lines): "text", "example", or the name of a section with its lines dedented."""
    kind, held = "text", []
    for line in lines:
        heading = _HEADING.match(line)
        if heading:
            yield kind, held
            kind, held = heading[1], []
        elif kind == "example":
            if line.strip():
                held.append(line)
            else:
                yield kind, held
                kind, held = "text", []
        elif line.startswith(">>> "):
            yield kind, held
            kind, held = "example", [line]
        elif kind != "text" and line.strip() and not line.startswith(" "):
            yield kind, held
            kind, held = "text", [line]
        else:
            held.append(line)
    yield kind, held


def _section(kind: str, lines: list[str], link: Callable[[str], str | None]) -> str:
    if not any(lines):
        return ""
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    lines = [line[indent:] for line in lines]
    items: list[str] = []
    for line in lines:
        goes_on = items and items[-1].endswith(",") and ": " not in items[-1]
        if items and (goes_on or line.startswith(" ") or not line.strip()):
            items[-1] += " " + line.strip()
        elif line.strip():
            items.append(line.strip())
    found = [_ITEM.fullmatch(item.strip()) for item in items]
    if kind in ("Returns", "Yields") or not all(found):
        return _prose([line.strip() for line in lines], link)
    return "\n".join(f"- `{m[1].replace('`', '')}`: {inline(m[2], link)}" for m in found if m)


def _prose(lines: list[str], link: Callable[[str], str | None]) -> str:
    out: list[str] = []
    for line in lines:
        is_item = line.startswith("- ")
        if is_item and out and out[-1].strip() and not out[-1].startswith(("- ", "  ")):
            out.append("")
        # Indented lines below text are code, those of an item its continuation.
        is_code = line.startswith("    ") and not any(o.startswith("- ") for o in out[-4:])
        out.append(line if is_code else inline(line, link))
    return "\n".join(out).strip("\n")


def _code(text: str, link: Callable[[str], str | None]) -> str:
    name = _NAME.fullmatch(text)
    address = link(name[1]) if name else None
    return f"[{text}]({address})" if address else text


def _escaped(text: str) -> str:
    return re.sub(r"([*<\[\]_|])", r"\\\1", text)
