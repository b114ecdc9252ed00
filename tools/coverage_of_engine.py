"""Prints how many lines of each package of the engine the tests run, and which they do not.

python tools/coverage_of_engine.py [--missing ir compiler]

The data are those of `coverage run` (`make coverage`), combined.
"""

import argparse
import collections
from pathlib import Path

import coverage

SRC = Path(__file__).resolve().parents[1] / "penstock" / "_src"


def main() -> None:
    """Prints the table, and the missing lines of some packages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--missing", nargs="*", default=[], help="packages whose lines are shown")
    shown = parser.parse_args().missing
    measured = coverage.Coverage()
    measured.combine(keep=True)
    lines: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    folders = [Path(folder).resolve() for folder in measured.get_option("run:source")]
    for path in sorted(file for folder in folders for file in folder.rglob("*.py")):
        name = path.relative_to(SRC)
        _, statements, _, missing, text = measured.analysis2(str(path))
        package = lines[name.parts[0]]
        package[0] += len(statements)
        package[1] += len(statements) - len(missing)
        if missing and name.parts[0] in shown:
            print(f"{name}: {text}")
    lines["together"] = [sum(each) for each in zip(*lines.values())]
    for package, (known, run) in lines.items():
        print(f"{package:12} {known:7} lines {100 * run / max(1, known):6.1f} %")


if __name__ == "__main__":
    main()
