"""`tensorflow.python.tools.freeze_graph`: graphs with the values of a checkpoint in place of variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.api.io import gfile
from penstock._src.bridge.internals.saved_model import get_meta_graph_def
from penstock._src.core.calls.consent import reading_files
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.serialize.graph_defs import import_graph_def
from penstock._src.proto.graph import GraphDef
from penstock._src.proto.saved import MetaGraphDef, SaverDef
from penstock._src.saving.state import checkpoint_exists, load_checkpoint
from penstock._src.v1.graphs.session import Session
from penstock._src.v1.saving.freezing.constants import convert_variables_to_constants
from penstock._src.v1.saving.saved_model import load
from penstock._src.v1.saving.saver import Saver, import_meta_graph


def freeze_graph_with_def_protos(
    input_graph_def: Any,
    input_saver_def: Any,
    input_checkpoint: Any,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: Any,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_denylist: str = "",
    input_meta_graph_def: Any = None,
    input_saved_model_dir: Any = None,
    saved_model_tags: Sequence[str] | None = None,
    checkpoint_version: int = 2,
) -> Any:
    """Returns the GraphDef of some outputs, with variables replaced by constants.

    Args:
      input_graph_def: a GraphDef.
      input_saver_def: the SaverDef of a saver in the graph; by default variables are found by the checkpoint's names.
      input_checkpoint: the path of the checkpoint.
      output_node_names: names of the outputs, separated by commas.
      restore_op_name, filename_tensor_name: accepted.
      output_graph: the path of a file to write, or nothing.
      clear_devices: whether nodes lose their devices.
      initializer_nodes: names of operations to run after restoring, separated by commas.
      variable_names_whitelist, variable_names_denylist: names of variables to replace, or not to; separated by commas.
      input_meta_graph_def: a MetaGraphDef in place of the GraphDef.
      input_saved_model_dir: the folder of a SavedModel in place of both.
      saved_model_tags: its tags.
      checkpoint_version: accepted.

    Raises:
      ValueError: the checkpoint, outputs or variables are missing.
    """
    del restore_op_name, filename_tensor_name
    if not input_saved_model_dir and not checkpoint_exists(input_checkpoint):
        raise ValueError(f"Input checkpoint '{input_checkpoint}' doesn't exist!")
    if not output_node_names:
        raise ValueError("You need to supply the name of a node to --output_node_names.")
    meta = input_meta_graph_def
    graph_def = meta.graph_def if meta else input_graph_def
    if clear_devices and graph_def:
        for node in graph_def.node:
            node.device = ""
    if input_graph_def:
        import_graph_def(input_graph_def, name="")
    with Session() as session:
        if input_saver_def:
            saver = Saver(saver_def=input_saver_def, write_version=checkpoint_version)
            saver.restore(session, input_checkpoint)
        elif meta:
            restorer: Any = import_meta_graph(meta, clear_devices=True)
            restorer.restore(session, input_checkpoint)
            _run_all(session, initializer_nodes)
        elif input_saved_model_dir:
            load(session, list(saved_model_tags or []), input_saved_model_dir)
        else:
            _restore_by_name(session, input_checkpoint)
            _run_all(session, initializer_nodes)
        frozen = convert_variables_to_constants(
            session,
            graph_def,
            _names(output_node_names),
            variable_names_whitelist=_names(variable_names_whitelist) or None,
            variable_names_blacklist=_names(variable_names_denylist) or None,
        )
    if output_graph:
        with gfile.GFile(output_graph, "wb") as file:
            file.write(frozen.SerializeToString(deterministic=True))
    return frozen


def _names(text: str) -> list[str]:
    return [name for name in text.replace(" ", "").split(",") if name]


def _run_all(session: Session, names: str) -> None:
    if names:
        session.run(_names(names))


def _restore_by_name(session: Session, checkpoint: Any) -> None:
    """Restores the variables of the graph that have names of the checkpoint.

    Raises:
      ValueError: the node of such a name is not a variable.
    """
    nodes = {op.name: op for op in session.graph.get_operations()}
    reader = load_checkpoint(checkpoint)
    names = [name for name in reader.get_variable_to_shape_map() if name in nodes]
    if not names or any(nodes[name].type != "VarHandleOp" for name in names):
        raise _not_restorable(nodes)
    with session.graph.as_default():
        restore = [
            raw.AssignVariableOp(
                resource=nodes[name].outputs[0], value=convert_to_tensor(reader.get_tensor(name))
            )
            for name in names
        ]
    session.run(restore)


def _not_restorable(names: Iterable[str]) -> ValueError:
    if any(re.search(r"/part_\d+(/|$)", name) for name in names):
        return ValueError(
            "Models containing partition variables cannot be converted from checkpoint files. Please "
            "pass in a SavedModel using the flag --input_saved_model_dir."
        )
    return ValueError(
        "No variables were found in this model. It is likely the model was frozen previously. You "
        "cannot freeze a graph twice."
    )


def freeze_graph(
    input_graph: Any,
    input_saver: Any,
    input_binary: bool,
    input_checkpoint: Any,
    output_node_names: str,
    restore_op_name: Any,
    filename_tensor_name: Any,
    output_graph: Any,
    clear_devices: bool,
    initializer_nodes: str,
    variable_names_whitelist: str = "",
    variable_names_denylist: str = "",
    input_meta_graph: Any = None,
    input_saved_model_dir: Any = None,
    saved_model_tags: str = "serve",
    checkpoint_version: int = 2,
) -> Any:
    """`freeze_graph_with_def_protos` of a graph, saver or meta graph in files, binary or text.

    Raises:
      OSError: a file is missing.
    """
    graph_def = meta = saver_def = None
    if input_saved_model_dir:
        graph_def = get_meta_graph_def(input_saved_model_dir, saved_model_tags).graph_def
    elif input_graph:
        graph_def = _read(GraphDef(), input_graph, input_binary, "graph")
    if input_meta_graph:
        meta = _read(MetaGraphDef(), input_meta_graph, input_binary, "meta graph")
        print(f"Loaded meta graph file '{input_meta_graph}")
    if input_saver:
        saver_def = _read(SaverDef(), input_saver, input_binary, "saver")
    with reading_files():
        return freeze_graph_with_def_protos(
            graph_def,
            saver_def,
            input_checkpoint,
            output_node_names,
            restore_op_name,
            filename_tensor_name,
            output_graph,
            clear_devices,
            initializer_nodes,
            variable_names_whitelist,
            variable_names_denylist,
            meta,
            input_saved_model_dir,
            _names(saved_model_tags),
            checkpoint_version=checkpoint_version,
        )


def _read(message: Any, path: Any, is_binary: bool, what: str) -> Any:
    if not gfile.exists(path):
        raise OSError(f"Input {what} file '{path}' does not exist!")
    with gfile.GFile(path, "rb" if is_binary else "r") as file:
        if is_binary:
            message.ParseFromString(file.read())
        else:
            text_format.Merge(file.read(), message)
    return message
