"""Runs all programs, or those named, and says which leave TensorFlow's numbers.

python -m tests.tutorials [--tensorflow PYTHON] [NAME...]

With `--tensorflow` they run on that interpreter's TensorFlow, without oneDNN, instead of on Penstock.
"""

import sys
import time

from . import running


def main(arguments: list[str]) -> int:
    python = None
    if arguments[:1] == ["--tensorflow"]:
        python, arguments = arguments[1], arguments[2:]
    names, passed = arguments or running.programs(), 0
    for name in names:
        start = time.perf_counter()
        try:
            if python:
                lines = running.run(name, [python], TF_ENABLE_ONEDNN_OPTS="0")
            else:
                lines = running.on_penstock(name)
            found = running.differences(lines, running.expected_of(name))
        except (RuntimeError, running.subprocess.TimeoutExpired) as error:
            found = [str(error)]
        passed += not found
        seconds = time.perf_counter() - start
        print(f"{name:32} {'differs' if found else 'ok':8} {seconds:4.0f} s", flush=True)
        for difference in found:
            print(difference, flush=True)
    print(f"{passed} of {len(names)} programs")
    return passed < len(names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
