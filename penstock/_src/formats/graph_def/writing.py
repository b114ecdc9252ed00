"""Writes frozen graphs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import text_format

from penstock._src.filesystems.whole import write_whole
from penstock._src.formats.frozen import FrozenFunction, freeze
from penstock._src.formats.model import Model
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.rewriting import extract_sub_graph


def write(model: Model, path: str) -> None:
    """Writes a function with its variables as constants: a GraphDef, as text if the path ends in `.pbtxt`.

    Placeholders have the names of the inputs, and nodes with the names of the outputs make these.

    Args:
      model: a model of one signature, or with the default one.
      path: the file to make.
    """
    name, function = model.only("A GraphDef")
    definition = named_definition(freeze(function, name))
    if path.endswith(".pbtxt"):
        write_whole(path, text_format.MessageToString(definition))
    else:
        write_whole(path, definition.SerializeToString(deterministic=True))


def named_definition(frozen: FrozenFunction) -> Any:
    """Returns the GraphDef of a frozen function; its inputs and outputs are nodes with their names."""
    nodes = node_names(frozen)
    ends = {t.op.name: nodes[name] for name, t in _ends(frozen)}
    definition = extract_sub_graph(frozen.function.graph.as_graph_def(), list(ends))
    _rename(definition, ends)
    return definition


def node_names(frozen: FrozenFunction) -> dict[str, str]:
    """Returns the names of the nodes for a function's inputs and outputs: their own, as far as nodes can have them.

    An output that is named as a tensor, `name:0`, is the node `name`.
    """
    named: dict[str, str] = {}
    wanted = {name: _fit(name) for name, _ in _ends(frozen)}
    # names that stay as they are go first
    for name, fit in sorted(wanted.items(), key=lambda pair: pair[0] != pair[1]):
        taken = set(named.values())
        named[name] = fit if fit not in taken else _unused(fit, taken)
    return named


def _fit(name: str) -> str:
    fit = re.sub(r"[^\w./>-]", "_", name.removesuffix(":0"), flags=re.ASCII)
    return fit if re.match("[A-Za-z0-9.]", fit) else f".{fit}"


def _ends(frozen: FrozenFunction) -> list[tuple[str, SymbolicTensor]]:
    return [*frozen.inputs.items(), *frozen.outputs.items()]


def _rename(definition: Any, names: dict[str, str]) -> None:
    """Gives nodes other names; a node that has such a name already gets another one.

    An output with the name of an input keeps its own.
    """
    inputs = {node.name for node in definition.node if node.op == "Placeholder"}
    taken = {names[name] for name in inputs}
    wanted = {old: new for old, new in names.items() if old in inputs or new not in taken}
    present = {node.name for node in definition.node}
    for name in present & set(wanted.values()):
        wanted.setdefault(name, _unused(name, present | set(wanted.values())))
    for node in definition.node:
        node.name = wanted.get(node.name, node.name)
        node.input[:] = [renamed(text, wanted) for text in node.input]


def _unused(name: str, taken: set[str]) -> str:
    return next(candidate for k in itertools.count(1) if (candidate := f"{name}_{k}") not in taken)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Returns an input of a node (`node`, `node:1`, `^node`) with the new name of the node."""
    mark = "^" if text.startswith("^") else ""
    name, colon, index = text.removeprefix("^").partition(":")
    return f"{mark}{names.get(name, name)}{colon}{index}"
