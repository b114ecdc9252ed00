"""tf.train.Checkpoint: writes and restores the values of objects."""

import dataclasses
import inspect
import logging
import os
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.errors import NotFoundError
from penstock._src.core.tracking.trackable import AutoTrackable, Trackable, wrap
from penstock._src.eager.context import init_scope
from penstock._src.eager.variable import Variable
from penstock._src.filesystems import files
from penstock._src.filesystems.transaction import recover
from penstock._src.ops.io.bundle import BundleReader, index_name, write_shards
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.saving import metrics, state
from penstock._src.saving.background import BackgroundWriter
from penstock._src.saving.in_functions import in_function, write_by_operations
from penstock._src.saving.object_graph import (
    GRAPH_KEY,
    ObjectView,
)
from penstock._src.saving.restoration import Assignments, NamedRestoration, Restoration
from penstock._src.saving.serialized import Reads, registered_arrays, serialized, session_of
from penstock._src.saving.sharding import ShardByTaskPolicy, by_task, sharded, stored
from penstock._src.saving.status import (
    CheckpointLoadStatus,
    InitializationOnlyStatus,
    LoadStatus,
    NameBasedSaverStatus,
)
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

log = logging.getLogger("tensorflow")


@export("train.CheckpointOptions")
@dataclass(eq=False, repr=False)
class CheckpointOptions:
    """Options of writing a checkpoint.

    Args:
      experimental_io_device: the device of the operations that read and write.
      experimental_enable_async_checkpoint, enable_async: whether eager code goes on while files are written; the values are those at
        the call. `sync` waits for the files.
      experimental_write_callbacks: called once a checkpoint is written, with its path if they take one argument.
      experimental_skip_slot_variables: whether the slots of optimizers are not restored.
      experimental_sharding_callback: a ShardingCallback, which decides about data files.
    """

    experimental_io_device: str | None = None
    experimental_enable_async_checkpoint: bool = False
    experimental_write_callbacks: list[Callable[..., Any]] | None = None
    enable_async: bool = False
    experimental_skip_slot_variables: bool = False
    experimental_sharding_callback: Any = None

    def __post_init__(self) -> None:
        is_async = self.experimental_enable_async_checkpoint or self.enable_async
        self.enable_async = self.experimental_enable_async_checkpoint = is_async
        for callback in self.experimental_write_callbacks or ():
            count = len(inspect.signature(callback).parameters)
            assert count <= 1, f"Callbacks take at most a path; {callback} takes {count} arguments."


