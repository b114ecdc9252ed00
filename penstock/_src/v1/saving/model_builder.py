"""Builders of SavedModels: graphs with signatures, assets and the values of a session's variables."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import text_format

from penstock._src.core import dispatch
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.graph.operation import Operation
from penstock._src.graph.static_values import constant_value
from penstock._src.proto.saved import AssetFileDef, SavedModel, SignatureDef, TensorInfo
from penstock._src.saving import metrics
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.assets import AssetFolder
from penstock._src.util.export import export
from penstock._src.v1.saving import meta_graph
from penstock._src.v1.saving.saver import Saver

# The signatures under which a SavedModel keeps operations that run after loading, and that train.
INIT_OP_KEY = "__saved_model_init_op"
TRAIN_OP_KEY = "__saved_model_train_op"


@export("__internal__.saved_model.SavedModelBuilder", v1=[])
class SavedModelBuilder:
    """Writes a SavedModel of one or several graphs with shared variables; operations are kept as signatures.

    Args:
      export_dir: the folder, which must be new or empty.
    """

    def __init__(self, export_dir: Any) -> None:
        metrics.COUNTS["write_api", metrics.SAVE_BUILDER] += 1
        self._export_dir = os.fsdecode(export_dir)
        if files.is_folder(self._export_dir) and files.names(self._export_dir):
            raise AssertionError(
                f"Export directory {self._export_dir} already exists, and isn't empty. Please "
                "choose a different export directory, or delete all the contents of the specified "
                "directory."
            )
        files.make_folders(self._export_dir)
        self._saved_model = SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_saved_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_list: Any = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the graph of a session, and writes the values of its variables.

        Args:
          sess: the session.
          tags: identify the graph.
          signature_def_map: SignatureDefs by name.
          assets_list: tensors with the paths of asset files.
          clear_devices: whether to omit devices.
          init_op: runs after loading.
          train_op: is kept for training.
          strip_default_attrs: whether to omit attributes that have their defaults.
          saver: writes the variables; by default a new one for all variables.
        """
        self._refuse_second_values()
        signatures = self._with_operations(signature_def_map, init_op, train_op)
        with dispatch.building(sess.graph):
            saver = self._write_values(sess, saver)
            meta_graph = self._exported(saver, clear_devices, strip_default_attrs)
            self._add_assets(meta_graph, assets_list)
            self._add(meta_graph, tags, signatures)

    def add_meta_graph(
        self,
        tags: Sequence[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_list: Any = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        saver: Any = None,
    ) -> None:
        """Adds the current graph. The arguments are those of `add_meta_graph_and_variables`."""
        self._require_values()
        signatures = self._with_operations(signature_def_map, init_op, train_op)
        meta_graph = self._exported(saver or _new_saver(), clear_devices, True)
        self._add_assets(meta_graph, assets_list)
        self._add(meta_graph, tags, signatures)

    def _refuse_second_values(self) -> None:
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke "
                "`add_meta_graph()` instead."
            )

    def _require_values(self) -> None:
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )
        if STATE.graph is None:
            raise RuntimeError("add_meta_graph is not supported when executing eagerly.")

    def _write_values(self, sess: Any, saver: Any) -> Any:
        """Writes the values of the variables; returns the saver."""
        saver = saver or _new_saver()
        folder = os.path.join(self._export_dir, constants.VARIABLES_DIRECTORY)
        files.make_folders(folder)
        if saver.as_saver_def() is not None:
            path = os.path.join(folder, constants.VARIABLES_FILENAME)
            saver.save(sess, path, write_meta_graph=False, write_state=False)
        self._has_saved_variables = True
        return saver

    def _exported(self, saver: Any, clear_devices: bool, strip_default_attrs: bool) -> Any:
        return meta_graph.export_meta_graph(
            graph=STATE.graph,
            saver_def=saver.as_saver_def(),
            clear_devices=clear_devices,
            strip_default_attrs=strip_default_attrs,
        )

    def _with_operations(self, signature_map: Any, init_op: Any, train_op: Any) -> dict[str, Any]:
        """The checked signatures, with those of the operations."""
        signatures = dict(signature_map or {})
        check_signatures(signatures)
        for key, op in ((INIT_OP_KEY, init_op), (TRAIN_OP_KEY, train_op)):
            if op is not None:
                signatures[key] = _signature_of(op, key)
        return signatures

    def _add(
        self, meta_graph: Any, tags: Sequence[str], signatures: Mapping[str, Any] | None
    ) -> None:
        meta_graph.meta_info_def.tags.extend(tags)
        for name, signature in (signatures or {}).items():
            meta_graph.signature_def[name].CopyFrom(signature)
        self._saved_model.meta_graphs.add().CopyFrom(meta_graph)

    def _add_assets(self, meta_graph: Any, tensors: Any) -> None:
        """Copies the files that tensors name, and lists them in the MetaGraphDef."""
        meta_graph.asset_file_def.extend(self._copied_assets(tensors))

    def _copied_assets(self, tensors: Any) -> list[Any]:
        """Copies the files that tensors name; a file of an earlier graph stays as it is."""
        files = AssetFolder(self._export_dir, keeps=True)
        return [
            AssetFileDef(
                filename=files.add(_asset_path(tensor)), tensor_info=TensorInfo(name=tensor.name)
            )
            for tensor in tensors or ()
        ]

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
        files.make_folders(self._export_dir)
        name = (
            constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB
        )
        path = os.path.join(self._export_dir, name)
        saved = self._saved_model
        data = text_format.MessageToString(saved).encode() if as_text else saved.SerializeToString()
        write_whole(path, data)
        metrics.COUNTS["write", "1"] += 1
        return path.encode()


