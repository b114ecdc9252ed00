"""Export and import of MetaGraphDefs: a graph with its collections and its saver."""

import os
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock._src.api.variables import SaveSliceInfo
from penstock._src.core.calls.consent import Consent, consent_for, consent_of_program
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import UNIQUE, Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.filesystems.files import exists, make_folders, read
from penstock._src.filesystems.whole import write_whole
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.default_attributes import (
    fill_default_attributes,
    strip_default_attributes,
)
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.proto.saved import MetaGraphDef, QueueRunnerDef, SaverDef, VariableDef
from penstock._src.util.export import export
from penstock._src.util.slots import above
from penstock._src.v1.graphs.default_graph import resource_variables_enabled
from penstock._src.v1.graphs.meta_graphs import create_meta_graph_def
from penstock._src.v1.graphs.scoped_graphs import (
    is_included,
    prepend_name_scope,
    scoped_graph_def,
    strip_name_scope,
    unneeded_saver_nodes,
)
from penstock._src.v1.variables.collections import GraphKeys, VariableV1
from penstock._src.v1.variables.reference import ReferenceVariable

# For a collection: the class of its items' messages, the functions from an item to its message and back.
ProtoFunctions = tuple[Any, Callable[..., Any] | None, Callable[..., Any] | None]
_PROTO_FUNCTIONS: dict[str, ProtoFunctions] = {}
# The class of the messages of a collection, and the name of that of its items, which convert themselves.
_OBJECTS = {
    GraphKeys.QUEUE_RUNNERS: (QueueRunnerDef, "QueueRunner"),
    GraphKeys.SAVERS: (SaverDef, "Saver"),
}


def register_proto_function(
    collection_name: str,
    proto_type: Any = None,
    to_proto: Callable[..., Any] | None = None,
    from_proto: Callable[..., Any] | None = None,
) -> None:
    """Registers how meta graphs hold the items of a collection.

    Args:
      collection_name: the collection.
      proto_type: the class of the messages.
      to_proto: `to_proto(item, export_scope=...)` returns a message, or None for an item to leave out.
      from_proto: `from_proto(message, import_scope=...)` returns an item.
    """
    for name, function in (("to_proto", to_proto), ("from_proto", from_proto)):
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be callable.")
    if collection_name in _PROTO_FUNCTIONS:
        raise KeyError(f"Registering two proto functions with name '{collection_name}'!")
    _PROTO_FUNCTIONS[collection_name] = (proto_type, to_proto, from_proto)


def proto_functions(collection_name: str) -> ProtoFunctions:
    """Returns the functions registered for a collection, or Nones."""
    if collection_name in _OBJECTS and collection_name not in _PROTO_FUNCTIONS:
        kind = above(_OBJECTS[collection_name][1])
        return _OBJECTS[collection_name][0], kind.to_proto, kind.from_proto
    return _PROTO_FUNCTIONS.get(collection_name, (None, None, None))


@export(v1=["train.export_meta_graph"])
def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Any = None,
    as_text: bool = False,
    graph: Any = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    **kwargs: Any,
) -> Any:
    """Returns the MetaGraphDef of a graph, and writes it to a file if one is named.

    Args:
      filename: of the file.
      meta_info_def: a MetaInfoDef to include.
      graph_def: a GraphDef to use instead of the graph's.
      saver_def: of the saver.
      collection_list: the names of the collections; by default all.
      as_text: whether the file is text.
      graph: by default the current one.
      export_scope: of which to export the nodes, with the scope taken off their names. The names of inputs from outside are
        marked, and listed in the collection "unbound_inputs".
      clear_devices: whether to omit the devices.
      clear_extraneous_savers: whether to omit the nodes of all savers but that of `saver_def`.
      strip_default_attrs: whether to omit attributes that have their defaults.
      save_debug_info: accepted.
      **kwargs: accepted.
    """
    return export_scoped(
        filename, graph_def, graph, export_scope, as_text, "unbound_inputs", clear_devices, saver_def,
        clear_extraneous_savers, strip_default_attrs, meta_info_def, collection_list,
    )[0]  # fmt: skip