class _Checkpoint(AutoTrackable):
    """Base of the checkpoint classes of both versions."""

    _root: Any = None
    # The name by which it is counted.
    _label = metrics.CHECKPOINT_V2
    _save_counter: Any = None
    # In a graph, the operation that counts a checkpoint.
    _increment: Any = None

    def __init__(self, root: Any, dependencies: dict[str, Any]) -> None:
        super().__init__()
        self._setattr_tracking = False
        self._root = None
        self._attached: dict[str, Any] = {} if root is None else {"root": root}
        self._save_counter = None
        # In a graph: the operations that saving and restoring have added to it.
        self._reads: Reads = {}
        self._assignments: Assignments = {}
        self._writer = BackgroundWriter()
        self._setattr_tracking = True
        if root is not None:
            _check_trackable(root, "root")
            self._setattr_tracking = False
            self._root = root
            self._setattr_tracking = True
            root._maybe_initialize_trackable()
            self.root = root
        for name, value in sorted(dependencies.items()):
            setattr(self, name, value)
            value = getattr(self, name)
            _check_trackable(value, name)
            if root is not None:
                there = root._lookup_dependency(name)
                if there is not None and there is not value:
                    raise ValueError(
                        "Cannot create a Checkpoint with keyword argument "
                        f"{name} if root.{name} already exists."
                    )
                self._attached[name] = value

    # -- dependencies

    @property
    def _top(self) -> Any:
        return self if self._root is None else self._root

    def _counter(self) -> Any:
        """The variable that counts saved checkpoints."""
        if self._save_counter is None:
            with init_scope():
                counter = Variable(0, dtype="int64", name="save_counter", trainable=False)
            self._setattr_tracking = False
            self._save_counter = counter
            self._setattr_tracking = True
            if self._root is None:
                self._track_trackable(counter, "save_counter")
            else:
                self._attached["save_counter"] = counter
                self._root._handle_deferred_dependencies("save_counter", counter)
        return self._save_counter

    @property
    def save_counter(self) -> Any:
        """The number of checkpoints that `save` has written."""
        return self._counter()

    # -- writing

    @shortening
    def write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> Any:
        """Writes a checkpoint.

        Args:
          file_prefix: the beginning of the names of its files.
          options: a `tf.train.CheckpointOptions`.

        Returns:
          `file_prefix`, for `read`; a tensor in a function, which writes at each call.
        """
        if in_function():
            options = options or CheckpointOptions()
            return write_by_operations(self._top, self._attached, file_prefix, options)
        return self._write(_path(file_prefix), options)

    def _write(self, prefix: str, options: CheckpointOptions | None, session: Any = None) -> str:
        reads, writer = self._reads, self._writer
        return write_objects(
            self._top, self._attached, prefix, options, reads, session, self._label, writer
        )

    @shortening
    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Writes a numbered checkpoint and records it as the latest of its folder.

        Args:
          file_prefix: the beginning of the names of its files; "-1", "-2", ... is appended.
          options: a `tf.train.CheckpointOptions`.

        Returns:
          The path, for `restore`.
        """
        return self._save(file_prefix, options)

    def _save(
        self, file_prefix: Any, options: CheckpointOptions | None, session: Any = None
    ) -> str:
        if in_function():
            raise NotImplementedError(
                "Calling tf.train.Checkpoint.save() from a function is not supported, because it counts checkpoints and "
                "records the latest one by code that is not part of graphs. Use tf.train.Checkpoint.write()."
            )
        number = self._next_number(session)
        options = with_callback(options, _record_as_latest)
        return self._write(f"{_path(file_prefix)}-{number}", options, session)

    def _next_number(self, session: Any) -> int:
        """Counts a checkpoint; in a graph, by the session."""
        is_new = self._save_counter is None
        counter = self._counter()
        with init_scope():
            if not in_v1_graph():
                counter.assign_add(np.int64(1))
                return int(counter)
            run = session_of(STATE.graph, session).run
            if is_new:
                run(counter.initializer)
            if self._increment is None or self._increment.graph is not STATE.graph:
                self._setattr_tracking = False
                self._increment = counter.assign_add(np.int64(1), read_value=True)
                self._setattr_tracking = True
            return int(run(self._increment))

    # -- restoring

    @shortening
    def read(self, save_path: Any, options: CheckpointOptions | None = None) -> LoadStatus:
        """Restores a checkpoint that `write` wrote.

        Objects that are made later get their values then.

        Args:
          save_path: what `write` returned.
          options: a `tf.train.CheckpointOptions`.

        Returns:
          An object with assertions about the restored values, such as `assert_consumed()`.

        Raises:
          NotFoundError: there is no such checkpoint.
        """
        if save_path is None:
            return InitializationOnlyStatus(self._top, self._attached)
        self._writer.wait()
        prefix = _path(save_path)
        return read_objects(
            self._top, self._attached, prefix, options, self._assignments, self._label
        )

    @shortening
    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> LoadStatus:
        """Restores a checkpoint that `save` wrote; None restores nothing.

        Objects that are made later get their values then.

        Args:
          save_path: what `save` or `tf.train.latest_checkpoint` returned.
          options: a `tf.train.CheckpointOptions`.

        Returns:
          An object with assertions about the restored values, such as `assert_consumed()`.

        Raises:
          NotFoundError: there is no such checkpoint.

        >>> path = tf.train.Checkpoint(step=tf.Variable(7)).save("training/ckpt")
        >>> step = tf.Variable(0)
        >>> status = tf.train.Checkpoint(step=step).restore(tf.train.latest_checkpoint("training"))
        >>> step.numpy()
        np.int32(7)
        """
        if save_path is not None:
            folder = _path(save_path)
            inner = os.path.join(folder, "variables", "variables")
            if files.is_folder(folder) and files.exists(index_name(inner)):
                recover(folder)
                save_path = inner
        status = self.read(save_path, options)
        counter = self._counter()
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(counter)
        return status

    def sync(self) -> None:
        """Waits until checkpoints are written that were begun with `enable_async`.

        Raises:
          Exception: writing has failed.
        """
        self._writer.wait()


def with_callback(
    options: CheckpointOptions | None, callback: Callable[[str], None]
) -> CheckpointOptions:
    """Options that also call `callback` with the path, after all other callbacks."""
    options = options or CheckpointOptions()
    callbacks = [*(options.experimental_write_callbacks or ()), callback]
    return dataclasses.replace(options, experimental_write_callbacks=callbacks)


def _record_as_latest(path: str) -> None:
    state.update_checkpoint_state(os.path.dirname(path), path, [path], save_relative_paths=True)


def write_objects(
    root: Any,
    attached: Any,
    prefix: str,
    options: CheckpointOptions | None,
    reads: Reads | None = None,
    session: Any = None,
    label: str = metrics.CHECKPOINT_V2,
    writer: BackgroundWriter | None = None,
) -> str:
    """Writes a checkpoint of `root` and its dependencies to files that begin with `prefix`; returns it.

    Args:
      writer: writes the files, if the options ask for a thread.
    """
    options = options or CheckpointOptions()
    with init_scope():
        in_background = options.enable_async and writer is not None and not in_v1_graph()
    if options.enable_async and not in_background:
        log.warning(
            "Saving async checkpoint in graph mode is not supported; the checkpoint is written before the program goes on."
        )
    with metrics.timed("checkpoint_write", metrics.ASYNC if in_background else label):
        if writer is not None:
            writer.wait()
        with init_scope():
            contents = serialized(ObjectView(root, attached), reads)
            tensors = contents.arrays(session)
        tensors.update(registered_arrays(contents.registered, prefix))
        if writer is None or not in_background:
            _write_tensors(prefix, tensors, contents.owners, options, label)
    if writer is not None and in_background:
        writer.start(lambda: _write_later(prefix, tensors, contents.owners, options))
    return prefix


def _write_later(prefix: str, tensors: Any, owners: Any, options: CheckpointOptions) -> None:
    with metrics.timed("async_checkpoint_write", metrics.ASYNC):
        _write_tensors(prefix, tensors, owners, options, metrics.ASYNC)


def _write_tensors(
    prefix: str, tensors: Any, owners: Any, options: CheckpointOptions, label: str
) -> None:
    sharding = options.experimental_sharding_callback or ShardByTaskPolicy()
    metrics.LATEST["sharding_callback"] = sharding.description
    if isinstance(sharding, ShardByTaskPolicy):
        shards: list[Any] = [
            stored(tensors_of_task) for tensors_of_task in by_task(tensors, owners)
        ]
    else:
        with metrics.timed("sharding_callback", ""):
            shards = [
                shard
                for tensors_of_task in by_task(tensors, owners)
                for shard in sharded(sharding, tensors_of_task, owners)
            ]
    write_shards(prefix, shards)
    metrics.COUNTS["checkpoint_shards", ""] += len(shards)
    metrics.record_size(label, prefix)
    for callback in options.experimental_write_callbacks or ():
        count = len(inspect.signature(callback).parameters)
        callback(*[prefix] * count)


def read_objects(
    root: Any,
    attached: Any,
    prefix: str,
    options: CheckpointOptions | None = None,
    assignments: Assignments | None = None,
    label: str = metrics.CHECKPOINT_V2,
    reader: BundleReader | None = None,
) -> LoadStatus:
    """Restores `root` and its dependencies from the files that begin with `prefix`, or their reader; see `Restoration`."""
    with metrics.timed("checkpoint_read", label):
        return _read_objects(
            root, attached, prefix, options, assignments, reader or reader_of_values(prefix)
        )


def reader_of_values(prefix: str) -> BundleReader:
    """Returns the reader of the files that begin with `prefix`.

    Raises:
      NotFoundError: they are not there.
    """
    try:
        return BundleReader(prefix)
    except NotFoundError as error:
        raise NotFoundError(
            f"Error when restoring from checkpoint or SavedModel at {prefix}: {error.message}"
            "\nPlease double-check that the path is correct. You may be missing the "
            "checkpoint suffix (e.g. the '-1' in 'path/to/ckpt-1')."
        ) from error


def _read_objects(
    root: Any, attached: Any, prefix: str, options: Any, assignments: Any, reader: BundleReader
) -> LoadStatus:
    with init_scope():
        if GRAPH_KEY not in reader:
            return NameBasedSaverStatus(NamedRestoration(reader, root, attached, assignments))
        data = reader.read(GRAPH_KEY)[()]
        graph = TrackableObjectGraph.FromString(data)
        skips_slots = options is not None and options.experimental_skip_slot_variables
        restoration = Restoration(reader, graph, attached, prefix, assignments, skips_slots)
        reader.expect_all()
        restoration.begin(root)
    return CheckpointLoadStatus(restoration)


def _path(prefix: Any) -> str:
    if hasattr(prefix, "numpy"):
        prefix = prefix.numpy()
    return os.fsdecode(prefix)


def _check_trackable(value: Any, name: str) -> None:
    if not isinstance(value, Trackable):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from "
            f"`Trackable`), got {value}. If you believe this object should be trackable (i.e. it "
            "is part of the TensorFlow Python API and manages state), please open an issue."
        )


@export("train.Checkpoint", v1=[])
class Checkpoint(_Checkpoint):
    """Saves the values of objects: variables, modules, Keras models, optimizers, iterables of them.

    Args:
      root: the object whose dependencies are saved; by default the checkpoint itself.
      **kwargs: additional objects by name.

    >>> step = tf.Variable(7)
    >>> checkpoint = tf.train.Checkpoint(step=step)
    >>> checkpoint.save("training/ckpt")
    'training/ckpt-1'
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        root = root() if isinstance(root, weakref.ref) else root
        super().__init__(None if root is None else wrap(root), kwargs)


