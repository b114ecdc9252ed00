"""Runs examples as an interactive session does: `python session.py LIBRARY EXAMPLES.json OUTPUTS.json [penstock]`.

Each name's statements run in a process of their own, forked after the import, and in an empty folder. Outputs are the text that each
statement prints, or `raises CLASS: first line`.
"""

import contextlib
import importlib
import io
import json
import os
import pathlib
import random
import select
import signal
import sys
import tempfile
from typing import Any

LIMIT = 60  # seconds for the examples of a name


def statement(source: str, namespace: dict[str, Any]) -> str:
    """The text that one statement prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(compile(source, "<example>", "single"), namespace)
        except BaseException as error:
            lines = str(error).strip().splitlines() or [""]
            return f"{printed.getvalue()}raises {type(error).__name__}: {lines[0]}"
    return printed.getvalue()


def child(sources: list[str], namespace: dict[str, Any], end: int) -> None:
    """Writes the outputs of statements, a line of JSON each, and ends the process."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    for stream in (1, 2):  # what is printed past Python's streams
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    signal.alarm(LIMIT)
    random.seed(0)
    namespace["np"].random.seed(0)
    namespace["tf"].random.set_seed(0)
    with open(end, "w", buffering=1) as out:
        for source in sources:
            out.write(json.dumps(statement(source, namespace)) + "\n")
    os._exit(0)


def outputs(sources: list[str], namespace: dict[str, Any]) -> list[str]:
    """The outputs of statements in a process of their own, fewer if it ends or its time is over."""
    mine, theirs = os.pipe()
    process = os.fork()
    if not process:
        os.close(mine)
        child(sources, namespace, theirs)
    os.close(theirs)
    text = b""
    while select.select([mine], [], [], LIMIT + 5)[0] and (block := os.read(mine, 1 << 16)):
        text += block
    os.close(mine)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return [json.loads(line) for line in text.decode().splitlines() if line.endswith('"')]


def main() -> None:
    library, examples, results = sys.argv[1:4]
    if "penstock" in sys.argv[4:]:
        importlib.import_module("penstock").install_as_tensorflow()
    import numpy as np
    import tensorflow as tf

    namespace = {"tf": tf, "np": np, library: importlib.import_module(library), "__name__": "docs"}
    with contextlib.suppress(ImportError):
        namespace["keras"] = importlib.import_module("keras")
    given = json.loads(pathlib.Path(examples).read_text())
    made = {}
    for number, (name, statements) in enumerate(given.items()):
        made[name] = outputs([source for source, _ in statements], dict(namespace))
        if number % 100 == 0:
            print(f"{number} of {len(given)}: {name}", flush=True)
    pathlib.Path(results).write_text(json.dumps(made))


if __name__ == "__main__":
    main()
