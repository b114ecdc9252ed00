"""The pipelines that are measured: a file for each kind, a function for each pipeline."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

KINDS = ("images", "remote", "records", "text", "arrays", "functions", "training")
CASES: dict[str, "Case"] = {}


@dataclasses.dataclass(frozen=True)
class Case:
    """A pipeline: `build(tf, files)` returns a dataset, or a function that runs once and returns its number of records.

    `each` is the number of records in an element; `keras` says that it needs Keras; `unordered` that the order of
    elements is not fixed.
    """

    build: Callable[[Any, Any], Any]
    each: int = 1
    keras: bool = False
    unordered: bool = False


def case(**facts: Any) -> Callable[[Any], Any]:
    """Adds a function to the pipelines, by its name."""

    def add(build: Any) -> Any:
        CASES[build.__name__] = Case(build, **facts)
        return build

    return add


def load() -> dict[str, Case]:
    """Returns all pipelines by name."""
    for kind in KINDS:
        importlib.import_module(f"bench.data.cases.{kind}")
    return CASES
