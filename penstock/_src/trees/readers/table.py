"""The reader of a file, folder or estimator."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
)
from penstock._src.filesystems import files
from penstock._src.trees.ensemble import Ensemble
from penstock._src.trees.readers import lightgbm, scikit_learn, xgboost, ydf

_OF_FILES = (xgboost, lightgbm)
_HEAD = 256  # bytes of a file that readers look at
# Exceptions of readers for malformed bytes.
_DAMAGED = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
SUFFIXES = (".json", ".ubj", ".txt", ".model")


def is_ensemble(path: str) -> bool:
    """True if a path is a file of XGBoost or LightGBM, or a folder of YDF."""
    if files.is_folder(path):
        return ydf.prefix_of(path) is not None
    return path.endswith(SUFFIXES) and files.is_file(path) and _reader(_head(path)) is not None


def read(source: Any) -> Ensemble:
    """Returns the ensemble of a file, a folder, a fitted estimator of scikit-learn or a model of ydf.

    Raises:
      TypeError: it is neither a path nor such a model.
      NotFoundError: there is no such file.
      InvalidArgumentError: it is of no known format.
      DataLossError: the file is damaged.
      UnimplementedError: the model is of a kind that is not implemented.
    """
    if scikit_learn.is_estimator(source):
        return scikit_learn.read(source)
    if ydf.is_model(source):
        return ydf.read_object(source)
    if not isinstance(source, (str, bytes, os.PathLike)):
        raise TypeError(
            "tf.trees.load: expected a file of XGBoost or LightGBM, a folder of YDF, a fitted estimator of scikit-learn or a model of ydf. "
            f"Received: {source!r} of type {type(source).__name__}."
        )
    path = files.text_of(source)
    if not files.exists(path):
        raise NotFoundError(f"{path}: there is no such file or folder.")
    with named_errors(path):
        if files.is_folder(path):
            if ydf.prefix_of(path) is None:
                raise InvalidArgumentError(
                    "the folder has no model of YDF, which is `header.pb`, `data_spec.pb` and nodes."
                )
            return ydf.read(path)
        data = files.read(path)
        reader = _reader(data[:_HEAD])
        if reader is None:
            raise InvalidArgumentError(
                "the file is neither XGBoost's JSON or UBJSON nor LightGBM's text. Pickles are not read."
            )
        return reader.read(data)


@contextlib.contextmanager
def named_errors(path: str) -> Iterator[None]:
    """Within the block, errors name the file or folder, and exceptions of damaged bytes are DataLossErrors."""
    try:
        yield
    except OpError as error:
        raise error if path in str(error) else type(error)(f"{path}: {error.message}") from error
    except _DAMAGED as error:
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, KeyError):
            what = f"there is no field {error}."
        raise DataLossError(f"{path}: the model is damaged: {what}") from error


def _head(path: str) -> bytes:
    with files.open_file(path) as file:
        return file.read(_HEAD)


def _reader(head: bytes) -> Any:
    return next((reader for reader in _OF_FILES if reader.recognized(head)), None)
