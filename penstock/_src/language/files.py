"""Facts about a language model in a GGUF file or Hugging Face folder, except its weights: tokenizer, template, tokens that end a text."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.filesystems import files
from penstock._src.formats.gguf import reading as gguf
from penstock._src.formats.safetensors import folder as safetensors
from penstock._src.formats.weights.stored import Weights
from penstock._src.language.architecture import Architecture
from penstock._src.language.families import gguf as gguf_families
from penstock._src.language.families import hugging_face
from penstock._src.language.text import gguf as gguf_tokenizers
from penstock._src.language.text.templates import Template
from penstock._src.language.text.tokenizers import Tokenizer, of_library, read_text
from penstock._src.language.weights.grouped import unpacked_groups

GGUF_SUFFIX = ".gguf"
_TOKENIZER, _ABOUT_TOKENIZER = "tokenizer.json", "tokenizer_config.json"
_GENERATION, _TEMPLATE = "generation_config.json", "chat_template.jinja"
# Kinds of tokenizers of GGUF files without one.
_NO_TOKENIZERS = (None, "none", "no_vocab")
# Tokens that end an answer, if a file names none or only the one that ends a text.
_ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
)


@dataclass(frozen=True, eq=False)
class LanguageFiles:
    """A language model's files.

    Attributes:
      path: the file or folder.
      weights: its tensors and what it says of them.
      is_gguf: whether it is a GGUF file or a folder.
      architecture: what is computed.
      stop_tokens: that end a text.
      source: the template of conversations; empty if there is none.
      names: that the template may refer to.
      made_tokenizer: None until it is made.
    """

    path: str
    weights: Weights
    is_gguf: bool
    architecture: Architecture
    stop_tokens: tuple[int, ...]
    source: str
    names: Mapping[str, str]
    made_tokenizer: Tokenizer | None = None

    def without_weights(self) -> LanguageFiles:
        """Returns the same with its tokenizer, and without data that is not needed after that: tensors, and the lists of the vocabulary.

        Raises:
          ImportError: the package tokenizers is not installed.
        """
        nothing = Weights(self.path, {})
        return dataclasses.replace(self, weights=nothing, made_tokenizer=self.tokenizer())

    def tokenizer(self) -> Tokenizer | None:
        """Returns the tokenizer; None if the files have none.

        Raises:
          ImportError: the package tokenizers is not installed.
        """
        if self.made_tokenizer is not None:
            return self.made_tokenizer
        if self.is_gguf:
            if self.weights.metadata.get("tokenizer.ggml.model") in _NO_TOKENIZERS:
                return None
            tokenizer = gguf_tokenizers.tokenizer_of(self.weights.metadata, self.path)
            return of_library(tokenizer, [self.source], self.path)
        path = os.path.join(self.path, _TOKENIZER)
        if not files.exists(path):
            return None
        return of_library(read_text(path), [self.source], path)

    def template(self) -> Template:
        """Returns the template of conversations.

        Raises:
          InvalidArgumentError: there is none, or it is damaged.
          ImportError: the package jinja2 is not installed.
        """
        if not self.source:
            raise InvalidArgumentError(
                f"{self.path}: the model does not support chat: it has no template for messages."
            )
        return Template(self.source, self.names, self.path)


def is_language_model(path: str) -> bool:
    """True if a path is a GGUF file, or a folder of Hugging Face's with a `config.json` and safetensors."""
    if not files.is_folder(path):
        return path.endswith(GGUF_SUFFIX) and files.is_file(path)
    weight_files = (safetensors.WEIGHTS, safetensors.INDEX)
    return files.is_file(os.path.join(path, safetensors.CONFIG)) and any(
        files.is_file(os.path.join(path, name)) for name in weight_files
    )


def read(path: str, length: int = 0) -> LanguageFiles:
    """Returns the facts in a file or folder about a model.

    Args:
      path: a GGUF file, or a folder.
      length: tokens of the texts that are meant; 0: as many as there is room for by default.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: one is damaged.
      UnimplementedError: the model is of a kind that is not implemented.
    """
    if not files.is_folder(path):
        return _of_gguf(path, length)
    weights = safetensors.read(path)
    config = os.path.join(path, safetensors.CONFIG)
    weights = unpacked_groups(weights, config)
    architecture = hugging_face.architecture_of(weights.metadata, config, length)
    about, generation = (_object(path, name) for name in (_ABOUT_TOKENIZER, _GENERATION))
    ends = generation.get("eos_token_id", weights.metadata.get("eos_token_id"))
    stops = ends if isinstance(ends, list) else [ends]
    stops = tuple(n for n in stops if type(n) is int and 0 <= n < architecture.vocabulary)
    names = {
        name: text
        for name in ("bos_token", "eos_token", "pad_token", "unk_token")
        if (text := _text_of(about.get(name))) is not None
    }
    source = _template_in(path, about)
    return LanguageFiles(path, weights, False, architecture, stops, source, names)


def _object(folder: str, name: str) -> Mapping[str, Any]:
    path = os.path.join(folder, name)
    return safetensors.read_object(path) if files.exists(path) else {}


def _text_of(token: Any) -> str | None:
    """The text of a token, which files store alone or with properties."""
    text = token.get("content") if isinstance(token, Mapping) else token
    return text if isinstance(text, str) else None


def _template_in(folder: str, about: Mapping[str, Any]) -> str:
    path = os.path.join(folder, _TEMPLATE)
    if files.exists(path):
        return read_text(path)
    template = about.get("chat_template", "")
    if isinstance(template, list):  # several, by names
        named = [
            each for each in template if isinstance(each, Mapping) and each.get("name") == "default"
        ]
        template = named[0].get("template") if named else ""
    if not isinstance(template, str):
        where = os.path.join(folder, _ABOUT_TOKENIZER)
        raise DataLossError(f"{where}: 'chat_template': expected a string. Received {template!r}.")
    return template


def _of_gguf(path: str, length: int) -> LanguageFiles:
    weights = gguf.read(path)
    facts = weights.metadata
    architecture = gguf_families.architecture_of(weights, length)
    tokens = facts.get("tokenizer.ggml.tokens")
    tokens = tokens if isinstance(tokens, list) else []
    numbers = {
        name: number
        for name in ("bos", "eos", "eot", "eom", "unknown", "padding")
        if type(number := facts.get(f"tokenizer.ggml.{name}_token_id")) is int
        and 0 <= number < len(tokens)
    }
    types = facts.get("tokenizer.ggml.token_type")
    control = np.flatnonzero(types == 3) if isinstance(types, np.ndarray) else np.empty(0, np.int64)
    stops = {numbers[name] for name in ("eos", "eot", "eom") if name in numbers}
    stops |= {int(number) for number in control if number < len(tokens) and tokens[number] in _ENDS}
    names = {
        name: tokens[numbers[key]]
        for name, key in (("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"))
        if key in numbers
    }
    source = facts.get("tokenizer.chat_template", "")
    if not isinstance(source, str):
        raise DataLossError(f"{path}: 'tokenizer.chat_template': expected a string.")
    return LanguageFiles(path, weights, True, architecture, tuple(sorted(stops)), source, names)
