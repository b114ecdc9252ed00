"""Unused names: `tensorflow.python.autograph.pyct.naming`."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable
from typing import Any

from penstock._src.bridge.python.autograph.pyct import qual_names


class Namer:
    """Makes names that are not in use.

    Args:
      global_namespace: the names that generated code sees.
    """

    def __init__(self, global_namespace: Container[str]) -> None:
        self.global_namespace = global_namespace
        self.generated_names: set[str] = set()

    def new_symbol(self, name_root: Any, reserved_locals: Iterable[Any]) -> str:
        """Returns `name_root`, with a number if it is in use."""
        if isinstance(name_root, qual_names.QN):
            name_root = name_root.ssf()
        reserved = {
            str(part)
            for name in reserved_locals
            for part in (name.owner_set | {name} if isinstance(name, qual_names.QN) else (name,))
        }
        stem, _, number = name_root.rpartition("_")
        start = 1
        if stem and number.isdigit():
            name_root, start = stem, int(number) + 1
            first = f"{stem}_{number}"
        else:
            first = name_root
        for name in itertools.chain((first,), (f"{name_root}_{n}" for n in itertools.count(start))):
            if not (
                name in self.global_namespace or name in reserved or name in self.generated_names
            ):
                self.generated_names.add(name)
                return name
        raise AssertionError("unreachable")
