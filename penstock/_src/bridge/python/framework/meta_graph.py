"""Graphs with what belongs to them, whole or by scope: `tensorflow.python.framework.meta_graph`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.core.dispatch import executing_eagerly
from penstock._src.graph.graph import Graph
from penstock._src.graph.serialize.default_attributes import strip_default_attributes
from penstock._src.graph.serialize.op_definitions import used_ops
from penstock._src.proto.graph import GraphDef, OpList
from penstock._src.proto.saved import MetaGraphDef, SaverDef
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.saving import meta_graph
from penstock._src.v1.saving.meta_graph import read_meta_graph_file


def stripped_op_list_for_graph(graph_def: Any) -> Any:
    """Returns the OpList of the operations that a graph and its functions use."""
    return OpList(op=used_ops(graph_def))


def ops_used_by_graph_def(graph_def: Any) -> list[str]:
    """Returns the names of the operations in a graph and the functions that it calls, registered or not.

    Functions that are only branches or bodies of control flow are not looked into.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    called: set[str] = set()
    waiting = [graph_def.node]
    while waiting:
        for node in waiting.pop():
            names = {node.op}
            if node.op in ("PartitionedCall", "StatefulPartitionedCall"):
                names.add(node.attr["f"].func.name)
            waiting += [functions[name].node_def for name in (names - called) & functions.keys()]
            called |= names
    return [name for name in called if name not in functions]


def strip_graph_default_valued_attrs(meta_graph_def: Any) -> None:
    """Removes attributes that have their defaults from a MetaGraphDef."""
    strip_default_attributes(meta_graph_def.graph_def)
    meta_graph_def.meta_info_def.stripped_default_attrs = True


def create_meta_graph_def(
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Any = None,
    graph: Any = None,
    export_scope: str | None = None,
    exclude_nodes: Iterable[str] | None = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
) -> Any:
    """Returns the MetaGraphDef of a graph: its GraphDef, or the one given, and its collections.

    Raises:
      TypeError: an argument is something else.
    """
    options = {
        "graph": (graph, Graph, "Graph"),
        "meta_info_def": (meta_info_def, MetaGraphDef.MetaInfoDef, "MetaInfoDef"),
        "graph_def": (graph_def, GraphDef, "GraphDef"),
        "saver_def": (saver_def, SaverDef, "SaverDef"),
    }
    for name, (value, kind, shown) in options.items():
        if value and not isinstance(value, kind):
            raise TypeError(f"{name} must be of type {shown}. Received type: {type(value)}.")
    graph = graph or get_default_graph()
    return meta_graph.meta_graph_of(
        graph,
        graph_def or graph.as_graph_def(add_shapes=True),
        meta_info_def,
        saver_def,
        collection_list,
        export_scope,
        set(exclude_nodes or ()),
        clear_extraneous_savers,
        strip_default_attrs,
    )


def export_scoped_meta_graph(
    filename: str | None = None,
    graph_def: Any = None,
    graph: Any = None,
    export_scope: str | None = None,
    as_text: bool = False,
    unbound_inputs_col_name: str | None = "unbound_inputs",
    clear_devices: bool = False,
    saver_def: Any = None,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> tuple[Any, dict[str, Any]]:
    """Returns the MetaGraphDef of a scope, and its variables by name. See `tf.compat.v1.train.export_meta_graph`.

    Raises:
      ValueError: no graph is given while executing eagerly.
    """
    del save_debug_info
    if executing_eagerly() and (graph_def is None or graph is None):
        raise ValueError(
            "Exporting/importing meta graphs is not supported when Eager Execution is enabled."
        )
    return meta_graph.export_scoped(
        filename,
        graph_def,
        get_default_graph() if graph is None else graph,
        export_scope,
        as_text,
        unbound_inputs_col_name,
        clear_devices,
        saver_def,
        clear_extraneous_savers,
        strip_default_attrs,
        **kwargs,
    )


def import_scoped_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Any = None,
    import_scope: str | None = None,
    input_map: Any = None,
    unbound_inputs_col_name: str = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
) -> dict[str, Any]:
    """Adds a MetaGraphDef to a graph; returns its variables by name. See `import_scoped_meta_graph_with_return_elements`."""
    return import_scoped_meta_graph_with_return_elements(
        meta_graph_or_file,
        clear_devices,
        graph,
        import_scope,
        input_map,
        unbound_inputs_col_name,
        restore_collections_predicate,
    )[0]


def import_scoped_meta_graph_with_return_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    graph: Any = None,
    import_scope: str | None = None,
    input_map: Any = None,
    unbound_inputs_col_name: str = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
    return_elements: Any = None,
) -> tuple[dict[str, Any], Any]:
    """Adds a MetaGraphDef to a graph; returns its variables by name, and the elements asked for.

    Raises:
      ValueError: an input is unbound, or no graph is being built.
    """
    if executing_eagerly():
        raise ValueError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled."
        )
    imported = meta_graph.import_into_graph(
        meta_graph_or_file,
        import_scope,
        clear_devices,
        get_default_graph() if graph is None else graph,
        input_map,
        unbound_inputs_col_name,
        restore_collections_predicate,
        return_elements,
        consent=meta_graph.consent_of(meta_graph_or_file),
    )
    return imported.variables, imported.elements


def copy_scoped_meta_graph(
    from_scope: str, to_scope: str, from_graph: Any = None, to_graph: Any = None
) -> dict[str, Any]:
    """Copies what is in a scope to another, of the same or another graph; returns the new variables by name.

    Raises:
      ValueError: the scopes and graphs are the same.
    """
    source = get_default_graph() if from_graph is None else from_graph
    target = get_default_graph() if to_graph is None else to_graph
    if source is target and from_scope == to_scope:
        raise ValueError(
            "'from_scope' and 'to_scope' need to be different when performing copy in the same graph. "
            f"Received: 'from_graph': {source}, 'to_graph': {target}, 'from_scope': {from_scope}, "
            f"'to_scope': {to_scope}."
        )
    exported, _ = export_scoped_meta_graph(export_scope=from_scope, graph=source)
    return import_scoped_meta_graph(exported, graph=target, import_scope=to_scope)
