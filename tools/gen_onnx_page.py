"""Runs all of the ONNX standard's own tests and writes the tables of docs/onnx.md: what is read, by operator, and what is written.

python tools/gen_onnx_page.py            writes them (a minute; `make onnx`)
python tools/gen_onnx_page.py --only X   runs the tests whose names contain X, and writes nothing
"""

import argparse
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "onnx.md"
sys.path.insert(0, str(ROOT))
START, END = "<!-- written by tools/gen_onnx_page.py -->", "<!-- end -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of tests")
    parsed = parser.parse_args()
    passed, failed = _run(parsed.only)
    total = sum(passed.values())
    count = total + len(failed)
    print(f"{total} of {count}")
    for name, _, why in failed:
        print(f"  {name}: {why}")
    if not parsed.only:
        text = PAGE.read_text()
        pattern = re.compile(f"{re.escape(START)}.*{re.escape(END)}", re.DOTALL)
        PAGE.write_text(pattern.sub(lambda _: _tables(passed, failed), text))
    return 0


def _run(only):
    """{operator: how many of its tests pass}, and (name, operator, reason) of those that do not."""
    from tests.formats.onnx import standard

    passed, failed = collections.Counter(), []
    for case in standard.cases():
        if only not in case.name:
            continue
        operator = _tested(case)
        try:
            standard.run(case)
            passed[operator] += 1
        except Exception as error:  # the page says of every failure what it was
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            failed.append((case.name, operator, lines[0] if lines else type(error).__name__))
    return passed, failed


def _tested(case):
    """The operator that a test is about: its only node, or that whose body it has expanded."""
    nodes = case.proto.graph.node
    if len(nodes) == 1:
        return nodes[0].op_type
    return "functions as graphs" if "expanded" in case.name else "models"


def _tables(passed, failed):
    from penstock._src.formats.onnx.writing.writer import WRITERS, load_writers

    total, bad = sum(passed.values()), collections.Counter(o for _, o, _ in failed)
    lines = [START, "", f"{total:,} of {total + len(failed):,} tests pass.", ""]
    lines += ["| operator | pass | of |", "|---|---:|---:|"]
    for operator in sorted({*passed, *bad}, key=str.lower):
        lines.append(f"| {operator} | {passed[operator]} | {passed[operator] + bad[operator]} |")
    lines += ["", "Those that fail:", "", "| test | why |", "|---|---|"]
    lines += [f"| `{name}` | {_short(why)} |" for name, _, why in failed]
    load_writers()
    names = ", ".join(f"`{name}`" for name in sorted(WRITERS, key=str.lower))
    lines += ["", "## Raw ops that are written", "", f"{len(WRITERS)}: {names}.", "", END]
    return "\n".join(lines)


def _short(why):
    text = " ".join(why.split()).replace("|", "\\|")
    return text if len(text) < 150 else text[:147] + "..."


if __name__ == "__main__":
    sys.exit(main())
