"""Random programs for some minutes. See the package's docstring."""

import argparse
import sys

from tests.fuzz.programs.hunting import add_options, hunt

WORKER = "tests.fuzz.programs.worker"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument(
        "--ways", nargs="+", default=[], help="of oracles.py; 'gpu' is the emulated one"
    )
    options = parser.parse_args()
    if options.seed is not None:
        show(options)
    elif hunt("make fuzz", WORKER, options, count, options.ways):
        sys.exit(1)


def count(report):
    return {
        "programs": bool(report["steps"]),
        "steps": report["steps"],
        "calls": report.get("calls", 0),
        "beside TensorFlow": "tensorflow" in report.get("ways", ()),
    }


def show(options):
    import penstock as tf
    from tests.fuzz.programs import oracles, worker
    from tests.fuzz.programs.drawing import draw
    from tests.fuzz.programs.program import render

    with oracles.eagerly(tf):
        program = draw(tf, options.seed)
    for p in program.parameters:
        print(f"{p.name}: {p.dtype} {p.shapes} known as {p.known}")
    print(render(program))
    report = worker.run(options.seed, ways=options.ways or list(oracles.WAYS))
    for find in report["finds"]:
        print(f"# {find['way']}: {find['kind']}: {find['what']}\n{find['text']}")


main()
