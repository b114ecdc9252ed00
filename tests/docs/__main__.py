"""Runs the programs of all pages, or of those named: python -m tests.docs [PAGE...]."""

import sys
import time

from . import blocks, running


def main(names: list[str]) -> int:
    """Returns 1 if a page says something wrong."""
    wrong = 0
    for page in names or blocks.pages():
        start = time.perf_counter()
        problem = running.run(page)
        wrong += bool(problem)
        seconds = time.perf_counter() - start
        print(
            f"{page:32} {'differs' if problem else 'ok':8} {seconds:4.0f} s\n{problem}",
            end="",
            flush=True,
        )
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
