"""Runs `write` and `read` of pairs on one library: each line that comes in asks for one, each line that goes out answers.

python -m tests.interop.worker tensorflow|penstock
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any, TextIO

from tests.interop import pairs, values

FRAMES = 3  # of a traceback: the innermost


def answer(tf: Any, request: dict[str, str]) -> dict[str, Any]:
    """What a pair's function gives, or how it ended."""
    try:
        pair = pairs.named(request["pair"])
        return {"value": values.plain(getattr(pair, request["function"])(tf, request["folder"]))}
    except Exception:  # whatever it is, it is the pair's result
        return {"error": traceback.format_exc(limit=-FRAMES)}


def main(library: str, answers: TextIO) -> None:
    """Answers until there are no more requests."""
    tf = importlib.import_module(library)
    for line in sys.stdin:
        print(json.dumps(answer(tf, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as answers:  # nobody else writes there
        os.dup2(2, 1)
        main(sys.argv[1], answers)
