"""Writes docs/performance.md: tables and plots of run.py's measurements."""

import importlib
import json
import math

HEAD = """# Performance

Written by `make bench` from the raw figures in `docs/performance/`. Every ratio comes from a single run: the backends took turns
on the same machine, each measurement had its own process, and the best of the rounds counts. Bold: Penstock is level or ahead. A
ratio above 1 means that Penstock is better than the best of the others, whether lower or higher is better.
"""
LEVEL = 0.995  # the least ratio that shows as 1.00
COLORS = {
    "penstock": "#0b7285", "tensorflow": "#f08c00", "jax": "#5f3dc4", "jax-padded": "#9775fa", "torch": "#c92a2a",
    "onnxruntime": "#495057",
}  # fmt: skip


def write(path, content):
    """Writes a file atomically, through a temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_text(content)
    partial.replace(path)


def described(machine):
    """Returns one line about the machine and the day of a measurement."""
    where = f"{machine['processor']}, {machine['cores']} cores"
    return f"{where}; Python {machine['python']}; {machine['date']}"


def best(rounds, figure, lower):
    """Returns the best of the rounds, or None."""
    found = [figures[figure] for figures in rounds if figure in figures]
    return (min if lower else max)(found) if found else None


def ratios(row, figure, lower):
    """Returns (figures by backend, Penstock's ratio to the best of the others)."""
    figures = {backend: best(rounds, figure, lower) for backend, rounds in row.items()}
    ours = figures.get("penstock")
    peers = [v for b, v in figures.items() if b != "penstock" and v is not None]
    if ours is None or not peers:
        return figures, None
    return figures, (min(peers) / ours if lower else ours / max(peers))


def figures_of(results):
    """Returns the names of all figures, in order."""
    names = {}
    for row in results.values():
        for rounds in row.values():
            for figures in rounds:
                names.update(dict.fromkeys(k for k in figures if k != "error"))
    return list(names)


def number(value):
    """Returns a number of three or four digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def table(results, figure, lower):
    """Returns the lines of one figure's table, and the ratios by case."""
    backends = list(next(iter(results.values())))
    lines = [
        f"| {figure} | " + " | ".join(backends) + " | ratio |",
        "|---|" + "---:|" * (len(backends) + 1),
    ]
    found = {}
    for case, row in results.items():
        figures, ratio = ratios(row, figure, lower)
        if all(v is None for v in figures.values()):
            continue
        shown = " | ".join(number(figures[b]) for b in backends)
        text = "–" if ratio is None else f"**{ratio:.2f}**" if ratio >= LEVEL else f"{ratio:.2f}"
        lines.append(f"| {case} | {shown} | {text} |")
        if ratio is not None:
            found[case] = ratio
    return lines, found


def bars(results, figure, lower):
    """Returns an SVG of the ratios of all backends to the best peer, a group of bars for each case."""
    rows = []
    for case, row in results.items():
        figures, _ = ratios(row, figure, lower)
        peers = [v for b, v in figures.items() if b != "penstock" and v]
        if not peers:
            continue
        top = min(peers) if lower else max(peers)
        rows.append((case, {b: (top / v if lower else v / top) for b, v in figures.items() if v}))
    most = max((r for _, shares in rows for r in shares.values()), default=1)
    left, width, thick, parts, y = 170, 520, 9, [], 24
    scale = width / max(most, 1.0)
    for case, shares in rows:
        middle = y + thick * len(shares) / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{case}</text>')
        for backend, share in shares.items():
            fill = COLORS.get(backend, "#868e96")
            size = f'width="{share * scale:.1f}" height="{thick - 1}"'
            parts.append(f'<rect x="{left}" y="{y}" {size} fill="{fill}"/>')
            y += thick
        y += 10
    x = left + scale
    parts.append(f'<path d="M{x:.1f} 18V{y}" stroke="#212529" stroke-dasharray="3 3"/>')
    shown = dict.fromkeys(b for _, shares in rows for b in shares)
    for i, backend in enumerate(shown):
        fill = COLORS.get(backend, "#868e96")
        parts.append(f'<text x="{left + 110 * i}" y="12" fill="{fill}">{backend}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 20}" height="{y + 8}" '
    return head + 'font-family="sans-serif" font-size="12">\n' + "\n".join(parts) + "\n</svg>\n"


def behind(suite, results):
    """Returns a list of the rows where Penstock is behind in a figure, the last first; none unless the suite wants one (`LISTS_BEHIND`)."""
    if not getattr(suite, "LISTS_BEHIND", False):
        return []
    found = []
    for figure in figures_of(results):
        for case, row in results.items():
            ratio = ratios(row, figure, figure in suite.LOWER)[1]
            if ratio is not None and ratio < LEVEL:
                found.append((ratio, f"- {case}, {figure}: {ratio:.2f}"))
    if not found:
        return ["Below 1.0: none.", ""]
    return [f"Below 1.0, {len(found)}:", "", *[line for _, line in sorted(found)], ""]


def section(folder, name):
    """Returns the text of one suite."""
    suite = importlib.import_module(f"suites.{name}")
    content = json.loads((folder / f"{name}.json").read_text())
    results, where = content["results"], content["machine"]
    lines = [f"\n## {suite.TITLE}\n", suite.NOTE + "\n"]
    rounds = max(len(figures) for row in results.values() for figures in row.values())
    lines.append(f"{described(where)}; the best of {rounds}.\n")
    lines += [
        f"- {row} is of an earlier run: {of}." for row, of in content.get("earlier", {}).items()
    ]
    lines += [""] if content.get("earlier") else []
    for figure in figures_of(results):
        rows, found = table(results, figure, figure in suite.LOWER)
        lines += rows
        if len(found) > 1:
            lines.append(
                f"\nGeometric mean of the ratio: **{geometric_mean(found.values()):.2f}**.\n"
            )
        if len(found) > 2:
            picture = folder / f"{name}_{figure}.svg"
            write(picture, bars(results, figure, figure in suite.LOWER))
            lines.append(f"![{figure}](performance/{picture.name})\n")
        lines.append("")
    lines += behind(suite, results)
    failed = [
        f"- {case} on {backend}: {rounds[-1]['error']}"
        for case, row in results.items()
        for backend, rounds in row.items()
        if rounds and "error" in rounds[-1]
    ]
    if failed:
        lines += ["Not measured:", "", *failed, ""]
    return "\n".join(lines)


def page(folder, suites):
    """Returns the page for all measured suites."""
    return HEAD + "".join(section(folder, s) for s in suites if (folder / f"{s}.json").exists())
