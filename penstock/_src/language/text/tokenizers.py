"""Tokenizers: texts as tokens."""

from __future__ import annotations

import bisect
import importlib
import itertools
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.filesystems import files
from penstock._src.language.text.token_bytes import TokenBytes
from penstock._src.util.process.installing import pip_install

CHARACTERS = "characters.json"


class Part(NamedTuple):
    """A piece of a prompt: its text, and whether it is the model's own, in which tokens that control the model count."""

    text: str
    is_own: bool


class Tokenizer(Protocol):
    """Converts texts to tokens and back."""

    def encode(self, text: str) -> list[int]:
        """Returns the tokens of a text."""

    def encode_parts(self, parts: Sequence[Part], is_whole: bool = False) -> list[int]:
        """Returns the tokens of a prompt; only the template's own texts can produce control tokens.

        Args:
          parts: of the prompt.
          is_whole: True: what begins and ends every text is among them, and is not added.

        Raises:
          InvalidArgumentError: a part that is not the model's own cannot be written without them.
        """

    def decode(self, tokens: Sequence[int]) -> str:
        """Returns the text of tokens."""

    def token_bytes(self, token: int) -> bytes:
        """Returns the bytes that a token adds in the midst of a text; a token that controls the model has those of its name, an unknown one has none."""

    def is_control(self, token: int) -> bool:
        """True if a token controls the model: it is not part of decoded texts."""


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

    def encode_parts(self, parts: Sequence[Part], is_whole: bool = False) -> list[int]:
        """Returns the tokens of the parts' characters, none of them control tokens."""
        return self.encode("".join(part.text for part in parts))

    def decode(self, tokens: Sequence[int]) -> str:
        """Returns the text of tokens; an unknown one has none."""
        known = len(self._characters)
        return "".join(self._characters[token] for token in tokens if token < known)

    def token_bytes(self, token: int) -> bytes:
        """Returns the bytes of a token's character; an unknown one has none."""
        return self._characters[token].encode() if token < len(self._characters) else b""

    def is_control(self, token: int) -> bool:
        """False: all tokens are text."""
        return False