@export(v1=["train.Checkpoint"])
class CheckpointV1(_Checkpoint):
    """Saves the values of the objects given by name.

    The parameters of its methods are TensorFlow 1's and differ from those of the base class.
    """

    _label = metrics.CHECKPOINT_V1

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(None, kwargs)

    def restore(self, save_path: str) -> Any:  # type: ignore[override]
        """Restores the saved values; see `tf.train.Checkpoint.restore`."""
        return super().restore(save_path)

    def save(  # type: ignore[override]
        self, file_prefix: Any, session: Any = None, options: CheckpointOptions | None = None
    ) -> str:
        """Writes a numbered checkpoint; see `tf.train.Checkpoint.save`.

        Args:
          file_prefix: the beginning of the files' names.
          session: has the values of a graph; by default the default session.
          options: as of `tf.train.Checkpoint.save`.
        """
        return self._save(file_prefix, options, session)

    def write(  # type: ignore[override]
        self, file_prefix: Any, session: Any = None, options: CheckpointOptions | None = None
    ) -> Any:
        """Writes a checkpoint; see `tf.train.Checkpoint.write`.

        Args:
          file_prefix: the beginning of the files' names.
          session: has the values of a graph; by default the default session.
          options: as of `tf.train.Checkpoint.write`.
        """
        if in_function():
            return super().write(file_prefix, options)
        return self._write(_path(file_prefix), options, session)
