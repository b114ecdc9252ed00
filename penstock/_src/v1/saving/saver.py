"""tf.compat.v1.train.Saver: checkpoints of variables by name."""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dispatch
from penstock._src.core.calls.consent import Consent, asked_for
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.errors import InvalidArgumentError, NotFoundError, OpError
from penstock._src.eager.context import init_scope
from penstock._src.filesystems import files
from penstock._src.ops.io.bundle import BundleReader, index_name, write_bundle
from penstock._src.proto.saved import SaverDef
from penstock._src.saving import metrics, state
from penstock._src.saving.saved_model.files import of_file
from penstock._src.saving.views import keys_by_name
from penstock._src.util.export import export
from penstock._src.util.signatures import hiding
from penstock._src.v1.saving import meta_graph
from penstock._src.v1.saving.builder import BulkSaverBuilder
from penstock._src.v1.saving.saveables import all_saveables, by_name
from penstock._src.v1.variables.collections import GraphKeys


@export(v1=["train.Saver"])
class Saver:
    """Saves and restores variables by name.

    Args:
      var_list: the variables, or a dict of them by the names in the checkpoint; by default all.
      reshape: whether restored values are reshaped to the shape of the variable.
      sharded: whether each device writes a file of its own.
      max_to_keep: how many checkpoints are kept.
      keep_checkpoint_every_n_hours: additionally, one checkpoint is kept for each period of this many hours.
      name: the scope of the operations.
      restore_sequentially: passed to the builder.
      saver_def: the SaverDef of a saver whose operations are already in the graph.
      builder: adds the operations.
      defer_build: whether `build` is called later.
      allow_empty: whether there may be no variables.
      write_version: accepted; the format is V2.
      pad_step_number: whether step numbers are padded to eight digits.
      save_relative_paths: whether the checkpoint file has relative paths.
      filename: the default of the operations' file name.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        self._given, self._reshape, self._allow_empty = var_list, reshape, allow_empty
        self._max_to_keep = max_to_keep
        self._keep_every = keep_checkpoint_every_n_hours
        self._pad, self._relative = pad_step_number, save_relative_paths
        self._kept: list[tuple[str, float]] = []
        self._next_preserved = time.time() + (keep_checkpoint_every_n_hours or 0) * 3600
        self._builder = builder or BulkSaverBuilder(write_version)
        self._sharded, self._name, self._filename = sharded, name, filename
        self._sequentially = restore_sequentially
        self.saver_def = saver_def
        if saver_def is not None:
            if not isinstance(saver_def, SaverDef):
                raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {saver_def}")
            if not saver_def.save_tensor_name:
                raise ValueError(f"saver_def must specify the save_tensor_name: {saver_def}")
            if not saver_def.restore_op_name:
                raise ValueError(f"saver_def must specify the restore_op_name: {saver_def}")
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. Either set defer_build=False or var_list=None."
            )
        if STATE.graph is None and var_list is None:
            raise RuntimeError(
                "When eager execution is enabled, `var_list` must specify a list or dict of "
                "variables to save"
            )
        self._variables: dict[str, Any] = {}
        self._is_empty = False
        self._of_objects: tuple[dict[str, str], Saver] | None = None
        if saver_def is None and not defer_build:
            self.build()

    def build(self) -> None:
        """Adds the operations that save and restore.

        Raises:
          ValueError: there are no variables.
        """
        if self.saver_def is not None:
            return
        variables = self._given
        if variables is None and STATE.graph is not None:
            variables = _saved_by_default(STATE.graph)
        self._variables = by_name(variables)
        self._is_empty = not self._variables
        if self._is_empty and not self._allow_empty:
            raise ValueError("No variables to save")
        if self._is_empty:
            return
        if STATE.graph is not None:
            self.saver_def = self._builder.build(
                self._variables,
                reshape=self._reshape,
                sharded=self._sharded,
                max_to_keep=self._max_to_keep,
                keep_checkpoint_every_n_hours=self._keep_every,
                name=self._name,
                restore_sequentially=self._sequentially,
                filename=self._filename,
            )

    def as_saver_def(self) -> Any:
        """Returns the SaverDef message."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the SaverDef message without a scope, or None for a saver outside of it."""
        if export_scope is None:
            return self.saver_def
        if not (self._name or "").startswith(export_scope):
            return None
        return meta_graph.saver_without_scope(self.saver_def, export_scope)

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> "Saver":
        """Return the saver of a SaverDef with its operations in a scope."""
        scoped = meta_graph.scoped_saver(saver_def, import_scope)
        return Saver(saver_def=scoped, name=import_scope or None)

    # -- saving

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Writes a checkpoint `<save_path>-<global_step>` and returns its path, or None if there are no variables.

        Args:
          sess: the session whose variables are saved; None when executing eagerly.
          save_path: the path prefix.
          global_step: the number in the name: an integer, a tensor or a variable.
          latest_filename: of the checkpoint file.
          meta_graph_suffix: of the file with the graph.
          write_meta_graph: whether to write that file.
          write_state: whether to record the checkpoint as the latest.
          strip_default_attrs: whether that file omits attributes that have their defaults.
          save_debug_info: accepted.
        """
        path = os.fsdecode(save_path)
        latest = latest_filename or "checkpoint"
        if os.path.dirname(latest):
            raise ValueError("'latest_filename' must not contain path components")
        if global_step is None and os.path.basename(path) == latest:
            raise ValueError(
                f"'latest_filename' collides with 'save_path': '{latest}' and '{path}'"
            )
        if global_step is not None:
            number = _step(sess, global_step)
            path = f"{path}-{number:08d}" if self._pad else f"{path}-{number}"
        above = os.path.dirname(os.path.dirname(path))
        if "://" not in path and not os.path.isdir(above or "."):  # only the last folder is created
            raise ValueError(f"Parent directory of {path} doesn't exist, can't save.")
        if not hasattr(sess, "run") and (sess is not None or in_v1_graph()):
            raise TypeError(f"'sess' must be a Session; {sess}")
        if self._is_empty:
            return None
        if self.saver_def is None:
            sess = None  # made in eager execution: there is nothing that a session could run
        with metrics.timed("checkpoint_write", metrics.SAVER):
            if sess is None:
                with init_scope():
                    specs = [s for one in all_saveables(self._variables) for s in one.specs]
                    write_bundle(path, {spec.name: np.asarray(spec.tensor) for spec in specs})
            else:
                definition = self.saver_def
                with asked_for(path):
                    sess.run(definition.save_tensor_name, {definition.filename_tensor_name: path})
        if write_state:
            self._keep(path, latest_filename, meta_graph_suffix)
        if write_meta_graph and sess is not None:
            with dispatch.building(sess.graph):
                self.export_meta_graph(
                    f"{path}.{meta_graph_suffix}", strip_default_attrs=strip_default_attrs
                )
        metrics.record_size(metrics.SAVER, path)  # with the file of the graph
        return path

    def _keep(self, path: str, latest_filename: str | None, suffix: str) -> None:
        """Records a checkpoint and removes old ones."""
        self._kept = [entry for entry in self._kept if entry[0] != path]
        self._kept.append((path, time.time()))
        removed = []
        while self._max_to_keep and len(self._kept) > self._max_to_keep:
            old, written = self._kept.pop(0)
            if self._keep_every and written > self._next_preserved:
                self._next_preserved += self._keep_every * 3600
                continue
            removed.append(old)
        state.update_checkpoint_state(  # first: who is killed while old ones are removed has the new one
            os.path.dirname(path),
            path,
            self.last_checkpoints,
            latest_filename,
            save_relative_paths=self._relative,
        )
        for old in removed:
            state.remove_checkpoint(old, meta_graph_suffix=suffix)

    @property
    def last_checkpoints(self) -> list[str]:
        """The paths of the kept checkpoints, oldest first."""
        return [path for path, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Sets the list of existing checkpoints, oldest first."""
        self._kept = [(path, time.time()) for path in last_checkpoints]

    def set_last_checkpoints_with_time(
        self, last_checkpoints_with_time: Sequence[tuple[str, float]]
    ) -> None:
        """Sets the list of existing checkpoints and the times when they were written."""
        self._kept = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Sets the list of checkpoints to those of the paths that exist."""
        existing = [path for path in checkpoint_paths if state.checkpoint_exists(path)]
        self._kept = [(path, files.status(index_name(path)).mtime_nsec / 1e9) for path in existing]

    # -- restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Restores the variables from a checkpoint.

        Raises:
          ValueError: there is no checkpoint.
          tf.errors.NotFoundError: a variable is missing in it.
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        path = os.fsdecode(save_path)
        if not state.checkpoint_exists(path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {path}")
        if sess is not None and self.saver_def is not None:
            definition = self.saver_def
            try:
                with metrics.timed("checkpoint_read", metrics.SAVER), asked_for(path):
                    sess.run(definition.restore_op_name, {definition.filename_tensor_name: path})
            except NotFoundError as error:
                if keys := keys_by_name(path):
                    self._saver_of_objects(sess.graph, keys).restore(sess, path)
                    return
                cause = "a Variable name or other graph key that is missing from the checkpoint"
                raise _unlike_the_graph(error, cause) from error
            except InvalidArgumentError as error:
                cause = "a mismatch between the current graph and the graph from the checkpoint"
                raise _unlike_the_graph(error, cause) from error
            return
        reader = BundleReader(path)
        saveables = list(all_saveables(self._variables))
        names = [spec.name for saveable in saveables for spec in saveable.specs]
        keys = {} if all(name in reader for name in names) else keys_by_name(path)
        for name in names:
            if keys.get(name, name) not in reader:
                raise NotFoundError(f"Key {name} not found in checkpoint")
        for saveable in saveables:
            shapes = [s.tensor.shape.as_list() for s in saveable.specs] if self._reshape else None
            values = [reader.read(keys.get(s.name, s.name)) for s in saveable.specs]
            saveable.restore([convert_to_tensor(value) for value in values], shapes)

    def _saver_of_objects(self, graph: Any, keys: dict[str, str]) -> "Saver":
        """A saver of the same variables by their keys in a checkpoint of objects."""
        if self._of_objects is not None and self._of_objects[0] == keys:
            return self._of_objects[1]
        with graph.as_default():
            variables = self._variables or by_name(_saved_by_default(graph))
            saveables = list(all_saveables(variables))
            specs = [spec for saveable in saveables for spec in saveable.specs]
            missing = sorted({spec.name for spec in specs} - set(keys))
            if missing:
                raise NotFoundError(
                    f"Existing variables not in the checkpoint: {', '.join(missing)}\n\n"
                    f"Variables names when this checkpoint was written: {', '.join(sorted(keys))}"
                )
            for spec in specs:
                spec.name = keys[spec.name]
            saver = Saver(saveables, reshape=self._reshape)
        self._of_objects = keys, saver
        return saver

    # -- graphs

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Any = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """Writes the graph, with this saver, to a file; returns the MetaGraphDef."""
        return meta_graph.export_meta_graph(
            filename,
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
        )


def _saved_by_default(graph: Any) -> list[Any]:
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES) + graph.get_collection(
        GraphKeys.SAVEABLE_OBJECTS
    )


def _unlike_the_graph(error: OpError, cause: str) -> OpError:
    """An error of the same class that says why a checkpoint does not fit."""
    return type(error)(
        f"Restoring from checkpoint failed. This is most likely due to {cause}. Please ensure that you "
        f"have not altered the graph expected based on the checkpoint. Original error:\n\n{error.message}"
    )


def _step(sess: Any, step: Any) -> int:
    if isinstance(step, (int, np.integer)):
        return int(step)
    return int(step if sess is None else sess.run(step))


@export(v1=["train.import_meta_graph"])
@hiding("allow")
def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    allow: str | Iterable[str] = (),
    **kwargs: Any,
) -> Saver | None:
    """Adds the graph of a MetaGraphDef, given itself or as a file, to the current graph.

    Args:
      meta_graph_or_file: the MetaGraphDef.
      clear_devices: whether to omit the devices.
      import_scope: put before all names.
      allow: what the graph of a file may do besides computing, saving and restoring; see tf.saved_model.experimental.allow.
      **kwargs: `input_map`, `graph`, ... of the private import_scoped_meta_graph.

    Returns:
      A saver for its variables, or None if there are none.
    """
    consent = meta_graph.consent_of(meta_graph_or_file, allow)
    return import_consented(meta_graph_or_file, consent, clear_devices, import_scope, **kwargs)


def import_consented(
    meta_graph_or_file: Any,
    consent: Consent | None,
    clear_devices: bool = False,
    import_scope: str | None = None,
    **kwargs: Any,
) -> Saver | None:
    """Like `import_meta_graph`, with the permissions of `consent`."""
    origin = consent.origin if consent is not None else ""
    with of_file(origin, origin) if origin else contextlib.nullcontext():
        imported = meta_graph.import_into_graph(
            meta_graph_or_file, import_scope, clear_devices=clear_devices, consent=consent, **kwargs
        )
        return _saver_of(imported, import_scope)


def _saver_of(imported: meta_graph.Imported, import_scope: str | None) -> Saver | None:
    if imported.definition.HasField("saver_def"):
        scoped = meta_graph.scoped_saver(imported.definition.saver_def, import_scope)
        return Saver(saver_def=scoped, name=import_scope)
    return Saver() if imported.variables else None
