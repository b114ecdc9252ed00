"""Writes every model in every kind of file, has every reader run it, and prints what is not equal.

python -m tests.interop.readers PYTHON [--write] [--kinds KINDS] [NAME...]

PYTHON is an interpreter that has TensorFlow and the readers; a name is that of a model. --write writes the page's table.
"""

import argparse
import functools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.interop import values
from tests.interop.processes import PROCESS, Worker
from tests.interop.readers import models, table

LIMIT = 180  # seconds of a call
MODULE = "tests.interop.readers"
Outcome = dict[str, Any]


class Processes:
    """The processes of the libraries, and what they write and read."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._workers: dict[tuple[str, ...], Worker] = {}

    def call(self, library: str, function: str, *arguments: str, **variables: str) -> Outcome:
        key = (library, *variables.values())
        if key not in self._workers:
            python = sys.executable if library == "penstock" else self._python
            self._workers[key] = Worker(python, library, LIMIT, **variables)
        return self._workers[key].run(f"{MODULE}.{function}", *arguments)

    def stop(self) -> None:
        for worker in self._workers.values():
            worker.stop()


def read(processes: Processes, reader: table.Reader, path: str, name: str) -> Outcome:
    """What a reader finds in a file."""
    function = f"reading:{reader.function}"
    return processes.call(reader.library, function, path, name, **dict(reader.variables))


def problem(found: Outcome, expected: Outcome) -> tuple[str, str]:
    """How an outcome is wrong (refused, ended or wrong) and the message; both empty if it is not."""
    for one in (expected, found):
        if "error" in one:
            message = one["error"].strip().rpartition("\n")[2]
            return "ended" if message.startswith(PROCESS) else "refused", message
    if found["value"] is None:  # a checker
        return "", ""
    differing = values.differences(*json.loads(json.dumps([found["value"], expected["value"]])))
    return ("wrong" if differing else ""), "; ".join(differing)


class Library:
    """What one of the two libraries writes of a model, once."""

    def __init__(self, processes: Processes, library: str, name: str, folder: str) -> None:
        self.name, self._library, self._processes = name, library, processes
        self._folder = Path(folder) / library
        self._folder.mkdir()
        self._written: dict[str, Outcome] = {}

    @functools.cached_property
    def expected(self) -> Outcome:
        return self._processes.call(self._library, "writing:values", self.name)

    def written(self, function: str, file: str) -> Outcome:
        """The path of a file, or how writing it ended."""
        if function not in self._written:
            path = self._folder / function / file
            path.parent.mkdir()
            found = self._processes.call(self._library, f"writing:{function}", self.name, str(path))
            self._written[function] = found if "error" in found else {"value": str(path)}
        return self._written[function]

    def problem(self, reader: table.Reader, function: str, file: str) -> tuple[str, str]:
        """What is wrong with a reader's outcome for a file of this library."""
        path = self.written(function, file)
        if "error" in path:
            how, message = problem(path, path)
            return how, f"not written: {message}"
        return problem(read(self._processes, reader, path["value"], self.name), self.expected)


def compared(
    kind: table.Kind, reader: table.Reader, ours: Library, theirs: Library
) -> tuple[str, str]:
    """What came of a reader of our file, and the messages."""
    how, message = ours.problem(reader, kind.function, kind.file)
    if not how:
        return "equal", ""
    their, original = theirs.problem(reader, kind.original or kind.function, kind.file)
    outcome = "as TensorFlow's" if their and how in ("refused", their) else how
    return outcome, message + (f"\n    TensorFlow's {their}: {original}" if their else "")


def main() -> int:
    """Runs the readers; returns whether any result is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.readers")
    parser.add_argument("python")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--kinds", default="", help="functions of writing.py, with commas")
    parsed = parser.parse_args()
    names = [name for name in models.names() if not parsed.names or name in parsed.names]
    chosen = parsed.kinds.split(",") if parsed.kinds else []
    kinds = [kind for kind in table.READERS if not chosen or kind.function in chosen]
    results = table.Results()
    processes = Processes(parsed.python)
    try:
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                ours, theirs = (
                    Library(processes, each, name, folder) for each in ("penstock", "tensorflow")
                )
                for kind in kinds:
                    if kind.of_keras and name.partition(".")[0] in models.FUNCTIONS:
                        continue
                    for reader in table.READERS[kind]:
                        outcome, message = compared(kind, reader, ours, theirs)
                        results.add(kind, reader, outcome, name)
                        if message:
                            about = f"{outcome}: {name}, {kind.title}, {reader.title}"
                            print(f"{about}: {message[:900]}", flush=True)
    except KeyboardInterrupt:  # the table of what was run
        pass
    finally:
        processes.stop()
    print("\n".join(results.lines()))
    if parsed.write:
        results.write()
    return 1 if results.finds else 0


if __name__ == "__main__":
    sys.exit(main())
