"""What a format is."""

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock._src.core.errors import OpError
from tests.fuzz.files.mutating import damaged


@dataclasses.dataclass(frozen=True)
class Format:
    """One format of files.

    Args:
      name: as on the command line.
      make: writes a valid sample into a folder.
      read: reads what is in the folder; returns what it holds, in numbers, texts and lists.
      exact: whether checksums protect it: what loads must be equal to the sample, or of its records.
      named: whether errors name a file of the folder; what decodes bytes has none.
      errors: classes that errors may have, besides TensorFlow's.
      mutate: damages the bytes of a file of this name; by default anywhere.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
    exact: bool = False
    named: bool = True
    errors: tuple[type[Exception], ...] = ()
    mutate: Callable[[random.Random, str, bytes], bytes] = lambda choice, name, data: damaged(
        choice, data
    )


def ran(function: Callable[[], Any]) -> Any:
    """What a loaded program computes, or the class of the error that it raises: those name operations, not files."""
    try:
        return plain(function())
    except (OpError, ValueError, TypeError, RuntimeError) as error:
        return type(error).__name__


def plain(value: Any) -> Any:
    """Arrays, tensors and bytes as lists and texts, to be compared."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(held) for name, held in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    return value.decode("latin1") if isinstance(value, bytes) else value
