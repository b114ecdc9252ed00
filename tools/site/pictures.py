"""Draws the pictures on the site's pages, from what the programs on these pages compute.

python -m tools.site.pictures [--chromium PROGRAM]

Curves are SVG files written here; the picture of explain's page is taken by Chromium.
"""

import argparse
import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from tests.docs import blocks

PICTURES = blocks.DOCS / "pictures"
COLORS = ("#0b7285", "#f08c00", "#5f3dc4", "#2b8a3e")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 56, 130, 28, 44


def main() -> None:
    """Draws all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chromium", default="chromium", help="the program that takes pictures")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tour = run("tour.md")
        history = tour["history"].history
        curves(PICTURES / "tour_training.svg", history, "epoch")
        tour["report"].save("explain.html")
        photograph(options.chromium, pathlib.Path("explain.html"), PICTURES / "explain.png")
        run("guides/performance.md")
        photograph(options.chromium, pathlib.Path("step.html"), PICTURES / "train_step.png", "k1")
        tuned = run("guides/training.md")["stopped"].history
        shown = {"training": tuned["loss"], "validation": tuned["val_loss"]}
        curves(PICTURES / "early_stopping.svg", shown, "epoch", "loss")


def run(page: str) -> dict[str, Any]:
    """Returns the variables of a page's program after it has run."""
    from tests.docs import child

    found = blocks.blocks(blocks.text_of(page))
    name, variables = child.program(page, found), {"__name__": "__main__"}
    for block in found:
        if block.language == "python" and not block.title:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile("\n" * (block.line - 1) + block.code, name, "exec"), variables)
    return variables


def curves(path: pathlib.Path, lines: Mapping[str, Sequence[float]], x: str, y: str = "") -> None:
    """Writes a line chart, whose y axis begins at 0.

    Args:
      path: the SVG file.
      lines: the values of each line, whose name stands at its end.
      x, y: what the axes show.
    """
    longest = max(map(len, lines.values()))
    top = max(max(values) for values in lines.values()) * 1.05
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(step: int, value: float) -> tuple[float, float]:
        across = LEFT + wide * step / max(longest - 1, 1)
        return round(across, 1), round(TOP + high * (1 - value / top), 1)

    parts = []
    for tick in range(5):
        value = top * tick / 4
        _, row = place(0, value)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + wide}" y1="{row}" y2="{row}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{row + 4}" text-anchor="end">{value:.2f}</text>')
    for step in range(0, longest, max(1, longest // 10)):
        column, _ = place(step, 0)
        parts.append(f'<text x="{column}" y="{HEIGHT - 24}" text-anchor="middle">{step + 1}</text>')
    parts.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 6}" text-anchor="middle">{x}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 12}">{y}</text>')
    ends = _apart([place(0, values[-1])[1] for values in lines.values()])
    for (name, values), color, end in zip(lines.items(), COLORS, ends):
        points = " ".join(f"{a},{b}" for a, b in (place(i, v) for i, v in enumerate(values)))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        column, _ = place(len(values) - 1, 0)
        label = f"{name} {values[-1]:.2f}"
        parts.append(f'<text x="{column + 8}" y="{end + 4}" fill="{color}">{label}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    head += f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    path.write_text("\n".join([head, *parts, "</svg>\n"]), encoding="utf-8")


def _apart(rows: Sequence[float]) -> list[float]:
    """Returns rows for labels, moved so that none covers another."""
    placed: dict[int, float] = {}
    last = -16.0
    for index in sorted(range(len(rows)), key=lambda i: rows[i]):
        last = placed[index] = max(rows[index], last + 16)
    return [placed[index] for index in range(len(rows))]


def photograph(chromium: str, page: pathlib.Path, picture: pathlib.Path, clicked: str = "") -> None:
    """Takes a picture of an HTML file, after a click on the element of an id, if one is given."""
    if clicked:
        click = f"<script>document.getElementById({clicked!r}).click()</script></body>"
        page.write_text(page.read_text("utf-8").replace("</body>", click), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = ["--window-size=1280,640", "--virtual-time-budget=3000", f"--screenshot={picture}"]
    subprocess.run(
        [chromium, *flags, *size, page.resolve().as_uri()], check=True, capture_output=True
    )


if __name__ == "__main__":
    main()
