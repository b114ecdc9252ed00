"""The effects of graphs: GraphDefs, MetaGraphDefs and SavedModels."""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.bridge.python.tools.audit.findings import (
    CALLING,
    LOADING,
    SAVING,
    Deed,
    Findings,
)
from penstock._src.core.calls.consent import needed
from penstock._src.core.registry import lookup
from penstock._src.graph.serialize import attributes
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.graph import GraphDef
from penstock._src.saving.saved_model.constants import ASSETS_DIRECTORY, INIT_OP_KEY
from penstock._src.util.flags import CAPABILITIES
from penstock._src.v1.saving.program import main_operations

# Functions of objects that run while a SavedModel is loaded.
_AT_LOAD = ("_create_resource", "_initialize")
_ENDS = ("_Arg", "_Retval")  # nodes for the inputs and outputs of a graph
_KNOWN_OBJECTS = ("_generic_user_object", "signature_map", "trackable_")


def nodes_of(graph_def: Any) -> Iterator[tuple[str, Any]]:
    """The nodes of a graph and of its functions, each with the name of its function, "" for none."""
    for node in graph_def.node:
        yield "", node
    for function in graph_def.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def audit_graph_def(findings: Findings, graph_def: Any, folder: str | None = None) -> None:
    """Adds what a GraphDef does."""
    _Graph(graph_def, folder).add_to(findings)


def audit_meta_graph(findings: Findings, meta: Any, folder: str | None = None) -> None:
    """Adds what a MetaGraphDef does, and when."""
    graph = _Graph(meta.graph_def, folder)
    if folder is not None:
        _note_assets(graph, meta, os.path.join(folder, ASSETS_DIRECTORY))
    saver = meta.saver_def
    graph.mark([saver.save_tensor_name, saver.restore_op_name], SAVING)
    objects = meta.object_graph_def
    for node in objects.nodes:
        for child in node.children:
            kind = objects.nodes[child.node_id].function if _is_at(objects, child) else None
            if kind is not None and child.local_name in _AT_LOAD:
                graph.mark_functions(kind.concrete_functions, LOADING)
    started = main_operations(meta)
    if not started and "table_initializer" in meta.collection_def:
        started = list(meta.collection_def["table_initializer"].node_list.value)
    if INIT_OP_KEY in meta.signature_def or started:
        graph.mark(started, LOADING)
    graph.add_to(findings)
    for node in objects.nodes:
        identifier = node.user_object.identifier
        if node.registered_name:
            findings.custom_objects.append(node.registered_name)
        elif identifier and not identifier.startswith(_KNOWN_OBJECTS):
            findings.custom_objects.append(identifier)
    findings.custom_objects[:] = dict.fromkeys(findings.custom_objects)


def audit_saved_model(findings: Findings, saved: Any, folder: str) -> None:
    """Adds what a SavedModel does."""
    findings.sizes["graphs"] = len(saved.meta_graphs)
    assets = os.path.join(folder, ASSETS_DIRECTORY)
    if os.path.isdir(assets):
        findings.sizes["assets"] = len(os.listdir(assets))
    for meta in saved.meta_graphs:
        audit_meta_graph(findings, meta, folder)


def _note_assets(graph: _Graph, meta: Any, folder: str) -> None:
    """Marks in the graph the tensors and arguments that are paths of assets."""
    names = [os.path.join(folder, entry.filename) for entry in meta.asset_file_def]
    for entry, path in zip(meta.asset_file_def, names):
        graph.paths["", _node_name(entry.tensor_info.name)] = path
    nodes = meta.object_graph_def.nodes
    for name, concrete in meta.object_graph_def.concrete_functions.items():
        function = graph.functions.get(name)
        if function is None or not concrete.bound_inputs:
            continue
        bound = function.signature.input_arg[-len(concrete.bound_inputs) :]
        for argument, number in zip(bound, concrete.bound_inputs):
            node = nodes[number] if 0 <= number < len(nodes) else None
            at = node.asset.asset_file_def_index if node and node.HasField("asset") else -1
            if 0 <= at < len(names):
                graph.paths[name, argument.name] = names[at]


def _is_at(objects: Any, child: Any) -> bool:
    return 0 <= child.node_id < len(objects.nodes)


