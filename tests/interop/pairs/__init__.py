"""The kinds of files: a class for each, with `write(tf, folder)` and `read(tf, folder)`, where `tf` is either library.

What `write` returns is compared as well: what a program sees while it writes.
"""

import importlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def names(chosen: Sequence[str] = ()) -> list[str]:
    """The names of all pairs, as `checkpoints.Objects`, or of those that are chosen by name or file."""
    files = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    found = [f"{file}.{name}" for file in files for name in _pairs_of(file)]
    return [name for name in found if not chosen or {name, name.partition(".")[0]} & {*chosen}]


def named(name: str) -> Any:
    """The pair of a name."""
    file, _, pair = name.partition(".")
    return _pairs_of(file)[pair]


def call(tf: Any, name: str, function: str, folder: str) -> Any:
    """Runs `write` or `read` of the pair of a name."""
    return getattr(named(name), function)(tf, folder)


def _pairs_of(file: str) -> dict[str, Any]:
    module = importlib.import_module(f"{__name__}.{file}")
    members = vars(module).items()
    return {
        name: each for name, each in members if inspect.isclass(each) and hasattr(each, "write")
    }


def error_of(function: Callable[[], Any]) -> str:
    """The name of the class of the error that a function raises; what it returns where it raises none."""
    try:
        return f"no error but {function()}"
    except Exception as error:  # which it is, is compared
        return type(error).__name__
