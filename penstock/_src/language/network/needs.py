"""`tf.language.memory`: what a model in a file or folder will take."""

from __future__ import annotations

import os

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language import files
from penstock._src.language.architecture import CacheType, default_length
from penstock._src.language.files import LanguageFiles
from penstock._src.language.network.memory import Memory, of_generation
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import mapped_and_copied_bytes
from penstock._src.util.export import export


@export("language.memory", v1=[])
def memory(
    path: str | os.PathLike[str],
    *,
    length: int | None = None,
    sequences: int = 1,
    packed: bool = True,
    cache: CacheType = "float32",
) -> Memory:
    """Returns the memory that a language model will take; only the beginning of its files is read.

    Args:
      path: a `.gguf` file or a folder, as of `tf.language.load`.
      length: tokens of a text that there is room for, as of `tf.language.load`.
      sequences: that are generated at the same time: the slots of `penstock serve`.
      packed: as of `tf.language.load`.
      cache: as of `tf.language.load`.

    Returns:
      A `tf.language.Memory`.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: one is damaged.
      UnimplementedError: the model is of a kind that is not implemented.
      InvalidArgumentError: an option is out of range.

    >>> print(tf.language.memory("tiny.gguf", length=2048, cache="int8"))  # doctest: +SKIP
    """
    for name, value in (("length", length), ("sequences", sequences)):
        if value is not None and value < 1:
            raise InvalidArgumentError(f"{name}: expected at least 1. Received {value}.")
    about = files.read(str(path), length or 0)
    room = default_length(about.architecture.context) if length is None else length
    return needs(about, room, sequences, packed, cache)


def needs(
    about: LanguageFiles, length: int, sequences: int, packed: bool, cache: CacheType
) -> Memory:
    """Returns what a model takes.

    Args:
      about: its files.
      length, sequences, packed, cache: as of `memory`.
    """
    a, weights = about.architecture, about.weights
    finder = Finder(weights, a.family, about.is_gguf, packed)
    mapped, copied = mapped_and_copied_bytes(finder, a, packed)
    return of_generation(a, mapped, copied, length, sequences, dtypes.as_dtype(cache))
