"""SavedModels of tf.compat.v1: graphs with signatures, saved from and loaded into a session."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.api.control.scopes import group
from penstock._src.core import dispatch
from penstock._src.core.calls.consent import consent_for
from penstock._src.core.dispatch import STATE
from penstock._src.filesystems.files import exists
from penstock._src.ops.io.bundle import index_name
from penstock._src.saving import metrics
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.files import of_file, parse
from penstock._src.util.export import export
from penstock._src.util.signatures import hiding, read_only
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.saving.model_builder import INIT_OP_KEY, TRAIN_OP_KEY, Builder
from penstock._src.v1.saving.program import asset_files, main_operations
from penstock._src.v1.saving.saver import import_consented
from penstock._src.v1.saving.signature_defs import predict_signature_def
from penstock._src.v1.variables.collections import (
    GraphKeys,
    global_variables_initializer,
    local_variables_initializer,
    tables_initializer,
)


@export(v1=["saved_model.simple_save"])
def simple_save(
    session: Any,
    export_dir: Any,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes a SavedModel for serving predictions.

    Args:
      session: the session with the variables.
      export_dir: the folder.
      inputs: tensors by name.
      outputs: tensors by name.
      legacy_init_op: runs after loading.
    """
    with dispatch.building(session.graph):
        signature = predict_signature_def(inputs, outputs)
    builder = Builder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        [constants.SERVING],
        {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=session.graph.get_collection("asset_filepaths"),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()


@export(v1=["saved_model.load", "saved_model.loader.load"])
@hiding("allow")
def load(
    sess: Any,
    tags: Sequence[str],
    export_dir: Any,
    import_scope: str | None = None,
    allow: str | Iterable[str] = (),
    **saver_kwargs: Any,
) -> Any:
    """Adds a graph of a SavedModel to the graph of a session, restores its variables, and runs its main op.

    Args:
      sess: the session.
      tags: exactly the tags of the graph.
      export_dir: the folder.
      import_scope: a scope for the names of the graph.
      allow: what the graph may do besides computing and reading the model's files; see tf.saved_model.experimental.allow.
      **saver_kwargs: of tf.compat.v1.train.import_meta_graph.

    Returns:
      The MetaGraphDef.
    """
    return SavedModelLoader(export_dir, allow).load(sess, tags, import_scope, **saver_kwargs)


class SavedModelLoader:
    """Loads graphs of a SavedModel into sessions, as a whole or step by step.

    Args:
      export_dir: the folder.
      allow: what the graphs may do besides computing and reading the model's files.
    """

    def __init__(self, export_dir: Any, allow: str | Iterable[str] = ()) -> None:
        self._export_dir = os.fsdecode(export_dir)
        self._consent = consent_for(f"the SavedModel {self._export_dir}", self._export_dir, allow)
        self._saved_model = parse(self._export_dir)

    export_dir = read_only("_export_dir", "The folder.")
    saved_model = read_only("_saved_model", "The SavedModel message.")

    @property
    def variables_path(self) -> str:
        """The prefix of the files with the variables."""
        return os.path.join(
            self._export_dir, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME
        )

    def get_meta_graph_def_from_tags(self, tags: Any) -> Any:
        """Returns the MetaGraphDef that has exactly these tags.

        Raises:
          RuntimeError: there is none.
        """
        wanted = {tags} if isinstance(tags, str) else set(tags)
        for meta in self._saved_model.meta_graphs:
            if set(meta.meta_info_def.tags) == wanted:
                return meta
        available = [set(meta.meta_info_def.tags) for meta in self._saved_model.meta_graphs]
        raise RuntimeError(
            f"MetaGraphDef associated with tags {str(sorted(wanted)).strip('[]')} could not be "
            f"found in SavedModel, with available tags '{available}'. To inspect available "
            "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`."
        )

    def load_graph(
        self, graph: Any, tags: Any, import_scope: str | None = None, **saver_kwargs: Any
    ) -> tuple[Any, list[Any]]:
        """Adds a graph of the SavedModel to `graph`; returns the saver, or None, and the requested elements."""
        definition = self.get_meta_graph_def_from_tags(tags)
        with dispatch.building(graph):
            saver = import_consented(
                definition, self._consent, import_scope=import_scope, **saver_kwargs
            )
            names = saver_kwargs.get("return_elements") or ()
            prefix = f"{import_scope}/" if import_scope else ""
            return saver, [graph.as_graph_element(prefix + name) for name in names]

    def restore_variables(self, sess: Any, saver: Any, import_scope: str | None = None) -> None:
        """Restores the variables of a session by a saver.

        Raises:
          ValueError: there is no saver although the graph has variables.
        """
        with sess.graph.as_default():
            if saver is not None and exists(index_name(self.variables_path)):
                saver.restore(sess, self.variables_path)
            elif saver is None and all_variables(import_scope):
                raise ValueError(
                    "No saver was passed to `restore_variables`, but there are variables to restore."
                )

    def run_init_ops(self, sess: Any, tags: Any, import_scope: str | None = None) -> None:
        """Runs the operations that prepare a loaded graph, with the paths of its assets."""
        definition = self.get_meta_graph_def_from_tags(tags)
        prefix = f"{import_scope}/" if import_scope else ""
        folder = os.path.join(self._export_dir, constants.ASSETS_DIRECTORY)
        feeds = {
            prefix + asset.tensor_info.name: os.path.join(folder, asset.filename)
            for asset in asset_files(definition)
        }
        for operation in main_operations(definition):
            sess.run(sess.graph.as_graph_element(prefix + operation), feeds)

    def load(
        self, sess: Any, tags: Any, import_scope: str | None = None, **saver_kwargs: Any
    ) -> Any:
        """Does all steps; returns the MetaGraphDef."""
        metrics.COUNTS["read_api", metrics.LOADER] += 1
        with of_file(self._consent.origin, self._export_dir):
            saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
            self.restore_variables(sess, saver, import_scope)
            self.run_init_ops(sess, tags, import_scope)
        meta = self.get_meta_graph_def_from_tags(tags)
        metrics.COUNTS["read", "2" if meta.object_graph_def.nodes else "1"] += 1
        return meta


def _named_operation(definition: Any, keys: Sequence[str], import_scope: str | None) -> Any:
    """The element of the current graph that a signature or collection with one of the names holds, or None."""
    prefix = f"{import_scope}/" if import_scope else ""
    for key in keys:
        if key in definition.signature_def:
            name = definition.signature_def[key].outputs[key].name
            return get_default_graph().as_graph_element(prefix + name)
        elements = get_default_graph().get_collection(key, import_scope)
        if elements and key in definition.collection_def:
            return elements[0]
    return None


def get_init_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """Returns the operation of the current graph that runs after loading, or None."""
    keys = (INIT_OP_KEY, constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY)
    return _named_operation(meta_graph_def, keys, import_scope)


def get_train_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """Returns the operation of the current graph that trains, or None."""
    return _named_operation(meta_graph_def, (TRAIN_OP_KEY, "saved_model_train_op"), import_scope)


def all_variables(scope: str | None) -> list[Any]:
    """The variables of the current graph, within a scope."""
    graph = get_default_graph()
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


@export(v1=["saved_model.main_op.main_op"])
def main_op() -> Any:
    """Returns an operation that initializes all variables and tables."""
    return group(
        global_variables_initializer(), local_variables_initializer(), tables_initializer()
    )


@export(v1=["saved_model.main_op_with_restore", "saved_model.main_op.main_op_with_restore"])
def main_op_with_restore(restore_op_name: str) -> Any:
    """Returns an operation that initializes everything and then runs the restore operation."""
    graph = STATE.graph
    with graph.control_dependencies([main_op()]):
        restore = graph.as_graph_element(restore_op_name)
    return group(restore)
