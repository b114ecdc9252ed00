"""The form of a wrong call: what is called, which class it must raise, and what its message must name.

The same tables run on TensorFlow itself, which shows that the classes are its own:

    WRONG_CALLS_MODULE=tensorflow python -m tests.errors.calls
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODULE = os.environ.get("WRONG_CALLS_MODULE", "penstock")
tf = importlib.import_module(MODULE)


@dataclass(frozen=True)
class Wrong:
    """A call that must fail.

    `names` are parts of the message that help: the op, the argument, shapes and types that met.
    """

    title: str
    call: Callable[[], Any]
    error: type | tuple[type, ...]
    names: tuple[str, ...] = ()
    unlike_tensorflow: bool = False

    def __str__(self) -> str:
        return self.title.replace(" ", "_")


def wrong(title: str, error: Any, call: Callable[[], Any], *names: str) -> Wrong:
    """Returns a Wrong; `names` are looked for in the message without regard to case and spaces."""
    return Wrong(title, call, error, names)


def unlike(title: str, error: Any, call: Callable[[], Any], *names: str) -> Wrong:
    """Like `wrong`, where TensorFlow ends the process, returns rubbish or raises an AssertionError."""
    return Wrong(title, call, error, names, unlike_tensorflow=True)


def squeezed(text: str) -> str:
    """Returns a text without spaces, in lower case."""
    return "".join(text.split()).lower()


def problem(entry: Wrong) -> str | None:
    """Returns what is not as it must be when the call is made, or None."""
    try:
        result = entry.call()
    except entry.error as error:
        message = squeezed(str(error))
        missing = [name for name in entry.names if squeezed(name) not in message]
        return f"the message names no {missing}: {error}" if missing else None
    except Exception as error:  # any other class is what this looks for
        return f"raised {type(error).__name__}: {error}"
    return f"did not raise, returned {result!r}"


if __name__ == "__main__":
    total = failed = 0
    for table in ("elementwise", "arrays", "networks", "functions", "state", "pipelines"):
        for entry in importlib.import_module(f"tests.errors.{table}").CALLS:
            if entry.unlike_tensorflow and MODULE == "tensorflow":
                continue
            found = problem(Wrong(entry.title, entry.call, entry.error))
            total += 1
            if found:
                failed += 1
                print(f"{table}: {entry.title}: {found[:300]}")
    print(f"{total - failed} passed, {failed} failed")