def export_scoped(
    filename: str | None,
    graph_def: Any,
    graph: Any,
    export_scope: str | None,
    as_text: bool,
    unbound_inputs_col_name: str | None,
    clear_devices: bool,
    saver_def: Any,
    clear_extraneous_savers: bool,
    strip_default_attrs: bool,
    meta_info_def: Any = None,
    collection_list: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """Implements `export_meta_graph`; returns the exported variables by their names in the scope too."""
    graph = STATE.graph if graph is None else graph
    if graph is None:
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled."
        )
    definition = graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def
    excluded = unneeded_saver_nodes(definition, saver_def) if clear_extraneous_savers else set()
    if export_scope or clear_extraneous_savers or clear_devices:
        definition, unbound = scoped_graph_def(definition, export_scope, excluded, clear_devices)
        if unbound_inputs_col_name:
            graph.clear_collection(unbound_inputs_col_name)
            for name in unbound:
                graph.add_to_collection(unbound_inputs_col_name, name)
    meta_graph = meta_graph_of(
        graph, definition, meta_info_def, saver_def, collection_list, export_scope, excluded,
        clear_extraneous_savers, strip_default_attrs,
    )  # fmt: skip
    if filename:
        make_folders(os.path.dirname(os.fsdecode(filename)))
        data = (
            text_format.MessageToString(meta_graph) if as_text else meta_graph.SerializeToString()
        )
        write_whole(os.fsdecode(filename), data)
    variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=export_scope)
    kept = [v for v in variables if _is_kept(v, export_scope, excluded)]
    return meta_graph, {strip_name_scope(v.name, export_scope): v for v in kept}


def meta_graph_of(
    graph: Any,
    definition: Any,
    meta_info_def: Any,
    saver_def: Any,
    collection_list: Any,
    export_scope: str | None,
    excluded: Collection[str],
    clear_extraneous_savers: bool,
    strip_default_attrs: bool,
) -> Any:
    """Returns the MetaGraphDef of a GraphDef and the collections of its graph; see `export_meta_graph`."""
    meta_graph = create_meta_graph_def(meta_info_def, definition)
    if strip_default_attrs:
        strip_default_attributes(meta_graph.graph_def)
        meta_graph.meta_info_def.stripped_default_attrs = True
    if saver_def is not None:
        meta_graph.saver_def.CopyFrom(saver_def)
    for key in graph.get_all_collection_keys() if collection_list is None else collection_list:
        if isinstance(key, str):
            values = [v for v in graph.get_collection(key) if _is_kept(v, export_scope, excluded)]
            if clear_extraneous_savers and key == GraphKeys.SAVERS:
                values = [proto_functions(key)[2](saver_def)]  # type: ignore[misc]
            _fill_collection(
                meta_graph.collection_def[key], values, proto_functions(key)[1], export_scope
            )
            if meta_graph.collection_def[key].WhichOneof("kind") is None:
                del meta_graph.collection_def[key]
    return meta_graph


def _is_kept(item: Any, scope: str | None, excluded: Collection[str]) -> bool:
    """True if an item of a collection is exported. An item with a name must be in the scope."""
    name = item if isinstance(item, str) else getattr(item, "name", None)
    return name is None or is_included(name, scope, excluded)


def _fill_collection(
    collection: Any,
    values: list[Any],
    to_proto: Callable[..., Any] | None = None,
    scope: str | None = None,
) -> None:
    """Writes the values of a collection if they all have the same serializable kind, or a function for it is registered."""
    if not values:
        return
    if to_proto is not None:
        messages = [m for m in (to_proto(v, export_scope=scope) for v in values) if m is not None]
        collection.bytes_list.value.extend(m.SerializeToString() for m in messages)
        return
    if all(isinstance(v, Variable) for v in values):
        messages = [m for m in (variable_def(v, scope) for v in values) if m is not None]
        collection.bytes_list.value.extend(m.SerializeToString() for m in messages)
    elif all(isinstance(v, (Tensor, Operation)) for v in values):
        collection.node_list.value.extend(strip_name_scope(v.name, scope) for v in values)
    elif all(isinstance(v, int) for v in values):
        collection.int64_list.value.extend(values)
    elif all(isinstance(v, float) for v in values):
        collection.float_list.value.extend(values)
    elif all(isinstance(v, (str, bytes)) for v in values):
        collection.bytes_list.value.extend(v.encode() if isinstance(v, str) else v for v in values)


