"""Calls functions with one library: each line that comes in asks for a call, each line that goes out answers.

python -m tests.interop.worker LIBRARY
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any, TextIO

from tests.interop import values

FRAMES = 3  # of a traceback: the innermost


def answer(library: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What a function gives, or how it ended."""
    try:
        module, _, name = request["function"].partition(":")
        function = getattr(importlib.import_module(module), name)
        return {"value": values.plain(function(library, *request["arguments"]))}
    except Exception:  # whatever it is, it is the call's result
        return {"error": traceback.format_exc(limit=-FRAMES)}


def main(library: str, answers: TextIO) -> None:
    """Answers until there are no more requests."""
    module = importlib.import_module(library)
    for line in sys.stdin:
        print(json.dumps(answer(module, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as answers:  # nobody else writes there
        os.dup2(2, 1)
        main(sys.argv[1], answers)
