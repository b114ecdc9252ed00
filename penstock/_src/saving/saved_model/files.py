"""The files of a SavedModel's folder: whether it is one, the message in it, and its pack of machine code."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock._src.filesystems.files import exists, open_file, read
from penstock._src.filesystems.transaction import recover
from penstock._src.native.cache.packs import Pack, PackRefused, open_pack, use_for_process
from penstock._src.native.cache.sources import OF_PLANS, digest_of
from penstock._src.native.code import FORMAT
from penstock._src.native.llvm import INSTALL
from penstock._src.native.target import levels_of_host
from penstock._src.proto import saved as messages
from penstock._src.saving.saved_model import constants
from penstock._src.util.export import export
from penstock._src.util.process.compiler import has_compiler

log = logging.getLogger("penstock.native")


@contextlib.contextmanager
def of_file(origin: str, path: str) -> Iterator[None]:
    """Within this block, which loads a file, errors name the file; errors that only damage can cause become a ValueError.

    Args:
      origin: the file in words.
      path: of the file or folder, which no message need repeat.
    """
    try:
        yield
    except (KeyError, IndexError, RecursionError, DecodeError) as error:
        kind = type(error).__name__
        raise ValueError(f"Cannot load {origin}: it is damaged ({kind}: {error}).") from error
    except (ValueError, TypeError) as error:
        if path in str(error):
            raise
        kinds = ValueError, TypeError
        error_class = type(error) if type(error) in kinds else ValueError
        raise error_class(f"{error} (in {origin})") from error


def parse(folder: str) -> Any:
    """The message in a SavedModel's folder; raises as `parsed` does."""
    return parsed(folder)[0]


def parsed(folder: str) -> tuple[Any, str]:
    """The message in a SavedModel's folder, and the SHA-256 of its file, empty if that is text.

    Raises:
      OSError: there is none, or it is truncated or damaged.
    """
    path = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
    text = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT)
    try:
        recover(folder)
        if exists(path):
            content = read(path)
            return messages.SavedModel.FromString(content), hashlib.sha256(content).hexdigest()
        if exists(text):
            return text_format.Parse(read(text).decode(), messages.SavedModel()), ""
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        damaged = path if exists(path) else text
        raise OSError(f"Cannot parse file {damaged}: {error}.") from error
    raise OSError(
        f"SavedModel file does not exist at: {folder}{os.sep}"
        f"{{{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}}}"
    )


@export(
    "saved_model.contains_saved_model",
    v1=[
        "saved_model.contains_saved_model",
        "saved_model.maybe_saved_model_directory",
        "saved_model.loader.maybe_saved_model_directory",
    ],
)
def contains_saved_model(export_dir: Any) -> bool:
    """True if a folder holds a SavedModel.

    Args:
      export_dir: the folder.

    Returns:
      A bool.
    """
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    folder = os.fsdecode(export_dir)
    return any(exists(os.path.join(folder, name)) for name in names)


def pack_in(folder: str) -> Pack | None:
    """The pack of a SavedModel, whose code the process then uses for itself, too; None, with a warning, if it may not be used.

    Args:
      folder: of the SavedModel.
    """
    path = os.path.join(folder, constants.EXTRA_ASSETS_DIRECTORY, constants.PACK_FILENAME)
    if not exists(path):
        return None
    try:
        sources = digest_of(OF_PLANS)
        if sources is None:
            raise PackRefused(
                "this installation's sources cannot be read, to compare them with those that wrote it"
            )
        with open_file(path) as file:
            pack = open_pack(file, path, FORMAT, sources)
        own = levels_of_host()
        if not set(pack.targets) & set(own):
            raise PackRefused(
                f"it has code for {', '.join(pack.targets) or 'no processor'}, and this one runs {', '.join(own) or 'none of its kinds'}"
            )
    except (PackRefused, OSError) as refusal:
        then = (
            "The model runs by compiling" if has_compiler() else f"The model needs LLVM ({INSTALL})"
        )
        log.warning("The pack %s is not used: %s. %s.", path, refusal, then)
        return None
    return use_for_process(pack)
