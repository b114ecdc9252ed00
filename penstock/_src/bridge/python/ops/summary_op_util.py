"""Tags, name scopes and collections of TensorFlow 1's summaries: `tensorflow.python.ops.summary_op_util`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.summaries import summary
from penstock._src.v1.summaries.summary import clean_tag as clean_tag


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
    with summary.summary_scope(name, family, default_name) as tag_and_scope:
        yield tag_and_scope
