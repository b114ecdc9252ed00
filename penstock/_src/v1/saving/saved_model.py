"""SavedModels of tf.compat.v1: graphs with signatures, saved from and loaded into a session."""

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.api.control.scopes import group
from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.graph.static_values import constant_value
from penstock._src.ops.io.bundle import index_name
from penstock._src.proto.saved import SavedModel
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.files import parse
from penstock._src.util.export import export
from penstock._src.v1.saving import meta_graph
from penstock._src.v1.saving.program import main_operations
from penstock._src.v1.saving.saver import Saver, import_meta_graph
from penstock._src.v1.saving.signature_defs import predict_signature_def
from penstock._src.v1.variables.collections import (
    global_variables_initializer,
    local_variables_initializer,
    tables_initializer,
)


@export(v1=["saved_model.Builder", "saved_model.builder.SavedModelBuilder"])
class Builder:
    """Writes a SavedModel of one or several graphs with shared variables.

    Args:
      export_dir: the folder, which must be new or empty.
    """

    def __init__(self, export_dir: Any) -> None:
        self._export_dir = os.fsdecode(export_dir)
        if os.path.isdir(self._export_dir) and os.listdir(self._export_dir):
            raise AssertionError(
                f"Export directory {self._export_dir} already exists, and isn't empty. Please "
                "choose a different export directory, or delete all the contents of the specified "
                "directory."
            )
        os.makedirs(self._export_dir, exist_ok=True)
        self._saved_model = SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_saved_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the graph of a session, and writes the values of its variables.

        Args:
          sess: the session.
          tags: identify the graph.
          signature_def_map: SignatureDefs by name.
          assets_collection: tensors with the paths of asset files.
          legacy_init_op: runs after loading; prefer `main_op`.
          clear_devices: whether to omit devices.
          main_op: runs after loading.
          strip_default_attrs: accepted.
          saver: writes the variables; by default a new one for all variables.
        """
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke "
                "`add_meta_graph()` instead."
            )
        with dispatch.building(sess.graph):
            saver = saver or Saver(allow_empty=True)
            folder = os.path.join(self._export_dir, constants.VARIABLES_DIRECTORY)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, constants.VARIABLES_FILENAME)
            if sess.graph.get_collection("variables"):
                saver.save(sess, path, write_meta_graph=False, write_state=False)
            self._has_saved_variables = True
            self.add_meta_graph(
                tags,
                signature_def_map,
                assets_collection,
                legacy_init_op,
                clear_devices,
                main_op,
                strip_default_attrs,
                saver,
            )

    def add_meta_graph(
        self,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the current graph. The arguments are those of `add_meta_graph_and_variables`."""
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )
        for signature in (signature_def_map or {}).values():
            _check(signature)
        graph = STATE.graph
        if graph is None:
            raise RuntimeError("add_meta_graph is not supported when executing eagerly.")
        saver = saver or Saver(allow_empty=True)
        key = constants.MAIN_OP_KEY if main_op is not None else constants.LEGACY_INIT_OP_KEY
        chosen = legacy_init_op if main_op is None else main_op
        if chosen is not None:
            if graph.get_collection(key):
                raise ValueError(
                    f"Graph already contains one or more main ops under the collection {key}."
                )
            graph.add_to_collection(key, chosen)
        made = meta_graph.export_meta_graph(
            graph=graph, saver_def=saver.as_saver_def(), clear_devices=clear_devices
        )
        made.meta_info_def.tags.extend(tags)
        for name, signature in (signature_def_map or {}).items():
            made.signature_def[name].CopyFrom(signature)
        self._add_assets(made, assets_collection or ())
        self._saved_model.meta_graphs.add().CopyFrom(made)

    def _add_assets(self, made: Any, tensors: Any) -> None:
        folder = os.path.join(self._export_dir, constants.ASSETS_DIRECTORY)
        for tensor in tensors:
            if tensor.op.type != "Const":
                raise TypeError(f"Asset {tensor} is not a constant.")
            path = os.fsdecode(constant_value(tensor).item())
            os.makedirs(folder, exist_ok=True)
            shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))
            described = made.asset_file_def.add(filename=os.path.basename(path))
            described.tensor_info.name = tensor.name

    def save(
        self,
        as_text: bool = False,
        experimental_image_format: bool = False,
        experimental_image_writer_options: Any = None,
    ) -> bytes:
        """Writes the message of the SavedModel; returns its path.

        Args:
          as_text: whether the file is text.
          experimental_image_format: accepted.
          experimental_image_writer_options: accepted.
        """
        name = (
            constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        )
        path = os.path.join(self._export_dir, name)
        saved = self._saved_model
        data = text_format.MessageToString(saved).encode() if as_text else saved.SerializeToString()
        with open(path, "wb") as file:
            file.write(data)
        return path.encode()


def _check(signature: Any) -> None:
    for info in [*signature.inputs.values(), *signature.outputs.values()]:
        if info.WhichOneof("encoding") is None:
            raise AssertionError(
                "All TensorInfo protos used in the SignatureDefs must have one of the 'encoding' "
                f"fields (e.g., name or coo_sparse) set.: {info}"
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
def load(
    sess: Any,
    tags: Sequence[str],
    export_dir: Any,
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Adds a graph of a SavedModel to the graph of a session, restores its variables, and runs its main op.

    Args:
      sess: the session.
      tags: exactly the tags of the graph.
      export_dir: the folder.
      import_scope: a scope for the names of the graph.
      **saver_kwargs: of tf.compat.v1.train.import_meta_graph.

    Returns:
      The MetaGraphDef.
    """
    folder = os.fsdecode(export_dir)
    saved = parse(folder)
    wanted = {tags} if isinstance(tags, str) else set(tags)
    found = [meta for meta in saved.meta_graphs if set(meta.meta_info_def.tags) == wanted]
    if not found:
        available = [set(meta.meta_info_def.tags) for meta in saved.meta_graphs]
        raise RuntimeError(
            f"MetaGraphDef associated with tags {str(sorted(wanted)).strip('[]')} could not be "
            f"found in SavedModel, with available tags '{available}'. To inspect available "
            "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`."
        )
    definition = found[0]
    with dispatch.building(sess.graph):
        saver = import_meta_graph(definition, import_scope=import_scope, **saver_kwargs)
    path = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    if saver is not None and os.path.exists(index_name(path)):
        saver.restore(sess, path)
    prefix = f"{import_scope}/" if import_scope else ""
    feeds = {
        prefix + asset.tensor_info.name: os.path.join(
            folder, constants.ASSETS_DIRECTORY, asset.filename
        )
        for asset in definition.asset_file_def
    }
    for operation in main_operations(definition):
        sess.run(sess.graph.as_graph_element(prefix + operation), feeds)
    return definition


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
