"""Tokenizers: texts as tokens."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems import files

CHARACTERS = "characters.json"


class Tokenizer(Protocol):
    """What makes tokens of texts and back."""

    def encode(self, text: str) -> list[int]:
        """Returns the tokens of a text."""

    def decode(self, tokens: Sequence[int]) -> str:
        """Returns the text of tokens."""


class Characters:
    """A token for each character.

    Args:
      characters: by their tokens.
    """

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = list(characters)
        self._tokens = {character: token for token, character in enumerate(characters)}

    def encode(self, text: str) -> list[int]:
        """Returns the tokens of a text.

        Raises:
          InvalidArgumentError: there is no token for a character.
        """
        unknown = [character for character in text if character not in self._tokens]
        if unknown:
            raise InvalidArgumentError(f"The model does not know the character {unknown[0]!r}.")
        return [self._tokens[character] for character in text]

    def decode(self, tokens: Sequence[int]) -> str:
        """Returns the text of tokens."""
        return "".join(self._characters[token] for token in tokens)


class _Library:
    """A tokenizer of the library `tokenizers`: byte pairs, word pieces, unigrams."""

    def __init__(self, text: str) -> None:
        try:
            library = importlib.import_module("tokenizers")
        except ModuleNotFoundError as error:
            raise ImportError(
                "The model's tokenizer needs the package tokenizers: pip install 'penstock[generate]'."
            ) from error
        self._tokenizer: Any = library.Tokenizer.from_str(text)

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text).ids

    def decode(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode(list(tokens))


def load(path: str) -> Tokenizer:
    """Returns the tokenizer in a file: a list of characters (`characters.json`), or the format of the library `tokenizers`.

    Raises:
      InvalidArgumentError: the file is damaged.
      ImportError: the library is needed and not installed.
    """
    text = files.read(path).decode()
    if not path.endswith(CHARACTERS):
        try:
            return _Library(text)
        except ImportError:
            raise
        except Exception as error:  # the library has no class of its own
            raise InvalidArgumentError(f"{path}: {error}") from error
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidArgumentError(f"{path}: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidArgumentError(f"{path}: expected a list of strings.")
    return Characters(found)