def variable_def(variable: Variable, export_scope: str | None = None) -> Any:
    """Returns the VariableDef of a variable of a graph.

    Args:
      export_scope: a scope that is removed from the names; the result is None for variables outside of it.
    """
    prefix = f"{export_scope}/" if export_scope else ""
    if not variable.handle.name.startswith(prefix):
        return None
    proto = VariableDef(
        variable_name=variable.handle.name.removeprefix(prefix),
        initializer_name=variable.initializer.name.removeprefix(prefix),
        initial_value_name=variable.initializer.inputs[1].name.removeprefix(prefix),
        snapshot_name=variable._graph_element.name.removeprefix(prefix),
        is_resource=not isinstance(variable, ReferenceVariable),
        trainable=variable.trainable,
    )
    info = variable._get_save_slice_info()
    if info is not None:
        proto.save_slice_info_def.CopyFrom(info.to_proto(export_scope))
    return proto


class Imported(NamedTuple):
    """Result of an import: the MetaGraphDef, the variables by their names in it, and the requested elements."""

    definition: Any
    variables: dict[str, Any]
    elements: Any


def import_into_graph(
    meta_graph_or_file: Any,
    import_scope: str | None = None,
    clear_devices: bool = False,
    graph: Any = None,
    input_map: Any = None,
    unbound_inputs_col_name: str = "unbound_inputs",
    restore_collections_predicate: Callable[[str], bool] = lambda key: True,
    return_elements: Any = None,
    *,
    consent: Consent | None,
) -> Imported:
    """Adds a MetaGraphDef, given itself or as a file, to a graph.

    Args:
      meta_graph_or_file: the MetaGraphDef.
      import_scope: put before all names.
      clear_devices: whether to omit the devices.
      graph: by default the current one.
      input_map: tensors for inputs, by name. All that are unbound need one.
      unbound_inputs_col_name: the collection that lists the unbound inputs.
      restore_collections_predicate: whether to add to a collection.
      return_elements: names of operations and tensors to return.
      consent: what the graph may do besides computing; None for anything.

    Raises:
      RuntimeError: there is no graph.
      ValueError: an input is unbound.
    """
    definition = read_meta_graph_file(meta_graph_or_file)
    graph = STATE.graph if graph is None else graph
    if graph is None:
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled."
        )
    _check_bound(definition, unbound_inputs_col_name, input_map or {})
    if definition.meta_info_def.stripped_default_attrs:
        fill_default_attributes(definition.graph_def)  # also for the caller, as in TensorFlow
    if clear_devices:
        for node in definition.graph_def.node:
            node.device = ""
    with graph.as_default():
        scope = graph.unique_name(import_scope, mark_as_used=False) if import_scope else ""
        elements = add_graph_def(
            definition.graph_def, input_map, return_elements, import_scope or "", consent=consent
        )
        known: dict[str, Any] = {}
        for key, collection in definition.collection_def.items():
            if key != unbound_inputs_col_name and restore_collections_predicate(key):
                for item in _items(key, collection, graph, scope, known):
                    graph.add_to_collection(key, item)
    variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope=scope or None)
    for variable in variables:
        if not hasattr(variable, "name"):
            raise ValueError(
                f"The collection of variables holds an object that is not a variable: {variable!r:.60}."
            )
    return Imported(definition, {strip_name_scope(v.name, scope): v for v in variables}, elements)


def consent_of(meta_graph_or_file: Any, allow: str | Iterable[str] = ()) -> Consent | None:
    """Returns the permissions of a MetaGraphDef: the program's if it holds it itself, else those of a file."""
    if hasattr(meta_graph_or_file, "graph_def"):
        return consent_of_program()
    path = os.fsdecode(meta_graph_or_file)
    return consent_for(path, os.path.dirname(os.path.abspath(path)), allow)


def _check_bound(definition: Any, collection: str, input_map: Any) -> None:
    if not collection or collection not in definition.collection_def:
        return
    collected = definition.collection_def[collection]
    unbound = [v.decode() if isinstance(v, bytes) else v for v in collected.bytes_list.value]
    if unbound and sorted(unbound) != sorted(input_map):
        missing = ",".join(name for name in unbound if name not in input_map)
        raise ValueError(
            f"Graph contains unbound inputs: {missing}. Must provide these inputs through input_map."
        )


