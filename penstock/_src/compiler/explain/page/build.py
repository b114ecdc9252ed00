"""An Explanation as HTML."""

import itertools
import json
from collections.abc import Callable, Collection, Iterator
from html import escape
from pathlib import Path

from penstock._src.compiler.explain.page.elements import Elements, elements_of
from penstock._src.compiler.explain.page.layout import HEIGHT, WIDTH, drawing
from penstock._src.compiler.explain.records import Explanation, SourceLine
from penstock._src.compiler.explain.text import duration, kernel_lines, text_of, total_seconds

HERE = Path(__file__).parent
CONTEXT = 2  # lines of source around those that are linked
MOST_OPERATIONS = 1500  # that notebooks show one by one
LETTERS = 18  # most letters of an operation's name in its box
TIMELINE = 1200, 34  # size of the drawing


def page(known: Explanation, columns: Collection[str] | None = None) -> str:
    """The page, with some columns or all: it needs nothing from outside."""
    columns = COLUMNS if columns is None else columns
    elements = elements_of(known)
    links = json.dumps(
        {name: " ".join(sorted(others)) for name, others in _links(elements, columns)}
    )
    measured = "as measured" if known.timeline else "by work; explain(..., time=True) measures"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(known.name)}</title>',
            f"<style>{(HERE / 'page.css').read_text()}</style></head><body>",
            f"<header><h1>{escape(known.name)}</h1><p>{escape(_summary(known, columns))}</p></header>",
            "<main>",
            *itertools.chain(*(_column(name, COLUMNS[name](elements, known)) for name in columns)),
            "</main>",
            f"<footer><h2>Launches, {measured}</h2>{_timeline(elements)}",
            f"<details><summary>Report</summary><pre>{escape(text_of(known))}</pre></details></footer>",
            f'<script type="application/json" id="links">{links}</script>',
            f"<script>{(HERE / 'page.js').read_text()}</script></body></html>",
        ]
    )


def _links(elements: Elements, columns: Collection[str]) -> Iterator[tuple[str, set[str]]]:
    """The links between elements of the page; operations are kept, as they relate the others."""
    for name, others in sorted(elements.links.items()):
        if "primitives" in columns:
            yield name, others
        elif name[0] != "p":
            yield name, {other for other in others if other[0] != "p"}


def _summary(known: Explanation, columns: Collection[str]) -> str:
    words = [f"{len(known.operations)} operations", f"{len(known.kernels)} kernels"]
    if known.limits is not None:
        words += [duration(total_seconds(known)), str(known.limits)]
    parts = [", ".join(words), "Click anything to see what belongs to it; Escape lets go."]
    left = [name for name in COLUMNS if name not in columns]
    if left:
        parts.append(f"The page that save(path) writes has the {' and '.join(left)} as well.")
    return ". ".join([parts[0], " ".join(parts[1:])])


def _column(name: str, lines: Iterator[str]) -> Iterator[str]:
    yield f'<section id="{name}"><h2>{name.capitalize()}</h2><div class="scroll">'
    yield from lines
    yield "</div></section>"


def _sources(elements: Elements, _: Explanation) -> Iterator[str]:
    """The files' lines that something comes from, with some lines around them."""
    ids = {line: name for name, line in elements.sources.items()}
    for file in sorted({line.file for line in ids}):
        yield f"<h3>{escape(file)}</h3>"
        linked = sorted(line.line for line in ids if line.file == file)
        shown = {n + d for n in linked for d in range(-CONTEXT, CONTEXT + 1)}
        before = 0
        for number in sorted(n for n in shown if n > 0):
            line = SourceLine(file, number)
            if number != before + 1 and before:
                yield '<div class="gap"></div>'
            before = number
            text = f"<i>{number}</i>{escape(line.text)}"
            name = ids.get(line)
            yield f'<pre id="{name}" class="item">{text}</pre>' if name else f"<pre>{text}</pre>"


