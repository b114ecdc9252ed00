"""Tags, name scopes and collections of TensorFlow 1's summaries: `tensorflow.python.ops.summary_op_util`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.api.control.scopes import name_scope
from penstock._src.v1.graphs.default_graph import get_default_graph

_NOT_IN_TAGS = re.compile(r"[^-/\w\.]")


def collect(
    val: Any, collections: Iterable[str] | None, default_collections: Iterable[str]
) -> None:
    """Adds a value to collections of the current graph.

    Args:
      val: the value.
      collections: their names, or None.
      default_collections: which take the place of None.
    """
    names = default_collections if collections is None else collections
    for name in names:
        get_default_graph().add_to_collection(name, val)


def clean_tag(name: str | None) -> str | None:
    """Returns a name as a tag may be: "_" for other characters, and without "/" before it."""
    return name if name is None else _NOT_IN_TAGS.sub("_", name).lstrip("/")


@contextlib.contextmanager
def summary_scope(
    name: str | None,
    family: str | None = None,
    default_name: str | None = None,
    values: Any = None,
) -> Iterator[tuple[str, str]]:
    """A context that gives the tag and the name scope of a summary.

    Args:
      name: of the summary.
      family: which stands before the name in the scope, and first in the tag.
      default_name: what takes the place of no name.
      values: accepted.
    """
    name, family = clean_tag(name), clean_tag(family)
    scope_name = name if family is None else f"{family}/{name}"
    with name_scope(scope_name or default_name) as scope:
        tag = scope.removesuffix("/")
        yield (tag if family is None else f"{family}/{tag}"), scope