def _items(key: str, collection: Any, graph: Any, scope: str, known: dict[str, Any]) -> list[Any]:
    proto_type, _, from_proto = proto_functions(key)
    if proto_type is not None and from_proto is not None:
        messages = [proto_type.FromString(data) for data in collection.bytes_list.value]
        return [from_proto(message, import_scope=scope) for message in messages]
    return _values(collection, graph, f"{scope}/" if scope else "", known)


def read_meta_graph_file(meta_graph_or_file: Any) -> Any:
    """Returns the MetaGraphDef of a file, binary or text; a MetaGraphDef as it is.

    Raises:
      OSError: there is no such file, or it holds something else.
    """
    if hasattr(meta_graph_or_file, "graph_def"):
        return meta_graph_or_file
    path = os.fsdecode(meta_graph_or_file)
    if not exists(path):
        raise OSError(f"File does not exist. Received: {path}.")
    data = read(path)
    try:
        return MetaGraphDef.FromString(data)
    except DecodeError:  # it may be text
        try:
            return text_format.Parse(data.decode(), MetaGraphDef())
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise OSError(f"Cannot parse file {path}: {error}.") from error


def _values(collection: Any, graph: Any, prefix: str, known: dict[str, Any]) -> list[Any]:
    kind = collection.WhichOneof("kind")
    if kind == "node_list":
        names = collection.node_list.value
        return [graph.as_graph_element(prefix + name) for name in names]
    if kind != "bytes_list":
        return list(getattr(collection, kind).value) if kind else []
    elements = []
    for data in collection.bytes_list.value:
        definition = _as_variable_def(data)
        if definition is None:
            elements.append(prepend_name_scope(data, prefix))
            continue
        if definition.variable_name not in known:
            known[definition.variable_name] = variable_of(definition, graph, prefix)
        elements.append(known[definition.variable_name])
    return elements


def _as_variable_def(data: bytes) -> Any:
    try:
        definition = VariableDef.FromString(data)
    except DecodeError:
        return None
    return definition if definition.variable_name and definition.initializer_name else None


def variable_of(definition: Any, graph: Any, prefix: str) -> Variable:
    """Returns the variable of a VariableDef, which uses existing operations of the graph."""
    variable = object.__new__(VariableV1 if definition.is_resource else ReferenceVariable)
    handle = graph.as_graph_element(prefix + definition.variable_name)
    variable._trainable, variable._constraint = definition.trainable, None
    variable._synchronization = VariableSynchronization.AUTO
    variable._aggregation, variable._in_graph_mode = VariableAggregation.NONE, True
    variable._unique = next(UNIQUE)
    if definition.is_resource:
        handle.op.stands_for_reference = not resource_variables_enabled()
    attrs = handle.op.raw_op.attrs
    variable._name, variable._handle = handle.op.name, handle
    variable._dtype = attrs["dtype"]
    variable._shape = attrs["shape"]
    variable._initializer = graph.as_graph_element(prefix + definition.initializer_name)
    variable._initial_value = None
    if definition.initial_value_name:
        variable._initial_value = graph.as_graph_element(prefix + definition.initial_value_name)
    variable._graph_element = graph.as_graph_element(prefix + definition.snapshot_name)
    if definition.HasField("save_slice_info_def"):
        info = SaveSliceInfo(
            save_slice_info_def=definition.save_slice_info_def, import_scope=prefix[:-1]
        )
        variable._set_save_slice_info(info)
    return variable


def scoped_saver(saver_def: Any, import_scope: str | None) -> Any:
    """The SaverDef with the names of its operations moved to a scope."""
    if not import_scope:
        return saver_def
    scoped = type(saver_def)()
    scoped.CopyFrom(saver_def)
    for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
        setattr(scoped, field, f"{import_scope}/{getattr(saver_def, field)}")
    return scoped


def saver_without_scope(saver_def: Any, export_scope: str) -> Any:
    """The SaverDef with a scope taken off the names of its operations."""
    result = type(saver_def)()
    result.CopyFrom(saver_def)
    for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
        setattr(result, field, strip_name_scope(getattr(saver_def, field), export_scope))
    return result
