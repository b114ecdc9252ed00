"""Collects the examples of a library's docstrings: `python examples.py LIBRARY`, in an environment where it is installed.

Prints JSON: {name: [[source, number of the line], ...]} for each public name whose docstring has examples, each docstring once.
"""

import doctest
import importlib
import inspect
import json
import sys
from typing import Any

PARSER = doctest.DocTestParser()
INTERNAL = {"python", "core", "src"}  # names of modules under which nothing is public


def children(holder: Any, name: str) -> list[tuple[str, Any]]:
    """The public members of a module or class, with their full names, that the library itself has."""
    library = name.split(".")[0]
    members = []
    for each in dir(holder):
        if each.startswith("_") or each in INTERNAL:
            continue
        try:
            member = getattr(holder, each)
        except Exception as error:  # lazily imported parts that are not installed
            print(f"{name}.{each}: {error!r}", file=sys.stderr)
            continue
        if inspect.ismodule(member) and not getattr(member, "__name__", "").startswith(library):
            continue
        members.append((f"{name}.{each}", member))
    return members


def walk(library: str) -> dict[str, str]:
    """The docstrings of the public names of a library; the shortest name of each object comes first."""
    docstrings: dict[str, str] = {}
    seen: set[int] = set()
    waiting = [(library, importlib.import_module(library))]
    while waiting:
        name, holder = waiting.pop(0)
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        text = getattr(holder, "__doc__", None)
        if isinstance(text, str) and ">>>" in text and text not in docstrings.values():
            docstrings[name] = text
        if inspect.ismodule(holder) or inspect.isclass(holder):
            waiting += children(holder, name)
    return docstrings


def examples(text: str) -> list[tuple[str, int]]:
    """The statements of a docstring, as doctest reads them; none where it does not parse."""
    try:
        return [(each.source, each.lineno) for each in PARSER.get_examples(text)]
    except ValueError:
        return []


if __name__ == "__main__":
    found = {name: examples(text) for name, text in walk(sys.argv[1]).items()}
    print(json.dumps({name: each for name, each in found.items() if each}))
