"""Writes the tables of docs/libraries.md from the records in `tests/ecosystem/strangers`.

python tools/gen_libraries.py            writes them
python tools/gen_libraries.py --check    fails if the page does not have what would be written
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.ecosystem import strangers  # noqa: E402

PAGE = ROOT / "docs" / "libraries.md"
START, END = "<!-- written by tools/gen_libraries.py -->", "<!-- end -->"
RESULTS = {
    "equal": "equal numbers",
    "runs": "runs",
    "stops": "stops",
}


def main() -> int:
    """Writes or checks the page; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args()
    found = PAGE.read_text(encoding="utf-8")
    text = page(found, strangers.records())
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
    elif text != found:
        print(
            "docs/libraries.md is stale: run python tools/gen_libraries.py",
            file=sys.stderr,
        )
        return 1
    return 0


def page(found: str, libraries: list[strangers.Library]) -> str:
    """Returns a page with the tables of libraries where it has the marks.

    Raises:
      ValueError: the page has no marks.
    """
    before, start, rest = found.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"The page lacks {START} or {END}.")
    return f"{before}{START}\n\n{tables(libraries)}\n\n{END}{after}"


def tables(libraries: list[strangers.Library]) -> str:
    """Returns the tables: libraries that run or stop here alone, then those that stop on TensorFlow 2.21 as well."""
    decided = [each for each in libraries if not each.tensorflow]
    equal = sum(each.result == "equal" for each in decided)
    running = sum(each.result != "stops" for each in decided)
    lines = [
        f"{running} of {len(decided)} libraries run, {equal} of them with numbers that were compared with those of TensorFlow 2.21 from the same seeds.",
        "",
        "| library | tried | here | date | how it is installed, after `penstock enable` |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_titled(each)} | {_tried(each)} | {RESULTS[each.result]} | {each.date} | {each.install} |"
        for each in decided
    ]
    stopping = [each for each in libraries if each.tensorflow]
    if stopping:
        lines += ["", "These stop on TensorFlow 2.21 as well, at the same place:", ""]
        lines += ["| library | tried | why it stops | date |", "|---|---|---|---|"]
        lines += [
            f"| {_titled(each)} | {_tried(each)} | {each.tensorflow} | {each.date} |"
            for each in stopping
        ]
    return "\n".join(lines)


def _titled(library: strangers.Library) -> str:
    return f"{library.name} {library.version}".rstrip()


def _tried(library: strangers.Library) -> str:
    """The test that was run, the variable that it ran under and its examples."""
    parts = [library.ran]
    if library.example:
        parts.append(", ".join(f"`{name}`" for name in re.split(r",\s*", library.example)))
    if library.keras2:
        parts.append("under `TF_USE_LEGACY_KERAS=1`")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
