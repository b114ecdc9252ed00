"""The file `checkpoint` of a folder, which names the latest checkpoints, and reading checkpoints
without objects."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from google.protobuf import text_format

from penstock._src.core import dtypes
from penstock._src.core.errors import OpError
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.ops.io.bundle import BundleReader, index_name
from penstock._src.proto.saved import CheckpointState
from penstock._src.proto.tensor import DataType
from penstock._src.util.export import export

log = logging.getLogger("tensorflow")


def _state_file(folder: Any, latest_filename: str | None) -> str:
    return os.path.join(os.fsdecode(folder), latest_filename or "checkpoint")


@export(v1=["train.generate_checkpoint_state_proto"])
def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Returns the message of the checkpoint file, with paths relative to `save_dir` where they can.

    Raises:
      ValueError: the numbers of timestamps and paths differ.
    """
    paths = list(all_model_checkpoint_paths or ())
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths (got paths "
            f"{paths} and timestamps {times})"
        )
    # Paths relative to the folder, not to the current directory.
    if not files.is_absolute(save_dir):
        paths = [
            files.relative_to(path, save_dir) if not files.is_absolute(path) else path
            for path in paths
        ]
        if not files.is_absolute(model_checkpoint_path):
            model_checkpoint_path = files.relative_to(model_checkpoint_path, save_dir)
    state = CheckpointState(
        model_checkpoint_path=model_checkpoint_path,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=times,
    )
    if last_preserved_timestamp is not None:
        state.last_preserved_timestamp = last_preserved_timestamp
    return state


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Writes the checkpoint file of a folder.

    Args:
      save_dir: the folder.
      model_checkpoint_path: of the newest checkpoint.
      all_model_checkpoint_paths: of all that are there, oldest first.
      latest_filename: the name of the file; by default "checkpoint".
      all_model_checkpoint_timestamps: when each was written, in seconds since 1970.
      last_preserved_timestamp: when the last one was written that stays.
      save_relative_paths: whether paths are relative to the folder.
    """

    def relative(path: str) -> str:
        return files.relative_to(path, save_dir)

    if save_relative_paths:
        state = CheckpointState(
            model_checkpoint_path=relative(model_checkpoint_path),
            all_model_checkpoint_paths=map(relative, all_model_checkpoint_paths or ()),
            all_model_checkpoint_timestamps=all_model_checkpoint_timestamps or (),
        )
        if last_preserved_timestamp is not None:
            state.last_preserved_timestamp = last_preserved_timestamp
    else:
        state = generate_checkpoint_state_proto(
            save_dir,
            model_checkpoint_path,
            all_model_checkpoint_paths,
            all_model_checkpoint_timestamps,
            last_preserved_timestamp,
        )
    path = _state_file(save_dir, latest_filename)
    write_whole(path, text_format.MessageToString(state))


@export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """Returns the message of a folder's checkpoint file, or None if there is none that can be read.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the file; by default "checkpoint".

    Returns:
      A CheckpointState with absolute paths, or None.

    Raises:
      ValueError: the file names no checkpoint.
    """
    folder = os.fsdecode(checkpoint_dir)
    path = _state_file(folder, latest_filename)
    if not files.exists(path):
        return None
    try:
        state = text_format.Merge(files.read(path).decode(), CheckpointState())
    except (OpError, text_format.ParseError, UnicodeDecodeError) as error:
        log.warning("%s: %s: %s\nCheckpoint ignored.", path, type(error).__name__, error)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {folder}")

    def absolute(name: str) -> str:
        return name if files.is_absolute(name) else os.path.join(folder, name)

    state.model_checkpoint_path = absolute(state.model_checkpoint_path)
    for at, name in enumerate(state.all_model_checkpoint_paths):
        state.all_model_checkpoint_paths[at] = absolute(name)
    return state


@export(v1=["train.checkpoint_exists"])
def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """True if there is a checkpoint with this prefix. A V1 checkpoint is a single file."""
    prefix = os.fsdecode(checkpoint_prefix)
    return files.exists(index_name(prefix)) or files.is_file(prefix)


@export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """Returns the path of the latest checkpoint of a folder.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the file that says which is the latest; "checkpoint" by
        default.

    Returns:
      The path, for `tf.train.Checkpoint.restore`, or None if there is none.

    >>> print(tf.train.latest_checkpoint("empty"))
    None
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not checkpoint_exists(state.model_checkpoint_path):
        return None
    return state.model_checkpoint_path


