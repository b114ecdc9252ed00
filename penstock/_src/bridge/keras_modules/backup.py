"""`keras.callbacks.BackupAndRestore` that keeps its files in step, and, where asked, the place in the dataset; Keras itself is not modified.

Keras writes the weights, then how far training is. Here both get their names together, so that a killed process leaves those of one
moment. Keras starts the epoch that was interrupted again; with `backup.saves_iterator = True` the iterator of a `tf.data.Dataset` is saved
beside the weights, and `fit` goes on with the batch after the last one saved:

    backup = keras.callbacks.BackupAndRestore(folder, save_freq=100)
    backup.saves_iterator = True
    model.fit(dataset, epochs=10, callbacks=[backup])

The metrics of the epoch that goes on are those of its remaining batches.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shutil
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.filesystems.transaction import Transaction, recover, tidy
from penstock._src.util.files.whole import temporary_path
from penstock._src.util.lazy import ByName

# Imported by name: Keras loads this on every start, and few programs save iterators.
_CHECKPOINT = ByName("penstock._src.saving.checkpoint", "Checkpoint")
# The name of the position in the dataset in the metadata, and the prefix of its iterator's files.
_PLACE = "iterator"


@dataclasses.dataclass
class Place:
    """The position of an epoch's iteration.

    Args:
      batches: of the epoch, that are done.
      made: iterators of the dataset so far; each has other random numbers.
      seen: what Keras counts of an iterator that goes on in the next epoch.
      file: the prefix of the checkpoint of an iterator that is in use, or "".
    """

    batches: int = 0
    made: int = 0
    seen: int = 0
    file: str = ""


class Tracked:
    """The state of an epoch iterator of Keras: its position, and where to start."""

    def __init__(self) -> None:
        self.place = Place()
        self.iterator: Any = None
        self.start: tuple[Place, str] | None = None


_TRACKED: weakref.WeakKeyDictionary[Any, Tracked] = weakref.WeakKeyDictionary()
# The epoch iterator of the `fit` that runs: `fit` alone holds it, as it holds the data.
_OF_MODEL: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def _tracked(epochs: Any) -> Tracked:
    return _TRACKED.setdefault(epochs, Tracked())


def _epochs_of(backup: Any) -> Any:
    """The epoch iterator of the `fit` that a callback is part of, or None."""
    return None if backup._epochs is None else backup._epochs()


def wrap_trainer(module: types.ModuleType) -> None:
    """Follows the epoch iterators of `keras.src.backend.tensorflow.trainer`."""
    trainer = module.TensorFlowTrainer  # type: ignore[attr-defined]
    epochs = module.TFEpochIterator  # type: ignore[attr-defined]
    trainer._maybe_symbolic_build = _noting(trainer._maybe_symbolic_build)
    epochs._get_iterator = _counting(epochs._get_iterator)
    epochs._enumerate_iterator = _starting(epochs._enumerate_iterator)


def wrap_backup(module: types.ModuleType) -> None:
    """Wraps how `keras.callbacks.BackupAndRestore` writes and reads where training is."""
    backup = module.BackupAndRestore  # type: ignore[attr-defined]
    backup.saves_iterator = False
    backup._epochs = None
    backup._save_model = _together(backup._save_model)
    backup._load_model = _with_place(backup._load_model)
    backup.on_epoch_end = _after_epoch(backup.on_epoch_end)


def _noting(build: Callable[..., Any]) -> Callable[..., Any]:
    """The method that `fit` calls with its epoch iterator, which is noted."""

    @functools.wraps(build)
    def building(self: Any, iterator: Any = None, data_batch: Any = None) -> Any:
        if iterator is not None:
            _OF_MODEL[self] = weakref.ref(iterator)
        return build(self, iterator, data_batch)

    return building


def _counting(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The method that returns the parts of an iterator."""

    @functools.wraps(get)
    def getting(self: Any) -> Any:
        _tracked(self).place.made += 1
        return get(self)

    return getting