class _Library:
    """A tokenizer of the library `tokenizers`: byte pairs, word pieces, unigrams.

    Args:
      tokenizer: the library's.
      own: the model's own texts in prompts.
    """

    def __init__(self, tokenizer: Any, own: Sequence[str]) -> None:
        self._library = library()
        self._tokenizer = tokenizer
        self._added: dict[int, Any] = tokenizer.get_added_tokens_decoder()
        # Other added tokens are text, such as runs of spaces.
        self._control = {
            token: each.content
            for token, each in self._added.items()
            if each.special or any(each.content in piece for piece in own)
        }
        self._special = {token for token, each in self._added.items() if each.special}
        decoder = self._tokenizer.decoder
        self._bytes = TokenBytes({} if decoder is None else json.loads(decoder.__getstate__()))
        # Takes control tokens for plain text; made when it is first needed.
        self._plain: Any = None
        self._has_own = bool(own)

    def _without_control(self) -> Any:
        """The tokenizer that takes control tokens for plain text; it shares the vocabulary, which takes most of the memory."""
        whole = self._tokenizer
        copy = self._library.Tokenizer(whole.model)
        for step in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
            if getattr(whole, step) is not None:
                setattr(copy, step, getattr(whole, step))
        added = [self._in_place_of(*item) for item in sorted(self._added.items())]
        add_tokens(copy, [each for each in added if each is not None])
        return copy

    def _in_place_of(self, token: int, added: Any) -> Any:
        """An added token as it is, None for a control token, or, where the numbers of others depend on it, one that no text has."""
        if token not in self._control:
            return added
        if self._tokenizer.model.token_to_id(added.content) is not None:
            return None
        return self._library.AddedToken(os.urandom(32).hex(), special=True, normalized=False)

    def encode(self, text: str) -> list[int]:
        _check(text)
        return self._tokenizer.encode(text).ids

    def encode_parts(self, parts: Sequence[Part], is_whole: bool = False) -> list[int]:
        text = "".join(part.text for part in parts)
        _check(text)
        whole = self._tokenizer.encode(text, add_special_tokens=not is_whole)
        if not self._is_controlled(whole, parts):
            return whole.ids
        pieces = [self._encode_part(part) for part in parts]
        joined = self._library.Encoding.merge(pieces, True)
        return joined.ids if is_whole else self._tokenizer.post_process(joined).ids

    def _is_controlled(self, encoding: Any, parts: Sequence[Part]) -> bool:
        """True if a control token is outside of the template's own texts."""
        places = [
            place
            for token, place in zip(encoding.ids, encoding.offsets, strict=True)
            if token in self._control and place[0] < place[1]  # others come with every prompt
        ]
        if not places:
            return False
        ends = list(itertools.accumulate(len(part.text) for part in parts))
        for begin, end in places:
            at = bisect.bisect_right(ends, begin)
            if not parts[at].is_own or end > ends[at]:
                return True
        return False

    def _encode_part(self, part: Part) -> Any:
        if self._has_own and self._plain is None and not part.is_own:
            self._plain = self._without_control()
        if part.is_own or self._plain is None:
            return self._tokenizer.encode(part.text, add_special_tokens=False)
        encoding = self._plain.encode(part.text, add_special_tokens=False)
        wrong = [token for token in encoding.ids if token in self._control]
        if wrong:
            raise InvalidArgumentError(
                f"A text has {self._control[wrong[0]]!r}, which controls the model."
            )
        return encoding

    def decode(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode(list(tokens))

    def token_bytes(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token].content.encode()
        name = self._tokenizer.id_to_token(token)
        return b"" if name is None else self._bytes.of(name)

    def is_control(self, token: int) -> bool:
        return token in self._special


def _check(text: str) -> None:
    """Refuses a text with halves of pairs of UTF-16, as JSON may have them: it has no bytes."""
    if not is_encodable(text):
        raise InvalidArgumentError("A text has half a pair of UTF-16 (U+D800 to U+DFFF).")


def is_encodable(text: str) -> bool:
    """True if a text has bytes in UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def library() -> Any:
    """Returns the library `tokenizers`.

    Raises:
      ImportError: it is not installed.
    """
    try:
        return importlib.import_module("tokenizers")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"The model's tokenizer needs the package tokenizers: {pip_install('language')}, and to serve it {pip_install('generate')}."
        ) from error


def add_tokens(tokenizer: Any, added: Iterable[Any]) -> None:
    """Adds tokens that are not cut to one of the library `tokenizers`, as many at a time as possible: each addition looks at all.

    Args:
      tokenizer: the library's.
      added: the library's tokens, by their numbers.
    """
    for is_special, tokens in itertools.groupby(added, key=lambda token: token.special):
        (tokenizer.add_special_tokens if is_special else tokenizer.add_tokens)(list(tokens))


def of_library(described: Any, own: Sequence[str], where: str) -> Tokenizer:
    """Returns a tokenizer of the library `tokenizers`.

    Args:
      described: the library's tokenizer, or the JSON that describes it.
      own: the model's own texts in prompts.
      where: the file, for messages.

    Raises:
      InvalidArgumentError: the text is damaged.
      ImportError: the library is not installed.
    """
    try:
        is_text = isinstance(described, str)
        return _Library(library().Tokenizer.from_str(described) if is_text else described, own)
    except ImportError:
        raise
    except Exception as error:  # the library has no class of its own
        raise InvalidArgumentError(f"{where}: {error}") from error


def read_text(path: str) -> str:
    """Returns the text of a file.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is not UTF-8.
    """
    try:
        return files.read(path).decode()
    except UnicodeDecodeError as error:
        raise DataLossError(f"{path}: expected a text in UTF-8: {error}.") from error


def load(path: str, own: Sequence[str] = ()) -> Tokenizer:
    """Returns the tokenizer in a file: a list of characters (`characters.json`), or the format of the library `tokenizers`.

    Args:
      path: of the file.
      own: the model's own texts in prompts.

    Raises:
      InvalidArgumentError: the file is damaged.
      ImportError: the library is needed and not installed.
    """
    text = read_text(path)
    if not path.endswith(CHARACTERS):
        return of_library(text, own, path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InvalidArgumentError(f"{path}: {error}") from error
    if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
        raise InvalidArgumentError(f"{path}: expected a list of strings.")
    return Characters(content)