class _Graph:
    """The nodes of a graph, and when they run."""

    def __init__(self, graph_def: Any, folder: str | None) -> None:
        self.graph_def, self.folder = graph_def, folder
        self.functions = {f.signature.name: f for f in graph_def.library.function}
        self.nodes = {node.name: node for node in graph_def.node}
        self.when: dict[tuple[str, str], str] = {}  # by function and node
        self.paths: dict[
            tuple[str, str], str
        ] = {}  # paths of assets, by function and node or argument

    def mark(self, tensors: Iterable[str], when: str) -> None:
        """Notes when the nodes run that these need."""
        waiting = [name for name in map(_node_name, tensors) if name]
        while waiting:
            name = waiting.pop()
            if ("", name) in self.when or name not in self.nodes:
                continue
            self.when["", name] = when
            node = self.nodes[name]
            waiting += map(_node_name, node.input)
            self.mark_functions(_called(node, self.functions), when)

    def mark_functions(self, names: Iterable[str], when: str) -> None:
        """Notes when all nodes of functions run."""
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            for node in self.functions[name].node_def if name in self.functions else ():
                if (name, node.name) not in self.when:
                    self.when[name, node.name] = when
                    waiting += _called(node, self.functions)

    def add_to(self, findings: Findings) -> None:
        """Adds the deeds, unknown ops and sizes."""
        counts: collections.Counter[str] = collections.Counter()
        for function, node in nodes_of(self.graph_def):
            counts["functions" if function else "nodes"] += 1
            cls = lookup(node.op)
            if cls is None:
                if "_module" in node.attr:
                    findings.deeds.append(_import_for(function, node))
                elif node.op not in self.functions and node.op not in _ENDS:
                    findings.unknown_ops[node.op] = findings.unknown_ops.get(node.op, 0) + 1
            elif cls.permissions.capabilities:
                findings.deeds += self._deeds(cls, function, node)
            elif cls.permissions.makes_graphs:
                self._add_made_graph(findings, function, node)
        findings.sizes["nodes"] = findings.sizes.get("nodes", 0) + sum(counts.values())
        findings.sizes["functions"] = findings.sizes.get("functions", 0) + len(self.functions)

    def _add_made_graph(self, findings: Findings, function: str, node: Any) -> None:
        """Adds what the graph does that an operation makes of a string: anything, if the string is not a constant."""
        when, where = self.when.get((function, node.name), CALLING), _place(function, node)
        definition = _graph_def_of(self._constant(function, node.input[0]) if node.input else None)
        if definition is None:
            computed = f"a graph that {node.op} is given"
            findings.deeds += [Deed(each, computed, where, when) for each in sorted(CAPABILITIES)]
            return
        inner = Findings(findings.path, findings.kind)
        _Graph(definition, self.folder).add_to(inner)
        findings.deeds += [
            dataclasses.replace(deed, where=f"{deed.where} in the graph at {where}", when=when)
            for deed in inner.deeds
        ]
        for op, count in inner.unknown_ops.items():
            findings.unknown_ops[op] = findings.unknown_ops.get(op, 0) + count
        findings.sizes["nodes"] = findings.sizes.get("nodes", 0) + inner.sizes["nodes"]

    def _deeds(self, cls: Any, function: str, node: Any) -> list[Deed]:
        paths = self._paths(cls, function, node)
        where = _place(function, node)
        when = self.when.get((function, node.name), CALLING)
        files = ", ".join(paths or ())
        return [
            Deed(capability, node.op, where, when, files)
            for capability in sorted(needed(cls, paths, self.folder))
        ]

    def _paths(self, cls: Any, function: str, node: Any) -> list[str] | None:
        """The files that a node touches; None if they are not constants."""
        merged = {**cls.attributes}
        for name, value in node.attr.items():
            annotation = attributes.annotation_of(cls, name)
            if annotation is not None:
                merged[name] = attributes.decode(annotation, value, lambda name: name)
        described = SimpleNamespace(
            **merged, attrs=merged, inputs=cls.inputs, permissions=cls.permissions
        )
        texts = [text for text in node.input if not text.startswith("^")]
        values = [self._constant(function, text) for text in texts]
        values += [None] * (len(cls.inputs) - len(values))
        paths: list[str] | None = cls.touched_files(described, values)
        return paths

    def _constant(self, function: str, text: str) -> np.ndarray | None:
        """The value of a tensor that is a constant."""
        if function:
            known = {node.name: node for node in self.functions[function].node_def}
        else:
            known = self.nodes
        for _ in known:
            path = self.paths.get((function, _node_name(text)))
            if path is not None:
                return np.array(path, object)
            node = known.get(_node_name(text))
            if node is not None and node.op == "Const":
                return np.asarray(from_proto(node.attr["value"].tensor))
            if node is None or node.op != "Identity" or not node.input:
                return None
            text = node.input[0]
        return None


def _graph_def_of(value: np.ndarray | None) -> Any:
    """The GraphDef in a constant; None if there is none."""
    if value is None or value.dtype != object or value.size != 1:
        return None
    try:
        return GraphDef.FromString(value.item())
    except (DecodeError, TypeError):
        return None


def _node_name(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


def _called(node: Any, functions: Any) -> list[str]:
    """The functions that a node names."""
    names = [node.op] if node.op in functions else []
    for value in node.attr.values():
        names += [value.func.name] if value.func.name else []
        names += [one.name for one in value.list.func]
    return names


def _place(function: str, node: Any) -> str:
    return f"'{node.name}'" + (f" of {function}" if function else "")


def _import_for(function: str, node: Any) -> Deed:
    """The effect of loading an op of a user's module that the program has not imported."""
    module = node.attr["_module"].s.decode()
    return Deed("python", f"{node.op}, by importing {module}", _place(function, node), LOADING)