@export(v1=["saved_model.Builder", "saved_model.builder.SavedModelBuilder"])
class Builder(SavedModelBuilder):
    """Writes a SavedModel of one or several graphs with shared variables; operations are kept in collections.

    Args:
      export_dir: the folder, which must be new or empty.
    """

    def add_meta_graph_and_variables(  # type: ignore[override]
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
          strip_default_attrs: whether to omit attributes that have their defaults.
          saver: writes the variables; by default a new one for all variables.
        """
        self._refuse_second_values()
        check_signatures(signature_def_map or {})
        with dispatch.building(sess.graph):
            _keep_main_op(
                legacy_init_op if main_op is None else main_op, legacy_init_op is not None
            )
            saver = self._write_values(sess, saver)
            meta_graph = self._exported(saver, clear_devices, strip_default_attrs)
            self._add_assets(meta_graph, assets_collection)
            self._add(meta_graph, tags, signature_def_map)

    def _add_assets(self, meta_graph: Any, tensors: Any) -> None:
        """Copies the files that tensors name, and lists them in a collection."""
        for asset in self._copied_assets(tensors):
            meta_graph.collection_def[constants.ASSETS_KEY].any_list.value.add().Pack(asset)

    def add_meta_graph(  # type: ignore[override]
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
        self._require_values()
        check_signatures(signature_def_map or {})
        _keep_main_op(legacy_init_op if main_op is None else main_op, legacy_init_op is not None)
        meta_graph = self._exported(saver or _new_saver(), clear_devices, strip_default_attrs)
        self._add_assets(meta_graph, assets_collection)
        self._add(meta_graph, tags, signature_def_map)


def _new_saver() -> Saver:
    return Saver(sharded=True, allow_empty=True)


def _asset_path(tensor: Any) -> str:
    if not isinstance(tensor, Tensor) or tensor.op.type != "Const":
        raise TypeError(f"Asset {tensor} is not a constant: its value must be known when saving.")
    path = os.fsdecode(constant_value(tensor).item())
    if not path:
        raise ValueError(f"Invalid asset filepath tensor {tensor}: the path is empty.")
    return path


def _keep_main_op(op: Any, is_legacy: bool) -> None:
    """Puts the operation that runs after loading into a collection of the current graph."""
    if op is None:
        return
    if not isinstance(op, Operation):
        raise TypeError(f"Expected {op} to be an Operation but got type {type(op)} instead.")
    key = constants.LEGACY_INIT_OP_KEY if is_legacy else constants.MAIN_OP_KEY
    for name in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if STATE.graph.get_collection(name):
            raise ValueError(
                f"Graph already contains one or more main ops under the collection {name}."
            )
    STATE.graph.add_to_collection(key, op)


def _signature_of(op: Any, key: str) -> Any:
    if not isinstance(op, Operation | Tensor) and not hasattr(op, "handle"):
        raise TypeError(f"Expected {op} to be an Operation, Tensor or variable.")
    element = op if isinstance(op, Operation | Tensor) else op.op
    signature = SignatureDef()
    signature.outputs[key].name = element.name
    signature.outputs[key].tensor_shape.unknown_rank = True
    return signature


def check_signatures(signatures: Mapping[str, Any]) -> None:
    """Raises AssertionError for a tensor without name or type, KeyError for a name that is reserved for operations."""
    for signature in signatures.values():
        for info in [*signature.inputs.values(), *signature.outputs.values()]:
            _check_info(info)
    for key, what in ((INIT_OP_KEY, "initialization"), (TRAIN_OP_KEY, "the train op")):
        if key in signatures:
            raise KeyError(
                f'SignatureDef map key "{key}" is reserved for {what}. Please use a different key.'
            )


def _check_info(info: Any) -> None:
    kind = info.WhichOneof("encoding")
    if kind is None:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have one of the "
            "'encoding' fields (e.g., name or coo_sparse) set."
        )
    if kind == "composite_tensor":
        for component in info.composite_tensor.components:
            _check_info(component)
    elif not info.dtype:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have the dtype "
            "field set."
        )
