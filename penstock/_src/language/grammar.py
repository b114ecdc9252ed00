"""Texts of a form: which tokens may come next, by an automaton over the bytes of tokens.

The automaton is the library llguidance's.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.language.text.tokenizers import Tokenizer
from penstock._src.util.process.installing import pip_install

# Text that JSON is written with, as Python's: a weak model could go on with blanks for ever.
WRITTEN_JSON = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Grammar(NamedTuple):
    """The form that a text is to have.

    Args:
      kind: "schema": `text` is a JSON schema; "lark": it is a grammar in Lark's language, as llguidance reads it.
      text: the grammar itself.
      name: by which messages call it.
    """

    kind: Literal["schema", "lark"]
    text: str
    name: str


def grammar_of(schema: Mapping[str, Any] | None, grammar: str | None) -> Grammar | None:
    """Returns the output format that arguments request; None if they request none.

    Args:
      schema: a JSON schema.
      grammar: in Lark's language.

    Raises:
      InvalidArgumentError: both are given, or one is of another type.
    """
    if schema is not None and grammar is not None:
        raise InvalidArgumentError("schema, grammar: expected at most one of them.")
    if grammar is not None:
        if not isinstance(grammar, str):
            raise InvalidArgumentError(
                f"grammar: expected a string. Received {type(grammar).__name__}."
            )
        return Grammar("lark", grammar, "grammar")
    if schema is None:
        return None
    if not isinstance(schema, Mapping):
        raise InvalidArgumentError(f"schema: expected a mapping. Received {type(schema).__name__}.")
    try:
        return Grammar("schema", json.dumps(schema), "schema")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"schema: {error}") from error


class Matchers:
    """Makes matchers for one model. Several threads may use it.

    Args:
      tokenizer: of the model.
      vocabulary: number of its tokens.
      stop_tokens: that end a text.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: int, stop_tokens: Sequence[int]) -> None:
        self._tokenizer, self._vocabulary = tokenizer, vocabulary
        self._stops = [token for token in stop_tokens if token < vocabulary]
        self._lock = threading.Lock()
        self._known: Any = None

    def matcher(self, grammar: Grammar) -> Matcher:
        """Returns a matcher at the beginning of a text; it may take some milliseconds.

        Raises:
          InvalidArgumentError: the grammar is invalid, or uses a feature that is not implemented.
          ImportError: the package llguidance is not installed.
        """
        library = _library()
        with self._lock:
            if self._known is None:
                self._known = self._of_library(library)
        make = library.LLMatcher
        try:
            if grammar.kind == "schema":
                text = make.grammar_from_json_schema(grammar.text, overrides=WRITTEN_JSON)
            else:
                text = make.grammar_from_lark(grammar.text)
        except ValueError as error:
            raise InvalidArgumentError(f"{grammar.name}: {error}") from error
        matcher = make(self._known, text, log_level=0)
        if matcher.is_error():
            raise InvalidArgumentError(f"{grammar.name}: {_said(matcher)}")
        return Matcher(matcher, self._vocabulary, grammar.name)

    def _of_library(self, library: Any) -> Any:
        wrapped = library.TokenizerWrapper(
            _Vocabulary(self._tokenizer, self._vocabulary, self._stops)
        )
        return library.LLTokenizer(
            wrapped, n_vocab=self._vocabulary + 1, eos_token=self._stops or [self._vocabulary]
        )


class Matcher:
    """Follows a text, and computes the allowed next tokens.

    Args:
      matcher: the library's.
      vocabulary: the number of the model's tokens.
      name: the grammar's name in messages.
    """

    def __init__(self, matcher: Any, vocabulary: int, name: str) -> None:
        self._matcher, self._vocabulary, self._name = matcher, vocabulary, name

    def allowed(self) -> np.ndarray:
        """Returns the tokens that may come next, increasing; those that end a text are among them where it may end.

        Raises:
          InvalidArgumentError: no token may come: the model cannot write such a text, or the grammar is too complex.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        tokens = np.flatnonzero(np.unpackbits(bits, bitorder="little")[: self._vocabulary])
        if self._matcher.is_error() or not len(tokens):
            why = _said(self._matcher) or "the model has no token that goes on with such a text."
            raise InvalidArgumentError(f"{self._name}: {why}")
        return tokens

    def take(self, token: int) -> None:
        """Goes on by a token.

        Raises:
          InternalError: it may not come.
        """
        if not self._matcher.consume_token(token):
            raise InternalError(f"The token {token} may not come here: {_said(self._matcher)}")

    @property
    def is_complete(self) -> bool:
        """True if the text is whole, and nothing may follow."""
        return self._matcher.is_stopped()


class _Vocabulary:
    """A tokenizer in the library's interface; its last token is an extra one, which ends a text if no other token does."""

    def __init__(self, tokenizer: Tokenizer, count: int, stops: Sequence[int]) -> None:
        self.tokens = [*(tokenizer.token_bytes(token) for token in range(count)), b""]
        self.special_token_ids = [t for t in range(count) if tokenizer.is_control(t)] + [count]
        self.eos_token_id, self.bos_token_id = (stops[0] if stops else count), None
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        """The usual tokenization of a text; the last one replaces a character that the model cannot write.

        Raises:
          TypeError: for bytes, by which the library learns to give texts.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a string. Received {type(text).__name__}.")
        try:
            return self._tokenizer.encode(text)
        except InvalidArgumentError:
            if len(text) == 1:
                return [len(self.tokens) - 1]
            return [token for character in text for token in self(character)]


def _said(matcher: Any) -> str:
    """The library's error message, without its state, which follows."""
    return matcher.get_error().partition("\n<")[0].strip()


def _library() -> Any:
    try:
        return importlib.import_module("llguidance")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Texts of a form (a JSON schema, a grammar) need the package llguidance: {pip_install('grammar')}."
        ) from error
