"""A worker of an elastic job: runs the program, and ends with its status."""

from __future__ import annotations

import os
import signal
import sys

from penstock._src.bridge.cli.cluster.parent import end_with
from penstock._src.bridge.cli.cluster.worker import line_by_line, status_of


def main() -> None:
    """Runs the program. An error ends the process at once: what it would do at its end may wait for others."""
    launcher, *program = sys.argv[1:]
    end_with(int(launcher), signal.SIGKILL)
    line_by_line()
    status, why = status_of(program)
    if status:
        print(why, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