def _starting(enumerate_batches: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """The generator of an epoch's (first batch, last batch, iterator), which may start amid the epoch."""

    @functools.wraps(enumerate_batches)
    def enumerating(self: Any) -> Iterator[Any]:
        tracked = _tracked(self)
        start, tracked.start = tracked.start, None
        if start is not None:
            for _ in range(start[0].made - bool(start[0].file)):
                iter(self._get_iterator())
        for first, last, iterator in enumerate_batches(self):
            is_done = start is not None and last < start[0].batches
            if start is not None and last + 1 >= start[0].batches:
                if start[0].file:
                    _restore(iterator, start[1])
                    self._steps_seen = start[0].seen + (0 if is_done else self.steps_per_execution)
                start = None
            tracked.iterator = iterator
            tracked.place.batches = last + 1
            if not is_done:
                yield first, last, iterator

    return enumerating


def _restore(iterator: Any, path: str) -> None:
    _CHECKPOINT(iterator=iterator).read(path).assert_consumed()


def _after_epoch(end: Callable[..., Any]) -> Callable[..., Any]:
    """The method that is called after an epoch."""

    @functools.wraps(end)
    def ending(self: Any, epoch: int, logs: Any = None) -> None:
        epochs = _epochs_of(self)
        if epochs is not None:
            tracked = _tracked(epochs)
            tracked.place.batches = 0
            tracked.iterator = epochs._current_iterator if epochs.steps_per_epoch else None
        end(self, epoch, logs)

    return ending


def _together(save: Callable[[Any], None]) -> Callable[[Any], None]:
    """The method that writes a backup; all its files get their names at once."""

    @functools.wraps(save)
    def saving(self: Any) -> None:
        paths = self._weights_path, self._training_metadata_path
        if "://" in os.fspath(self.backup_dir):
            if self.saves_iterator:
                raise NotImplementedError("saves_iterator: backup_dir must be a local folder")
            save(self)
            return
        os.makedirs(self.backup_dir, exist_ok=True)
        tidy(self.backup_dir)
        if self.double_checkpoint:
            for path in filter(os.path.exists, paths):
                shutil.copyfile(path, f"{path}.bkp")
        staging = temporary_path(paths[1])
        os.mkdir(staging)
        try:
            self._weights_path, self._training_metadata_path = (
                os.path.join(staging, os.path.basename(path)) for path in paths
            )
            save(self)
            if self.saves_iterator:
                _save_place(self, staging)
            with Transaction(paths[1]) as written:
                for name in sorted(os.listdir(staging)):
                    written.take(os.path.join(self.backup_dir, name), os.path.join(staging, name))
        finally:
            self._weights_path, self._training_metadata_path = paths
            shutil.rmtree(staging, ignore_errors=True)
        _remove_old_places(self)

    return saving


def _save_place(backup: Any, folder: str) -> None:
    """Writes where the iterator is, and notes it in the metadata there."""
    epochs, path = _epochs_of(backup), backup._training_metadata_path
    tracked = _tracked(epochs)
    with open(path) as file:
        metadata = json.load(file)
    place = dataclasses.replace(tracked.place, seen=epochs._steps_seen, file="")
    if tracked.iterator is not None:
        place.file = f"{_PLACE}-{metadata['epoch']}-{place.batches}"
        _CHECKPOINT(iterator=tracked.iterator).write(os.path.join(folder, place.file))
    metadata[_PLACE] = dataclasses.asdict(place)
    with open(path, "w") as file:
        json.dump(metadata, file)


def _place_in(path: str) -> Place | None:
    """The position in metadata, if they have one."""
    if not os.path.exists(path):
        return None
    with open(path) as file:
        record = json.load(file).get(_PLACE)
    return None if record is None else Place(**record)


def _remove_old_places(backup: Any) -> None:
    """Removes the iterators that no metadata name."""
    metadata = backup._training_metadata_path, backup._prev_training_metadata_path
    named = {place.file for place in map(_place_in, metadata) if place is not None}
    for name in os.listdir(backup.backup_dir):
        if name.startswith(f"{_PLACE}-") and name.split(".")[0] not in named:
            os.remove(os.path.join(backup.backup_dir, name))


def _with_place(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """The method that reads a backup, after completing renames of a killed process."""

    @functools.wraps(load)
    def loading(self: Any) -> None:
        path = self._training_metadata_path
        if "://" not in os.fspath(self.backup_dir):
            recover(path)
        load(self)
        self._epochs = _OF_MODEL.get(self.model)  # now, as evaluation has another
        if not self.saves_iterator:
            return
        self._current_epoch = self.model._initial_epoch
        place = _place_in(path)
        if place is not None:
            files = os.path.join(self.backup_dir, place.file)
            _tracked(_epochs_of(self)).start = place, files

    return loading
