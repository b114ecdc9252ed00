"""`penstock replay`: a recorded run once more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penstock._src.bridge.cli.arguments import Parser, Refused, refused

DESCRIPTION = """Repeats a run that `tf.debugging.recording` or `penstock record` has written, operation by operation, and shows what names of the program stood for
at a line, and the gradients of that line. Without a line it says what stands out (the first NaN, units that are always 0, variables that did not change, a batch
whose examples depend on each other ...), and names with types and ranges, line by line, of the last run of each function, or the first one whose results are not finite.
A recording of TensorFlow is shown as TensorFlow computed it. The status is 0, or 1 if the run ended with an error."""


def main(arguments: Sequence[str]) -> int:
    """Shows values of a recorded run; returns 0, or 1 if it ended with an error."""
    parser = Parser("penstock replay", DESCRIPTION)
    parser.add_argument("folder", metavar="FOLDER", help="a recording")
    parser.add_argument("--step", type=int, help="which run of the function (the last one kept)")
    parser.add_argument("--function", help="its name, if the recording holds several")
    parser.add_argument("--line", metavar="FILE:LINE", help="a line, such as model.py:40")
    parsed = parser.parse_args(arguments)
    # Each command loads what it needs.
    import penstock._src.api.load  # noqa: F401
    from penstock._src.core.errors import OpError
    from penstock._src.observe.recordings.files import read, read_by_function
    from penstock._src.observe.recordings.overview.report import overview
    from penstock._src.observe.recordings.repeated import is_repeatable, shown_values

    chosen = parsed.folder, parsed.step, parsed.function
    try:
        run = read(*chosen)
        if parsed.line is None and is_repeatable(run):
            reports = [overview(runs) for runs in read_by_function(*chosen)]
            for report in reports:
                print("\n".join(report.lines))
            return int(any(report.is_failed for report in reports))
        repeated = shown_values(run)
    except (OpError, OSError, ValueError, KeyError) as error:
        raise refused(error) from error
    print(f"{run.label}, step {run.step}: {len(repeated.computed)} operations")
    if parsed.line is None:
        for place in repeated.lines():
            print(f"  {place}")
    else:
        file, _, number = parsed.line.rpartition(":")
        if not file or not number.isdigit():
            raise Refused(f"--line takes FILE:LINE, not {parsed.line}")
        repeated_op = repeated.named_at(file, int(number))
        if not repeated_op:
            raise Refused(f"no operation of the run comes from {parsed.line}")
        for _, name, value in repeated_op:
            print(f"{name} = {_shown(value)}")
    if repeated.error is not None:
        print(f"The run ended with {type(repeated.error).__name__}: {repeated.error}")
    return int(repeated.error is not None)


def _shown(value: object) -> str:
    """A value with its type and shape."""
    if not isinstance(value, np.ndarray):
        return "no array"
    return f"{value.dtype.name}{list(value.shape)} {np.array2string(value, threshold=50)}"
