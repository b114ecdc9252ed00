"""Draws docs/speed.svg and writes the table of speed in README.md, from the raw figures in docs/performance/.

python bench/headline.py
"""

import json
import re
import sys
from pathlib import Path

from report import COLORS, best, number, write

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "performance"
PICTURE = ROOT / "docs" / "speed.svg"
README = ROOT / "README.md"
BACKENDS = {"penstock": "Penstock", "tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
# Suite, case, figure, how it reads, whether lower is better.
ROWS = (
    ("training", "resnet50", "train_per_s", "ResNet-50, training, images/s", False),
    ("training", "mobilenet", "train_per_s", "MobileNet, training, images/s", False),
    ("training", "bert_base", "train_per_s", "BERT-base, training, sequences/s", False),
    ("training", "gpt2_small", "train_per_s", "GPT-2 small, training, sequences/s", False),
    ("training", "resnet50", "predict_per_s", "ResNet-50, predict, images/s", False),
    ("training", "mobilenet", "predict_per_s", "MobileNet, predict, images/s", False),
    ("training", "bert_base", "predict_per_s", "BERT-base, predict, sequences/s", False),
    ("training", "gpt2_small", "predict_per_s", "GPT-2 small, predict, sequences/s", False),
    ("generation", "gpt2_small", "tokens_per_s", "GPT-2 small, generating, tokens/s", False),
    ("latency", "keras", "train_on_batch", "Small network, a step, µs", True),
    ("training", "resnet50", "first_s", "ResNet-50, first step, s", True),
)
# Bars longer than this are cut, with their number beside them.
MOST = 4.0
LEFT, WIDTH, THICK, GAP, TOP = 250, 420, 13, 12, 58


def measured():
    """Returns [(how the row reads, lower is better, figure by backend)], and the machine's description."""
    suites = {name: json.loads((FIGURES / f"{name}.json").read_text()) for name, *_ in ROWS}
    rows = []
    is_mixed = False
    for suite, case, figure, title, lower in ROWS:
        row = suites[suite]["results"][case]
        is_earlier = case in suites[suite].get("earlier", {})
        title, is_mixed = title + " *" * is_earlier, is_mixed or is_earlier
        figures = {b: best(row[b], figure, lower) for b in BACKENDS if b in row}
        rows.append((title, lower, {b: v for b, v in figures.items() if v is not None}))
    where = suites["training"]["machine"]
    note = "; *: of an earlier run, see docs/performance.md" if is_mixed else ""
    return rows, f"{where['processor']}, {where['cores']} cores, {where['date']}{note}"


def picture(rows, where):
    """Returns the SVG: a group of bars for each row, as multiples of TensorFlow's speed."""
    parts, y = [], TOP
    for title, lower, figures in rows:
        middle = y + THICK * len(figures) / 2 + 4
        parts.append(f'<text x="{LEFT - 10}" y="{middle:.0f}" text-anchor="end">{title}</text>')
        for backend, value in figures.items():
            theirs = figures["tensorflow"]
            share = theirs / value if lower else value / theirs
            length = min(share, MOST) / MOST * WIDTH
            shown = number(value) + (f" ({share:.1f} times)" if share > MOST else "")
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{THICK - 2}" '
                f'fill="{COLORS[backend]}"/><text x="{LEFT + length + 5:.1f}" y="{y + 10}" '
                f'font-size="11">{shown}</text>'
            )
            y += THICK
        y += GAP
    line = LEFT + WIDTH / MOST
    height = y + 8
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="10" y="20" font-size="15">Speed, as multiples of TensorFlow\'s: longer bars are '
        f"faster ({where})</text>",
    ]
    for i, (backend, name) in enumerate(BACKENDS.items()):
        x = LEFT + 110 * i
        head.append(
            f'<rect x="{x}" y="32" width="12" height="12" fill="{COLORS[backend]}"/>'
            f'<text x="{x + 17}" y="43">{name}</text>'
        )
    rule = f'<path d="M{line:.1f} {TOP - 6}V{y}" stroke="#212529" stroke-dasharray="3 3"/>'
    return "\n".join([*head, rule, *parts, "</svg>"]) + "\n"


def table(rows, where):
    """Returns the figures as a table in Markdown."""
    lines = [
        f"| {where} | {' | '.join(BACKENDS.values())} |",
        "|---|" + "---:|" * len(BACKENDS),
    ]
    for title, lower, figures in rows:
        top = (min if lower else max)(figures.values())
        cells = []
        for backend in BACKENDS:
            value = figures.get(backend)
            cells.append(f"**{number(value)}**" if value == top else number(value))
        lines.append(f"| {title}{' (lower is better)' if lower else ''} | {' | '.join(cells)} |")
    return "\n".join(lines)


def readme(text, rows, where):
    """Returns README.md with the table between its marks."""
    begin, end = "<!-- speed -->\n", "<!-- /speed -->"
    found = re.search(f"(?s){begin}.*?{end}", text)
    return text[: found.start()] + begin + table(rows, where) + "\n" + end + text[found.end() :]


def main():
    """Writes the picture and the table."""
    rows, where = measured()
    write(PICTURE, picture(rows, where))
    write(README, readme(README.read_text(), rows, where))


if __name__ == "__main__":
    sys.exit(main())
