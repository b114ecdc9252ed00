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
    "vision/fine_tuning": Bound("accuracy", (0.72, 1.0), None, "fine_tuning.png"),
    "vision/detection": Bound("mAP", (0.75, 1.0), None, "detection.jpg"),
    "vision/segmentation": Bound("IoU", (0.5, 1.0), None, "segmentation.png"),
    "vision/style_transfer": Bound("style", (0.0, 0.5), None, "style_transfer.jpg"),
    "vision/super_resolution": Bound("gain", (0.4, 3.0), None, "super_resolution.jpg"),
    "vision/gan": Bound("read", (0.75, 1.0), None, "gan.png"),
    "vision/vae": Bound("read", (0.85, 1.0), (0.1, 1.0), "vae.png"),
    "vision/diffusion": Bound("read", (0.8, 1.0), None, "diffusion.png"),
    "vision/weights": Bound("difference", (0.0, 1e-4)),
    "vision/hub": Bound("accuracy", (0.8, 1.0)),
    "text/spam": Bound("accuracy", (0.975, 1.0), picture="spam.svg"),
    "text/entities": Bound("f1", (0.97, 1.0)),
    "text/translation": Bound("exact", (0.95, 1.0)),
    "text/generation": Bound("bits", (1.8, 2.4)),
    "text/language_model": Bound("loss", (0.0, 0.3)),
    "text/sentences": Bound("difference", (0.0, 2e-6)),
    "sound/speech_commands": Bound("accuracy", (0.92, 1.0), picture="speech_commands.png"),
    "tables/demand": Bound("error", (0.1, 0.23), picture="demand.svg"),
    "tables/maintenance": Bound("error", (5.0, 14.0), (5.0, 30.0), "maintenance.svg"),
    "tables/recommendation": Bound("found", (0.18, 0.4)),
    "tables/sensors": Bound("recall", (0.85, 1.0), picture="sensors.svg"),
    "learning/cart_pole": Bound("reward", (450, 500), (100, 500)),
    "learning/radon": Bound("floor", (0.6, 0.74), picture="radon.svg"),
    "learning/molecules": Bound("error", (0.8, 1.35)),
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
