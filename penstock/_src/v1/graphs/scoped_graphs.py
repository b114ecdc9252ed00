"""Parts of GraphDefs: the nodes of a scope, with its name taken off, and those of savers that are not needed; names with and without a scope."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

UNBOUND = "$unbound_inputs_"
_SAVING = frozenset(
    "SaveV2 Save SaveSlice LegacySave LegacySaveSlice RestoreV2 Restore RestoreSlice LegacyRestore "
    "LegacyRestoreSlice".split()
)


def is_included(name: str, scope: str | None, excluded: Collection[str]) -> bool:
    """True if an item of this name is in the scope and not excluded."""
    return name not in excluded and (not scope or name.startswith((UNBOUND, scope)))


def scoped_graph_def(
    definition: Any, scope: str | None, excluded: Collection[str], clear_devices: bool
) -> tuple[Any, list[str]]:
    """Returns the part of a GraphDef in a scope, and the inputs that it has from outside.

    Args:
      definition: a GraphDef.
      scope: taken off the names of the nodes; inputs from outside get a mark instead.
      excluded: names of nodes to leave out.
      clear_devices: whether to leave out devices.
    """
    part = type(definition)()
    part.versions.CopyFrom(definition.versions)
    part.library.CopyFrom(definition.library)
    unbound: list[str] = []
    for node in definition.node:
        if is_included(node.name, scope, excluded):
            unbound += _add(part, node, scope)
            if clear_devices:
                part.node[-1].device = ""
    return part, unbound


def _add(graph: Any, node: Any, scope: str | None) -> list[str]:
    """Adds a node; returns its inputs from outside of the scope."""
    copied = graph.node.add()
    copied.CopyFrom(node)
    copied.name = strip_name_scope(node.name, scope)
    if not scope:
        return []
    unbound = []
    for position, name in enumerate(node.input):
        if name.lstrip("^").startswith(scope):
            copied.input[position] = strip_name_scope(name, scope)
        else:
            mark = "^" if name.startswith("^") else ""
            copied.input[position] = f"{mark}{UNBOUND}{name.removeprefix('^')}"
            unbound.append(copied.input[position])
    if "_class" in node.attr:
        near = [s.decode() for s in node.attr["_class"].list.s]
        kept = [s for s in near if s.partition("@")[2].startswith(scope)]
        copied.attr["_class"].list.s[:] = [strip_name_scope(s, scope).encode() for s in kept]
    if node.op in ("Enter", "RefEnter"):
        frame = node.attr["frame_name"].s
        copied.attr["frame_name"].s = strip_name_scope(frame, scope).encode()
    return unbound


def unneeded_saver_nodes(definition: Any, saver_def: Any) -> set[str]:
    """Returns the names of the nodes of savers, each in a scope of its own, except those of one saver.

    Args:
      definition: a GraphDef.
      saver_def: of the saver that is kept; None for none.
    """
    kept = set()
    if saver_def is not None:
        kept = {_scope(saver_def.save_tensor_name), _scope(saver_def.restore_op_name)}
    saving = {node.name for node in definition.node if node.op in _SAVING}
    scopes = tuple({_scope(name) for name in saving} - saving - kept)
    starts = tuple(f"{scope}/" for scope in scopes)
    return {node.name for node in definition.node if node.name.startswith(starts)}


def _scope(name: str) -> str:
    return name.lstrip("^").rpartition("/")[0]


def strip_name_scope(name: Any, export_scope: str | None) -> Any:
    """Returns the name of an operation, colocation or control input without the scope `export_scope`."""
    if not export_scope or not isinstance(name, str | bytes):
        return name
    text = name.decode() if isinstance(name, bytes) else name
    scope = re.escape(export_scope.removesuffix("/"))
    return re.sub(rf"([\^]|loc:@|^){scope}[\/]+(.*)", r"\1\2", text, count=1)


def prepend_name_scope(name: Any, import_scope: str | None) -> Any:
    """Returns the name of an operation, colocation or control input within the scope `import_scope`."""
    if not import_scope or not isinstance(name, str | bytes):
        return name
    text = name.decode() if isinstance(name, bytes) else name
    mark = next((m for m in ("^", "loc:@") if text.startswith(m)), "")
    return f"{mark}{import_scope.removesuffix('/')}/{text[len(mark) :]}"
