"""Annotations of syntax trees: `tensorflow.python.autograph.pyct.anno`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any

import gast

FIELD = "___pyct_anno"


class _Key(enum.Enum):
    def __repr__(self) -> str:
        return str(self.name)


class Basic(_Key):
    """Keys of the kind of a node."""

    QN = "qualified name"
    SKIP_PROCESSING = "left alone by transformers"
    INDENT_BLOCK_REMAINDER = "what follows becomes a block"
    ORIGIN = "where it was written"
    DIRECTIVES = "directives of a statement"
    EXTRA_LOOP_TEST = "a further condition of a loop"


class Static(_Key):
    """Keys of results of static analysis."""

    IS_PARAM = "is a parameter"
    SCOPE = "names that a statement uses"
    ARGS_SCOPE = "names that arguments use"
    COND_SCOPE = "names that a condition uses"
    ITERATE_SCOPE = "names that a loop's target uses"
    BODY_SCOPE = "names that a body uses"
    ORELSE_SCOPE = "names that the other branch uses"
    DEFINITIONS = "definitions that reach a name"
    ORIG_DEFINITIONS = "definitions that reached a name before changes"
    DEFINED_FNS_IN = "functions that are defined before"
    DEFINED_VARS_IN = "names that are defined before"
    LIVE_VARS_OUT = "names that are read after"
    LIVE_VARS_IN = "names that are read from here on"
    TYPES = "types of a value"
    CLOSURE_TYPES = "types of what a function closes over"
    VALUE = "the value"


FAIL = object()


def keys(node: Any, field_name: str = FIELD) -> frozenset[Any]:
    """Returns the keys of a node's annotations."""
    return frozenset(getattr(node, field_name, ()))


def getanno(node: Any, key: Any, default: Any = FAIL, field_name: str = FIELD) -> Any:
    """Returns an annotation, or `default`.

    Raises:
      KeyError: the node has none with this key, and there is no default.
    """
    annotations = getattr(node, field_name, {})
    return annotations[key] if default is FAIL else annotations.get(key, default)


def hasanno(node: Any, key: Any, field_name: str = FIELD) -> bool:
    """True if a node has an annotation."""
    return key in getattr(node, field_name, ())


def setanno(node: Any, key: Any, value: Any, field_name: str = FIELD) -> None:
    """Annotates a node."""
    if not hasattr(node, field_name):
        setattr(node, field_name, {})
    getattr(node, field_name)[key] = value


def delanno(node: Any, key: Any, field_name: str = FIELD) -> None:
    """Removes an annotation."""
    annotations = getattr(node, field_name)
    del annotations[key]
    if not annotations:
        delattr(node, field_name)


def copyanno(from_node: Any, to_node: Any, key: Any, field_name: str = FIELD) -> None:
    """Gives a node the annotation of another, if that has it."""
    if hasanno(from_node, key, field_name):
        setanno(to_node, key, getanno(from_node, key, field_name=field_name), field_name)


def dup(node: Any, copy_map: Mapping[Any, Any] | Iterable[Any], field_name: str = FIELD) -> None:
    """Copies annotations of all nodes of a tree: {key: further key}."""
    for inner in gast.walk(node):
        for key, further in dict(copy_map).items():
            if hasanno(inner, key, field_name):
                setanno(inner, further, getanno(inner, key, field_name=field_name), field_name)