@export(v1=["train.remove_checkpoint"])
def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Removes the files of a checkpoint: the index first, because the other files are useless without it."""
    folder, name = os.path.split(checkpoint_prefix)
    if not files.is_folder(folder or "."):
        return
    entries = [entry for entry in files.names(folder) if entry.startswith(name)]
    for entry in sorted(entries, key=lambda entry: not entry.endswith(".index")):
        rest = entry.removeprefix(name)
        if rest in (".index", "." + meta_graph_suffix) or rest.startswith(".data-"):
            files.remove_if_there(os.path.join(folder, entry))


@export(v1=["train.get_checkpoint_mtimes"])
def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """Returns the modification times of the existing checkpoints."""
    return [
        files.status(index_name(p)).mtime_nsec / 1e9
        for p in map(os.fsdecode, checkpoint_prefixes)
        if checkpoint_exists(p)
    ]


class CheckpointReader:
    """The tensors of a checkpoint by name."""

    def __init__(self, prefix: str) -> None:
        self._reader = BundleReader(prefix)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Returns the shapes by name."""
        return {name: self._reader.shape(name) for name in self._reader.entries}

    def get_variable_to_dtype_map(self) -> dict[str, dtypes.DType]:
        """Returns the types by name."""
        return {name: self._reader.dtype(name) for name in self._reader.entries}

    def has_tensor(self, tensor_str: str) -> bool:
        """True if the checkpoint has a tensor of this name."""
        return tensor_str in self._reader

    def get_tensor(self, tensor_str: str) -> Any:
        """Returns the value of a tensor.

        Raises:
          tf.errors.NotFoundError: nothing has this name.
        """
        value = self._reader.read(tensor_str)
        return value if value.ndim else value[()]

    def debug_string(self) -> bytes:
        """Returns a listing of names, types and shapes."""
        lines = []
        for name in self._reader.entries:
            kind = DataType.Name(self._reader.dtype(name).as_datatype_enum)
            extents = ",".join(str(extent) for extent in self._reader.shape(name))
            lines.append(f"{name} ({kind}) [{extents}]\n")
        return "".join(lines).encode()


@export(v1=["train.NewCheckpointReader"])
def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """Returns a reader of a checkpoint."""
    return CheckpointReader(os.fsdecode(filepattern))


def _prefix(folder_or_file: Any) -> str:
    path = os.fsdecode(folder_or_file)
    if files.is_folder(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise ValueError(
                f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}"
            )
        return latest
    return path


@export("train.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Returns a reader of the values of a checkpoint.

    Args:
      ckpt_dir_or_file: the path of a checkpoint, or a folder, whose latest checkpoint is read.

    Returns:
      An object with `get_tensor(name)` and `get_variable_to_shape_map()`.

    Raises:
      ValueError: the folder has none.

    >>> path = tf.train.Checkpoint(step=tf.Variable(7)).save("training/ckpt")
    >>> tf.train.load_checkpoint("training").get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE")
    np.int32(7)
    """
    return CheckpointReader(_prefix(ckpt_dir_or_file))


@export("train.load_variable")
def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """Returns the value of a tensor of a checkpoint.

    Args:
      ckpt_dir_or_file: the path of a checkpoint, or a folder: its newest.
      name: of the tensor.

    Returns:
      A NumPy array.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


@export("train.list_variables")
def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Returns the names and shapes of what a checkpoint holds.

    Args:
      ckpt_dir_or_file: the path of a checkpoint, or a folder, whose latest checkpoint is read.

    Returns:
      A sorted list of pairs of name and shape.

    Raises:
      ValueError: the folder has no checkpoint.

    >>> path = tf.train.Checkpoint(step=tf.Variable([1, 2])).save("training/ckpt")
    >>> tf.train.list_variables("training")[1:]
    [('save_counter/.ATTRIBUTES/VARIABLE_VALUE', []), ('step/.ATTRIBUTES/VARIABLE_VALUE', [2])]
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """Returns the path of the MetaGraphDef beside a checkpoint, given without or with the number of a shard."""
    whole = re.sub(r"-[\d?]+-of-\d+$", "", checkpoint_filename)
    return f"{whole}.{meta_graph_suffix}"


def wait_for_new_checkpoint(
    checkpoint_dir: Any,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """Waits for the next checkpoint of a folder; returns its path, or None if none came in time.

    Args:
      checkpoint_dir: the folder.
      last_checkpoint: the last known checkpoint.
      seconds_to_sleep: how long to wait before looking again.
      timeout: for how many seconds to look; forever by default.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        checkpoint = latest_checkpoint(checkpoint_dir)
        if checkpoint is not None and checkpoint != last_checkpoint:
            return checkpoint
        if deadline is not None and time.monotonic() + seconds_to_sleep > deadline:
            return None
        time.sleep(seconds_to_sleep)


@export("train.checkpoints_iterator")
def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Yields the paths of new checkpoints of a folder as they appear.

    Args:
      checkpoint_dir: the folder.
      min_interval_secs: the minimum time between two.
      timeout: how long to wait for one; forever by default.
      timeout_fn: called on timeout; the iteration ends if it returns True.

    Returns:
      An iterator of str.
    """
    last: str | None = None
    while True:
        checkpoint = wait_for_new_checkpoint(checkpoint_dir, last, timeout=timeout)
        if checkpoint is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        begin = time.monotonic()
        last = checkpoint
        yield checkpoint
        time.sleep(max(0.0, min_interval_secs - (time.monotonic() - begin)))
