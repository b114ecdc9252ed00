"""`penstock diff`: where two recorded runs part."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.bridge.cli.arguments import Parser, Refused, refused

if TYPE_CHECKING:
    from penstock._src.observe.recordings.files import RecordedRun
    from penstock._src.observe.recordings.parting import Report

RECORDER = pathlib.Path(__file__).with_name("operations_recorder.py")
DESCRIPTION = """Names the inputs of two recorded runs that differ and the first operation whose values differ, by how much, and its line. Runs of Penstock that
`tf.debugging.recording` has written are repeated. Those of TensorFlow hold what TensorFlow computed: `penstock diff --recorder > record_tf.py` gives the program that records
them, by `python record_tf.py FOLDER SCRIPT ...`. One such recording alone is compared with Penstock's kernels, operation by operation on the same operands.
The status is 0 if nothing differs, 1 if something does, 2 if they cannot be compared."""


def main(arguments: Sequence[str]) -> int:
    """Says where two recorded runs part; returns 1 if they do."""
    parser = Parser("penstock diff", DESCRIPTION)
    parser.add_argument("first", metavar="FOLDER", nargs="?", help="a recording")
    parser.add_argument("second", metavar="FOLDER", nargs="?", help="another")
    parser.add_argument(
        "--recorder", action="store_true", help="prints the program that records on TensorFlow"
    )
    parser.add_argument(
        "--step", type=int, help="which run of the function (the first one kept that differs)"
    )
    parser.add_argument("--function", help="its name, if the recordings hold several")
    parser.add_argument(
        "--tolerance",
        type=float,
        help="how far values may lie apart, relative to the largest (by default every bit counts; between two libraries, more than rounding)",
    )
    parsed = parser.parse_args(arguments)
    if parsed.recorder:
        print(RECORDER.read_text(encoding="utf-8"), end="")
        return 0
    if parsed.first is None:
        raise Refused("it takes two recordings, or one of TensorFlow.")
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.core.errors import OpError
    from penstock._src.observe.recordings import own_kernels
    from penstock._src.observe.recordings.files import read

    try:
        first = read(parsed.first, parsed.step, parsed.function)
        if parsed.second is not None:
            report = _report(parsed, first)
        elif first.values is not None:
            report = own_kernels.report(first, parsed.tolerance)
        else:
            raise Refused(f"{parsed.first} does not hold the values of operations: name a second.")
    except (OpError, OSError, ValueError, KeyError) as error:
        raise refused(error) from error
    print("\n".join(report.lines) or f"The same values {report.compared}.")
    return int(bool(report.lines))


def _report(parsed: Any, first: RecordedRun) -> Report:
    """The differences of two recordings in a step; if none was named and the last one differs, in the first one that does."""
    # Each command loads what it needs.
    from penstock._src.observe.recordings.files import read, steps_of

    second = read(parsed.second, parsed.step, parsed.function)
    report = _compared(parsed, first, second)
    if parsed.step is not None or not report.lines:
        return report
    common = steps_of(parsed.first, first.label) & steps_of(parsed.second, second.label)
    for step in sorted(step for step in common if step < min(first.step, second.step)):
        earlier = _compared(
            parsed, read(parsed.first, step, first.label), read(parsed.second, step, second.label)
        )
        if earlier.lines:
            head = f"step {step}, the first of those recorded that differs:"
            return dataclasses.replace(earlier, lines=[head, *earlier.lines])
    return report


def _compared(parsed: Any, first: RecordedRun, second: RecordedRun) -> Report:
    # Each command loads what it needs.
    from penstock._src.observe.recordings import own_kernels, parting
    from penstock._src.observe.recordings.repeated import values_of

    report = parting.report(values_of(first), values_of(second), parsed.tolerance)
    if report.is_unexplained:
        report = own_kernels.explained(report, first, second, parsed.tolerance)
    return report