def _graph(elements: Elements, _: Explanation) -> Iterator[str]:
    """The operations, drawn; each has the color of its first kernel."""
    reads: dict[str, list[str]] = {}
    for name, op in elements.operations.items():
        inputs = [elements.id_of(tensor.op) for tensor in op._inputs]
        reads[name] = [other for other in inputs if other is not None and other in reads]
    drawn = drawing(reads)
    yield (
        f'<svg width="{drawn.width}" height="{drawn.height + 2}" '
        f'viewBox="-1 -1 {drawn.width + 2} {drawn.height + 2}">'
    )
    for start, end in drawn.edges:
        (x, y), (u, v) = drawn.places[start], drawn.places[end]
        x, y, u = x + WIDTH // 2, y + HEIGHT, u + WIDTH // 2
        middle = (y + v) // 2
        yield f'<path d="M{x} {y}C{x} {middle} {u} {middle} {u} {v}" data-from="{start}" data-to="{end}"/>'
    for name, (x, y) in drawn.places.items():
        op = elements.operations[name]
        linked = sorted(elements.links.get(name, ()), key=lambda i: (len(i), i))
        kernels = [other for other in linked if other[0] == "k"]
        on_host = any(other[0] == "h" for other in linked)
        kind = "item host" if on_host else "item" if kernels else "item none"
        style = f' style="--kernel:{_hue(kernels[0])}"' if kernels else ""
        short = op.type if len(op.type) <= LETTERS else op.type[: LETTERS - 1] + "…"
        yield (
            f'<g id="{name}" class="{kind}"{style} transform="translate({x},{y})">'
            f"<title>{escape(str(op))}</title>"
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
            f'<text x="{WIDTH // 2}" y="16">{escape(short)}</text></g>'
        )
    yield "</svg>"


def _primitives(elements: Elements, _: Explanation) -> Iterator[str]:
    for _, lines in elements.programs:
        for name, text in lines:
            mark = f' id="{name}" class="item"' if name else ""
            yield f"<pre{mark}>{escape(text)}</pre>"


def _kernels(elements: Elements, known: Explanation) -> Iterator[str]:
    total = total_seconds(known)
    for name, kernel in elements.kernels.items():
        first, *rest = kernel_lines(kernel, known.limits, total)
        label = escape(" ".join(first.split()))
        body = escape("\n".join(line.strip() for line in rest))
        yield (
            f'<div id="{name}" class="item kernel" style="--kernel:{_hue(name)}">'
            f"<b>{label}</b><pre>{body}</pre></div>"
        )
    if elements.host:
        yield "<h3>On the host</h3>"
    for name, record in elements.host.items():
        op = record.operation
        yield (
            f'<div id="{name}" class="item kernel host"><b>{escape(op.type)} {escape(op.name)}</b>'
            f"<pre>{escape(record.why)}</pre></div>"
        )


def _timeline(elements: Elements) -> str:
    width, height = TIMELINE
    end = max((piece.end for piece in elements.launches.values()), default=1)
    parts = [f'<svg id="timeline" viewBox="0 0 {width} {height}" preserveAspectRatio="none">']
    for name, piece in elements.launches.items():
        x, length = piece.start / end * width, (piece.end - piece.start) / end * width
        color = f' style="--kernel:{_hue(f"k{piece.kernel}")}"' if piece.kernel else ""
        kind = "item" if piece.kernel else "item host"
        parts.append(
            f'<g id="{name}" class="{kind}"{color}><title>{escape(piece.name)}</title>'
            f'<rect x="{x:.2f}" width="{max(length, 0.5):.2f}" height="{height}"/></g>'
        )
    return "".join([*parts, "</svg>"])


def _hue(kernel: str) -> int:
    """A color for a kernel, far from those of its neighbors."""
    return int(kernel[1:]) * 137 % 360


# Column -> function that creates its lines.
COLUMNS: dict[str, Callable[[Elements, Explanation], Iterator[str]]] = {
    "source": _sources,
    "operations": _graph,
    "primitives": _primitives,
    "kernels": _kernels,
}
SHORT = "source", "kernels"


def frame(known: Explanation) -> str:
    """The page embedded in another page, as notebooks show and save it; a short form if the page has megabytes."""
    columns = COLUMNS if len(known.operations) <= MOST_OPERATIONS else SHORT
    return (
        '<iframe style="width:100%;height:720px;border:1px solid #8888" '
        f'srcdoc="{escape(page(known, columns), quote=True)}"></iframe>'
    )
