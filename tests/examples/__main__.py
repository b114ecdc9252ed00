"""Runs the examples of what TensorFlow is for, in full, and prints their results and times.

python -m tests.examples [--tensorflow PYTHON] [--quick] [--page] [NAME...]

Each runs on one core. Times are seconds of the processor, with imports and compilation. With
`--page` they go into the table of docs/examples/index.md, and pictures into docs/pictures/examples.
"""

import argparse

from .running import ROOT, run
from .table import BOUNDS, PAGE, data_of, rows, with_rows

PICTURES = ROOT / "docs" / "pictures" / "examples"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tensorflow", metavar="PYTHON", help="an interpreter with TensorFlow")
    parser.add_argument("--quick", action="store_true", help="short runs")
    parser.add_argument("--page", action="store_true", help="write the table and the pictures")
    parser.add_argument("names", nargs="*", help="such as vision/classification")
    options = parser.parse_args()
    if options.page and options.quick:
        parser.error("--page takes results of full runs")
    names = options.names or list(BOUNDS)
    passed = sum(example(name, options) for name in names)
    print(f"{passed} of {len(names)} examples")
    return int(passed < len(names))


def example(name: str, options: argparse.Namespace) -> bool:
    """Runs an example, prints its line of the table, and returns whether its result is good."""
    bound = BOUNDS[name]
    low, high = (bound.quick or (float("-inf"), float("inf"))) if options.quick else bound.full
    flags = ["--quick"] if options.quick else []
    drawn = ["--picture", str(PICTURES / bound.picture)] if options.page and bound.picture else []
    try:
        ran = run(name, *flags, *drawn, timeout=1800)
        good = low <= ran.value(bound.measure) <= high
        there = (
            run(name, *flags, tensorflow=options.tensorflow, timeout=1800)
            if options.tensorflow
            else None
        )
    except (RuntimeError, ValueError) as error:
        print(f"{name}: {error}", flush=True)
        return False
    times = f"{ran.seconds:.0f} s" + (f", TensorFlow {there.seconds:.0f} s" if there else "")
    print(f"{name:28} {'ok  ' if good else 'POOR'} {ran.result}; {times}", flush=True)
    if there:
        print(f"{'':33} {there.result} (TensorFlow)", flush=True)
    if options.page:
        page = PAGE.read_text("utf-8")
        other = f"{there.seconds:.0f} s" if there else rows(page).get(name, ["not measured"])[-1]
        cells = [data_of(name), ran.result, f"{ran.seconds:.0f} s", other]
        PAGE.write_text(with_rows(page, {name: cells}), encoding="utf-8")
    return good


if __name__ == "__main__":
    raise SystemExit(main())
