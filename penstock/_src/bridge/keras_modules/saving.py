"""Files that Keras writes are there as a whole or not at all; Keras itself is not modified.

Keras writes `.keras`, `.weights.h5` and `.h5` files under their names: a process that is killed meanwhile leaves half a file where
there was a whole one. When its modules load on the stand-in, the functions that save are wrapped: they write into a hidden folder
beside the path, and the files get their names when they are complete and on the disk (`filesystems/transaction.py`).

Errors of the functions that load get a note with the path: h5py's and zipfile's say what is wrong, but not in which file. HDF5 files
that h5py would never come back from, and archives that unpack to very much (`archives.py`), are refused.
"""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import types
from collections.abc import Callable
from typing import Any

from penstock._src.bridge.keras_modules.archives import check_archive
from penstock._src.core.calls.loading_limits import loading_limit
from penstock._src.filesystems.transaction import Transaction, recover, tidy
from penstock._src.util.files.hdf5 import check_hdf5
from penstock._src.util.files.whole import temporary_path

# The endings of the paths that a function accepts: it refuses others with the path in its message.
_ENDINGS = {
    "save_model": (".keras",),
    "save_weights_only": ("weights.h5", "weights.json"),
    "save_model_to_hdf5": ("",),
    "save_weights": (".h5", ".hdf5", ".keras"),  # for tf_keras, which writes checkpoints otherwise
    "save": ("",),  # a SavedModel of tf_keras
}


def wrap_library(module: types.ModuleType) -> None:
    """Wraps the functions that save and load in `saving_lib` of Keras 3 or 2."""
    for name in ("save_model", "save_weights_only"):
        setattr(module, name, _staged(getattr(module, name)))
    for name in ("load_model", "load_weights_only"):
        setattr(module, name, _recovered(getattr(module, name)))


def wrap_hdf5(module: types.ModuleType) -> None:
    """Wraps the functions that save whole models in the older HDF5 format."""
    module.save_model_to_hdf5 = _staged(module.save_model_to_hdf5)  # type: ignore[attr-defined]


def wrap_loading(module: types.ModuleType) -> None:
    """Wraps the load functions in `keras.src.saving.saving_api`, which users call."""
    for name in ("load_model", "load_weights"):
        setattr(module, name, _noted(getattr(module, name)))


def wrap_weights(module: types.ModuleType) -> None:
    """Wraps the function that saves weights in `tf_keras.src.saving.legacy.save`."""
    module.save_weights = _staged(module.save_weights)  # type: ignore[attr-defined]


def wrap_saved_model(module: types.ModuleType) -> None:
    """Wraps the functions that save or load in `tf_keras.src.saving.legacy.saved_model`, whose folders hold metadata of Keras as well."""
    if hasattr(module, "save"):
        module.save = _staged(module.save)  # type: ignore[attr-defined]
    else:
        module.load = _recovered(module.load)  # type: ignore[attr-defined]


# Functions that wrap a module of Keras after it has loaded.
WRAPPERS: dict[str, Callable[[types.ModuleType], None]] = {
    "keras.src.saving.saving_api": wrap_loading,
    "keras.src.saving.saving_lib": wrap_library,
    "keras.src.legacy.saving.legacy_h5_format": wrap_hdf5,
    "tf_keras.src.saving.saving_lib": wrap_library,
    "tf_keras.src.saving.legacy.hdf5_format": wrap_hdf5,
    "tf_keras.src.saving.legacy.save": wrap_weights,
    "tf_keras.src.saving.legacy.saved_model.save": wrap_saved_model,
    "tf_keras.src.saving.legacy.saved_model.load": wrap_saved_model,
}


def _staged(save: Callable[..., Any]) -> Callable[..., Any]:
    """A function that saves at `filepath`, and keeps the existing file until all is written."""
    signature = inspect.signature(save)

    @functools.wraps(save)
    def saving(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        path = _local_path(arguments.get("filepath"))
        if path is None or not _is_accepted(save.__name__, path, arguments):
            return save(*args, **kwargs)
        folder, name = os.path.split(path)
        tidy(folder)
        staging = temporary_path(path)
        _make(staging, path)
        try:
            arguments["filepath"] = type(arguments["filepath"])(os.path.join(staging, name))
            bound = inspect.BoundArguments(signature, arguments)  # type: ignore[arg-type]
            result = save(*bound.args, **bound.kwargs)
            with Transaction(path) as written:
                for each in _made_in(staging, folder):
                    written.take(os.path.join(folder, os.path.relpath(each, staging)), each)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return result

    return saving


def _make(staging: str, path: str) -> None:
    """Makes the folder for what becomes `path`, which an error names."""
    try:
        os.mkdir(staging)
    except OSError as error:
        error.filename = path
        raise


def _made_in(staging: str, folder: str) -> list[str]:
    """The files below `staging`, that of a SavedModel without which the others are nothing last; `folder` gets the same folders."""
    names = []
    for inner, below, files in os.walk(staging):
        names += [os.path.join(inner, file) for file in files]
        for each in below:
            target = os.path.relpath(os.path.join(inner, each), staging)
            os.makedirs(os.path.join(folder, target), exist_ok=True)
    return sorted(names, key=lambda path: os.path.basename(path) == "saved_model.pb")


def _local_path(filepath: Any) -> str | None:
    """The real path of a local file in a folder that is there; None for anything else."""
    if not isinstance(filepath, (str, os.PathLike)) or "://" in os.fspath(filepath):
        return None
    path = os.path.realpath(filepath)
    return path if os.path.isdir(os.path.dirname(path)) else None


def _is_accepted(name: str, path: str, options: dict[str, Any]) -> bool:
    """True if the function will save at a path, without a question or an error about the path itself."""
    if not options.get("overwrite", True) and os.path.exists(path):
        return False
    if options.get("save_format") in ("tf", "tensorflow"):
        return False
    if not options.get("zipped", True):
        return not path.endswith(".keras")
    return path.endswith(_ENDINGS[name])


def _recovered(load: Callable[..., Any]) -> Callable[..., Any]:
    """A function that loads from `filepath` or `path`, after completing renames of a killed process."""
    signature = inspect.signature(load)

    @functools.wraps(load)
    def loading(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        path = _local_path(arguments.get("filepath", arguments.get("path")))
        if path is not None:
            recover(path)
        return load(*args, **kwargs)

    return loading


def _noted(load: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose errors name the file that it loads, which is looked at before."""
    place = list(inspect.signature(load).parameters).index("filepath")

    @functools.wraps(load)
    def loading(*args: Any, **kwargs: Any) -> Any:
        path = kwargs.get("filepath", args[place] if len(args) > place else None)
        local = _local_path(path)
        try:
            with loading_limit(str(path)):
                if local is not None and os.path.isfile(local):
                    check_hdf5(local)
                    check_archive(local)
                return load(*args, **kwargs)
        except Exception as error:
            if str(path) not in str(error):
                error.add_note(f"Penstock: while loading {path}")
            raise

    return loading
